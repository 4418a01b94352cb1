"""How kernels are compiled, and where their machine code is kept."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numba
import numpy as np
import pytest

from sim.core.jit import KERNEL_ROOMS, compilation, kernel, sources_hash, threads_for

ROOT = Path(__file__).resolve().parents[1]

#: Tests of kernels against slow twins, on inputs small enough for plain Python.
UNCOMPILED = (
    "test_assignment.py",
    "test_assignment_plan.py::test_greedy_gains_what_is_guaranteed",
    "test_assignment_plan.py::test_local_search_leaves_no_single_move",
    "test_assignment_plan.py::test_bounds_hold_for_any_prices",
    "test_assignment_plan.py::test_sets_listed_are_those_worth_enough",
    "test_assignment_plan.py::test_nothing_to_do",
    "test_gaussian.py",
    "test_measurement.py",
    "test_metrics_sets.py",
    "test_metrics_matching.py",
    "test_propagation.py",
    "test_tracker.py::test_both_engines_agree",
)


def python(program: str, **environment: str | Path) -> list[str]:
    """Run a program in an environment without cache folders but those given."""
    clean = {k: v for k, v in os.environ.items() if k not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=clean | {name: str(value) for name, value in environment.items()},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


#: Compiles one small kernel; prints the cache folder and whether it held code before and after.
COMPILE = """
from sim.core import jit
from sim.core.measurement import wrap_angle
folder = jit.cache_folder("sim/core")
def held():
    return folder is not None and any(folder.rglob("*.nbc"))
print(folder, held(), sep="\\n")
assert abs(wrap_angle(7.0) - 0.7168146928204138) < 1e-12
print(held())
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for room in KERNEL_ROOMS:
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def counts(path: Path, root: Path, room: str) -> bool:
    """Tell whether a change of a file changes a room's hash."""
    before, text = sources_hash(root, room), path.read_bytes()
    path.write_bytes(text + b"\n# changed\n")
    after = sources_hash(root, room)
    path.write_bytes(text)
    assert sources_hash(root, room) == before
    return after != before


def test_the_hash_tells_sources_apart_and_nothing_else(copy: Path) -> None:
    before = {room: sources_hash(ROOT, room) for room in KERNEL_ROOMS}
    assert len(set(before.values())) == len(KERNEL_ROOMS)
    assert all(len(name) == 16 for name in before.values())
    (copy / "sensors/notes.txt").write_text("kernel")
    assert all(sources_hash(copy, room) == before[room] for room in KERNEL_ROOMS)
    (copy / "sensors/new.py").write_text("kernel")
    changed = [room for room in KERNEL_ROOMS if sources_hash(copy, room) != before[room]]
    assert changed == ["sensors"]
    shutil.move(copy / "sim/core/motion.py", copy / "sim/core/moved.py")
    assert all(sources_hash(copy, room) != before[room] for room in KERNEL_ROOMS)


def test_whatever_a_kernel_is_made_of_counts(copy: Path) -> None:
    """Its own file, and those it imports from: callees and constants are compiled in."""
    found = 0
    for path in [p for room in ("sim", "sensors", "viz") for p in (ROOT / room).rglob("*.py")]:
        tree = ast.parse(path.read_text())
        imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        if not any(n.module == "sim.core.jit" and n.names[0].name == "kernel" for n in imports):
            continue
        found += 1
        used = {path.relative_to(ROOT)}
        for node in imports:
            module = Path(*str(node.module).split(".")).with_suffix(".py")
            if (ROOT / module).exists():
                used.add(module)
        for source in used:
            assert (copy / source).exists(), f"{source} lies in none of the KERNEL_ROOMS"
            assert counts(copy / source, copy, str(path.relative_to(ROOT).parent)), source
    assert found >= 8


def test_the_users_cache_folder_is_named_after_the_sources(tmp_path: Path) -> None:
    old, young = (tmp_path / "airpicture" / "kernels" / name for name in ("old", "young"))
    for folder, days in ((old, 40), (young, 20)):
        folder.mkdir(parents=True)
        (folder / "code.nbc").touch()
        os.utime(folder, (time.time() - 86400 * days,) * 2)
    folder, before, after = python(COMPILE, XDG_CACHE_HOME=tmp_path)
    assert Path(folder) == tmp_path / "airpicture" / "kernels" / sources_hash(ROOT, "sim/core")
    assert (before, after) == ("False", "True")
    assert list(Path(folder).rglob("*.nbc"))
    assert not old.exists()
    assert young.exists()
    assert python(COMPILE, XDG_CACHE_HOME=tmp_path)[1] == "True"


