"""Synthetic relief: a fractal surface of a given roughness."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def fractal_heights_m(
    seed: int, shape: tuple[int, int], relief_m: float, roughness: float
) -> NDArray[np.float32]:
    """Return heights (rows, columns) between 0 and ``relief_m``.

    White noise whose spectrum is made to fall as k^-(H + 1), H = 1 - ``roughness``: fractional
    Brownian motion in two dimensions (Saupe, in *The Science of Fractal Images*, 1988, ch. 2).

    Parameters
    ----------
    seed
        The same seed gives the same surface.
    shape
        Nodes along either side.
    relief_m
        From the lowest to the highest point.
    roughness
        0 rolling to 1 jagged.
    """
    # The transform repeats itself at its edges; one twice as wide hides that.
    rows, columns = shape
    twice = 2 * rows, 2 * columns
    spectrum = np.fft.rfft2(np.random.default_rng(seed).standard_normal(twice))
    k = np.hypot(np.fft.fftfreq(twice[0])[:, None], np.fft.rfftfreq(twice[1]))
    k[0, 0] = np.inf
    k **= roughness - 2.0
    spectrum *= k
    del k  # surfaces may be large
    surface = np.fft.irfft2(spectrum, twice)[:rows, :columns].copy()
    del spectrum
    surface -= surface.min()
    surface *= relief_m / surface.max()
    return surface.astype(np.float32)
