"""The one way a kernel is compiled, and where its machine code is kept.

numba's own cache does not notice that a callee in another file changed, so a room's
cache folder is named after a hash of every source that its kernels may be made of.
``NUMBA_CACHE_DIR`` overrides it. Where nothing can be written, kernels are compiled anew
by every process.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, update_wrapper
from pathlib import Path
from types import FunctionType
from typing import Any, Generic, ParamSpec, TypeVar

import numba
import numpy as np
from numba.core import event
from platformdirs import user_cache_path

P = ParamSpec("P")
R = TypeVar("R")

_GROUND = ("sim/core", "sim/world")
#: Folders whose files may define kernels, each with those whose kernels they may call.
KERNEL_ROOMS: dict[str, tuple[str, ...]] = {
    "sim/core": (),
    "sim/world": ("sim/core",),
    "sensors": _GROUND,
    "sim/tracking": _GROUND,
    "sim/metrics": _GROUND,
    "sim/coverage": _GROUND,
    "sim/defence": _GROUND,
}
_UNUSED_DAYS = 30.0
#: Below so many tracks, waking a second thread costs more than it saves.
_THREADED_FROM = 2000


def sources_hash(root: Path, room: str) -> str:
    """Return what tells one state of a room's kernels, and all below, from another."""
    digest = hashlib.sha256(f"{numba.__version__} {np.__version__} {room}".encode())
    for folder in (*KERNEL_ROOMS.get(room, KERNEL_ROOMS), room):
        for path in sorted((root / folder).glob("*.py")):
            # All files count: kernels compile in the codes and tuples that others define.
            digest.update(path.name.encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _drop_unused(caches: Path) -> None:
    """Remove cache folders of other source states that nobody used for a month."""
    oldest = time.time() - _UNUSED_DAYS * 86400
    for folder in caches.iterdir():
        if folder.stat().st_mtime < oldest:
            shutil.rmtree(folder, ignore_errors=True)


@cache
def cache_folder(room: str) -> Path | None:
    """Return where a room's machine code is kept, None if it cannot be written there."""
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    root = Path(__file__).resolve().parents[2]
    own = user_cache_path("airpicture") / "kernels"
    folder = Path(chosen) if chosen else own / sources_hash(root, room)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return None
    if not chosen:
        with suppress(OSError):
            os.utime(folder)
            _drop_unused(own)
    return folder


def _keep_code_of(function: Callable[..., Any]) -> bool:
    """Tell numba, which asks when a kernel is defined, where to keep it; False if nowhere."""
    folder = cache_folder("/".join(function.__module__.split(".")[:-1]))
    if folder is None:
        return False
    numba.config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]
    return True


def _one_type_per_kernel(compiled: Any) -> Any:
    """Let a constant argument be of the same type as a variable one.

    numba compiles a callee once more for every literal that some caller passes (a 0, a
    False); that made a tenth of a cold start.
    """
    if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
        return compiled
    template_of = compiled.get_call_template

    def get_call_template(args: Any, kws: Any) -> Any:
        widen: Callable[[Any], Any] = numba.types.unliteral
        return template_of(tuple(map(widen, args)), {k: widen(v) for k, v in kws.items()})

    compiled.get_call_template = get_call_template
    return compiled


class _Threaded(Generic[P, R]):
    """A kernel with a parallel loop, in two versions: with threads, and without.

    Waking a second thread for a small problem costs more than it saves, and a parallel
    version takes longer to compile; each is compiled when it is first wanted.
    """

    def __init__(self, function: Callable[P, R], options: dict[str, Any]) -> None:
        self._threaded: Callable[P, R] = _one_type_per_kernel(
            numba.njit(parallel=True, **options)(function)
        )
        single = FunctionType(
            function.__code__, function.__globals__, function.__name__, function.__defaults__
        )
        # numba keys its cache by the qualified name: the two versions need two.
        single.__qualname__ = function.__qualname__ + "_single"
        single.__module__ = function.__module__
        single.__annotations__ = function.__annotations__
        self._single: Callable[P, R] = _one_type_per_kernel(numba.njit(**options)(single))
        update_wrapper(self, function)

    def __call__(self, *arguments: P.args, **named: P.kwargs) -> R:
        version = self._threaded if _use_threads else self._single
        return version(*arguments, **named)


def kernel(
    *, parallel: bool = False, fastmath: bool = False, inline: bool = False, leaf: bool = False
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Compile a function of arrays and scalars to machine code, cached on disk.

    Parameters
    ----------
    parallel
        Let ``numba.prange`` split the outer loop over threads. Blocks must be of
        fixed size and write apart, so that results do not depend on the threads. Such
        a kernel is called from Python only.
    fastmath
        Allow reordering and fused operations; only where inputs are finite.
    inline
        Force inlining into the calling kernel (small helpers of hot loops).
    leaf
        Compile without reference counts, for which threads would contend: of a kernel that
        makes no array and returns none, and calls such kernels only.
    """

    def compile_(function: Callable[P, R]) -> Callable[P, R]:
        options: dict[str, Any] = {
            "cache": _keep_code_of(function),
            "nogil": True,
            "fastmath": fastmath,
            "inline": "always" if inline else "never",
            "error_model": "numpy",
        }
        if leaf:
            options["_nrt"] = False
        if parallel:
            return _Threaded(function, options)
        compiled: Callable[P, R] = _one_type_per_kernel(numba.njit(**options)(function))
        return compiled

    return compile_


class Compilation(event.Listener):
    """What compiling has cost this process so far.

    Attributes
    ----------
    seconds : total time
    announce : called once, when the first kernel is compiled rather than found in the cache
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self.announce: Callable[[], None] | None = None
        self._depth = 0
        self._since = 0.0

    def on_start(self, _: event.Event) -> None:
        """Start the clock with the outermost kernel; callees are compiled inside it."""
        if self._depth == 0:
            self._since = time.perf_counter()
            if self.announce is not None:
                self.announce()
                self.announce = None
        self._depth += 1

    def on_end(self, _: event.Event) -> None:
        """Stop the clock with the outermost kernel."""
        self._depth -= 1
        if self._depth == 0:
            self.seconds += time.perf_counter() - self._since


compilation = Compilation()
event.register("numba:compile", compilation)  # type: ignore[no-untyped-call]


_use_threads = True


def threads_in_use() -> bool:
    """Tell whether parallel kernels called now use threads."""
    return _use_threads


@contextmanager
def threads_for(items: int) -> Iterator[None]:
    """Let parallel kernels inside the block use threads only if it pays."""
    global _use_threads
    before = _use_threads
    _use_threads = before and items >= _THREADED_FROM
    try:
        yield
    finally:
        _use_threads = before
