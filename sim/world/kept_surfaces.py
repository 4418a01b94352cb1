"""Large synthetic surfaces are kept on disk: to compute one takes seconds, to read it none."""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path

from sim.world import fractal
from sim.world.fractal import fractal_heights_m

Floats32 = NDArray[np.float32]

#: Nodes of what is worth keeping, and is not too large to keep.
_WORTH, _TOO_LARGE = 1_000_000, 20_000_000
#: So many are kept, those used last.
_KEPT = 5


def kept_heights_m(
    seed: int, shape: tuple[int, int], relief_m: float, roughness: float, folder: Path | None = None
) -> Floats32:
    """Return what ``fractal_heights_m`` does; a large surface is computed once.

    Parameters
    ----------
    seed, shape, relief_m, roughness
        As there.
    folder
        Where surfaces are kept; the user's cache unless told otherwise.
    """
    if not _WORTH <= shape[0] * shape[1] <= _TOO_LARGE:
        return fractal_heights_m(seed, shape, relief_m, roughness)
    folder = folder or user_cache_path("airpicture") / "surfaces"
    wanted = repr((np.__version__, seed, shape, relief_m, roughness)).encode()
    # What computes it counts, too: another formula makes another surface.
    digest = hashlib.sha256(Path(fractal.__file__).read_bytes() + wanted).hexdigest()[:16]
    path = folder / f"{digest}.npy"
    with suppress(OSError, ValueError):
        kept: Floats32 = np.load(path)
        if kept.shape == shape and kept.dtype == np.float32:
            os.utime(path)
            return kept
    heights_m = fractal_heights_m(seed, shape, relief_m, roughness)
    with suppress(OSError):
        _keep(heights_m, path)
    return heights_m


def _keep(heights_m: Floats32, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as part:
        np.save(part, heights_m)
    os.replace(part.name, path)
    last_used = sorted(path.parent.iterdir(), key=lambda one: one.stat().st_mtime)
    for old in last_used[:-_KEPT]:
        old.unlink(missing_ok=True)