def test_numbas_own_variable_wins(tmp_path: Path) -> None:
    answer = python(COMPILE, NUMBA_CACHE_DIR=tmp_path / "mine", XDG_CACHE_HOME=tmp_path / "not")
    assert answer == [str(tmp_path / "mine"), "False", "True"]
    assert list((tmp_path / "mine").rglob("*.nbc"))
    assert not (tmp_path / "not").exists()


@pytest.mark.parametrize("variable", ["XDG_CACHE_HOME", "NUMBA_CACHE_DIR"])
def test_kernels_run_where_nothing_can_be_written(variable: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    kept = {path for room in KERNEL_ROOMS for path in (ROOT / room).rglob("*.nbc")}
    blocked = {variable: tmp_path / "file" / "below"}
    assert python(COMPILE, **blocked) == ["None", "False", "False"]
    assert {path for room in KERNEL_ROOMS for path in (ROOT / room).rglob("*.nbc")} == kept


@kernel(parallel=True)
def _twice(values: np.ndarray, out: np.ndarray) -> None:
    for i in numba.prange(values.size):
        out[i] = 2.0 * values[i]


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
def test_few_items_take_one_thread() -> None:
    values, out = np.arange(5.0), np.empty(5)
    with threads_for(10):
        _twice(values, out)
        assert (len(_twice._single.signatures), len(_twice._threaded.signatures)) == (1, 0)
    np.testing.assert_array_equal(out, 2.0 * values)
    with threads_for(1_000_000), pytest.raises(KeyError), threads_for(10):
        raise KeyError
    _twice(values, out)
    assert (len(_twice._single.signatures), len(_twice._threaded.signatures)) == (1, 1)


@kernel()
def _plus(value: float, more: int) -> float:
    return value + more


@kernel()
def _plus_one_and_more(value: float, more: int) -> float:
    return _plus(value, 1) + _plus(value, more)


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
def test_a_constant_argument_compiles_nothing_anew() -> None:
    assert _plus_one_and_more(1.0, 2) == 5.0
    assert len(_plus.signatures) == 1


@pytest.mark.slow
def test_kernels_give_the_same_uncompiled() -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-m", "not slow", "-p", "no:cacheprovider"),
            *(str(ROOT / "tests" / name) for name in UNCOMPILED),
        ],
        cwd=ROOT,
        env=os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert "passed" in done.stdout


def test_the_clock_of_compiling_runs_while_kernels_are_compiled() -> None:
    told: list[str] = []
    before = compilation.seconds
    compilation.announce = lambda: told.append("compiling")
    assert numba.njit(lambda x: x + 1)(1) == 2
    assert numba.njit(lambda x: x + 2)(1) == 3
    assert told == ["compiling"]
    assert compilation.seconds > before


def leaf_kernels() -> dict[str, tuple[Path, ast.FunctionDef]]:
    """All functions marked ``kernel(…, leaf=True)``, by name."""
    found = {}
    for room in KERNEL_ROOMS:
        for path in sorted((ROOT / room).glob("*.py")):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.FunctionDef) and any(
                    isinstance(mark, ast.Call) and any(k.arg == "leaf" for k in mark.keywords)
                    for mark in node.decorator_list
                ):
                    found[node.name] = path, node
    return found


def test_leaf_kernels_make_and_return_no_arrays() -> None:
    """They count no references: what they made would never be freed."""
    leaves = leaf_kernels()
    assert len(leaves) > 50
    for name, (path, node) in leaves.items():
        for call in ast.walk(node):
            if not isinstance(call, ast.Call):
                continue
            called = ast.unparse(call.func)
            made = called.startswith("np.") and called not in ("np.isfinite", "np.isnan")
            made = made and not called.startswith(("np.int", "np.uint", "np.float"))
            assert not made, f"{path.name}: {name} calls {called}"
            assert not called.endswith(".copy"), f"{path.name}: {name} calls {called}"
        returns = ast.unparse(node.returns) if node.returns else "None"
        scalars = {"None", "int", "float", "bool", "complex"}
        scalars |= {"tuple[float, float]", "tuple[bool, float]"}
        scalars |= {"tuple[float, float, int]", "tuple[float, float, float]"}
        assert returns in scalars, f"{path.name}: {name} returns {returns}"
