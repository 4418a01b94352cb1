"""Antenna patterns: main lobe, side lobes, shapes in elevation, electronic scanning.

A beam is told by its widths between half-power points and by its highest side lobe:

- main lobe −12 u² dB, u the angle off the centre in beamwidths (both axes add squared);
- from where it falls to the first side lobe's level, an envelope −25 log₁₀ u down to
  −10 dBi: the form of Recommendation ITU-R F.699, with the stated level for its own;
- a cosecant-squared beam has G(θ) = G(θ₁) (sin θ₁ / sin θ)² above the upper half-power
  point θ₁ of its nose (Recommendation ITU-R M.1851, Skolnik): targets at one height come
  back equally strong at any range.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from sim.core.tables import Floats

#: ``pencil``: put on each look, by steering or by stacked beams. ``fan``: one beam over all
#: elevations, half power at both ends. ``cosecant-squared``: a nose low down, and its tail.
ElevationPattern = Literal["pencil", "fan", "cosecant-squared"]

#: How far a parabolic main lobe has fallen a whole beamwidth off its centre.
_FALL_DB = 12.0
_SIDELOBE_SLOPE_DB = 25.0
_FAR_SIDELOBE_DBI = -10.0
#: No face steers further off its broadside.
_FACE_WIDTH_RAD = np.radians(120.0)


@dataclass(frozen=True, slots=True)
class Antenna:
    """The pattern of one beam, the same in both directions of travel.

    Attributes
    ----------
    peak_gain_db : at the beam's centre
    beamwidth_rad, elevation_beamwidth_rad : between half-power points
    sidelobe_db : highest side lobe against the centre, negative
    pattern : shape in elevation
    elevation_rad : lowest and highest elevation that is looked at
    scan_exponent : n of the loss cosⁿ off broadside, one way; 0 without electronic scanning
    tilt_rad : elevation of the broadside of a face
    """

    peak_gain_db: float
    beamwidth_rad: float
    elevation_beamwidth_rad: float
    sidelobe_db: float = -25.0
    pattern: ElevationPattern = "pencil"
    elevation_rad: tuple[float, float] = (-0.5 * np.pi, 0.5 * np.pi)
    scan_exponent: float = 0.0
    tilt_rad: float = 0.0

    def centre_rad(self, look_elevation_rad: ArrayLike) -> Floats:
        """Return the elevation of the beam's centre on a look: its own unless it is a pencil."""
        look = np.asarray(look_elevation_rad, float)
        low, high = self.elevation_rad
        if self.pattern == "pencil":
            return look
        nose = low + 0.5 * self.elevation_beamwidth_rad
        return np.full(look.shape, 0.5 * (low + high) if self.pattern == "fan" else nose)

    def relative_db(self, off_azimuth_rad: ArrayLike, off_elevation_rad: ArrayLike) -> Floats:
        """Return the gain against the centre's, one way, without loss of scanning.

        Parameters
        ----------
        off_azimuth_rad, off_elevation_rad
            Angles off the beam's centre (up is positive); any shapes that broadcast.
        """
        off_azimuth = np.asarray(off_azimuth_rad, float)
        off_azimuth = (off_azimuth + np.pi) % (2.0 * np.pi) - np.pi
        off_elevation = np.asarray(off_elevation_rad, float)
        across = off_azimuth / self.beamwidth_rad
        along = off_elevation / self.elevation_beamwidth_rad
        lobe = self._lobe_db(across * across + along * along)
        if self.pattern != "cosecant-squared":
            return lobe
        tail = self._tail_db(off_elevation) + self._lobe_db(across * across)
        return np.maximum(np.where(np.isnan(tail), -np.inf, tail), lobe)

    def gain_db(self, off_azimuth_rad: ArrayLike, off_elevation_rad: ArrayLike) -> Floats:
        """Return the gain (dBi), one way, by the angles off the beam's centre."""
        return self.peak_gain_db + self.relative_db(off_azimuth_rad, off_elevation_rad)

    def scan_loss_db(self, off_azimuth_rad: ArrayLike, elevation_rad: ArrayLike) -> Floats:
        """Return what an electronically scanned beam loses, one way, −10 n log₁₀ cos.

        The cosine is that of the angle off broadside (Skolnik, Introduction to Radar
        Systems, chapter 9).

        Parameters
        ----------
        off_azimuth_rad : of the beam off the broadside of its face
        elevation_rad : of the beam
        """
        off, elevation = np.asarray(off_azimuth_rad, float), np.asarray(elevation_rad, float)
        cosine = np.cos(off) * np.cos(elevation - self.tilt_rad)
        loss: Floats = -10.0 * self.scan_exponent * np.log10(np.maximum(cosine, 1e-3))
        return loss

    def _lobe_db(self, squared: Floats) -> Floats:
        """Return main lobe and side lobes by (u²) of the angle in beamwidths."""
        edge = -self.sidelobe_db / _FALL_DB
        sidelobe = self.sidelobe_db - 0.5 * _SIDELOBE_SLOPE_DB * np.log10(
            np.maximum(squared, edge) / edge
        )
        floor = min(_FAR_SIDELOBE_DBI - self.peak_gain_db, self.sidelobe_db)
        lobe: Floats = np.where(squared < edge, -_FALL_DB * squared, np.maximum(sidelobe, floor))
        return lobe

    def _tail_db(self, off_elevation: Floats) -> Floats:
        """Return the cosecant-squared part, NaN outside it."""
        half = 0.5 * self.elevation_beamwidth_rad
        # A nose that looks below the horizon still has its tail start above it.
        start = max(self.elevation_rad[0] + 2.0 * half, np.radians(0.5))
        elevation = self.centre_rad(0.0) + off_elevation
        inside = (elevation > start) & (elevation <= self.elevation_rad[1])
        fall = 20.0 * np.log10(np.sin(start) / np.sin(np.where(inside, elevation, start)))
        return np.where(inside, -_FALL_DB * 0.25 + fall, np.nan)


def faces(sector_width_rad: float) -> int:
    """Return how many equal faces share a staring sector, none wider than 120°."""
    return max(1, int(np.ceil(sector_width_rad / _FACE_WIDTH_RAD - 1e-9)))


def off_face_rad(azimuth_rad: ArrayLike, sector_rad: ArrayLike) -> Floats:
    """Return azimuths off the broadside of the face that looks there.

    Parameters
    ----------
    azimuth_rad : any shape
    sector_rad : (2,) azimuth of the middle, and half the width
    """
    middle, half = np.asarray(sector_rad, float)
    width = 2.0 * half / faces(2.0 * half)
    off = (np.asarray(azimuth_rad, float) - middle + np.pi) % (2.0 * np.pi) - np.pi
    off_face: Floats = (off + half) % width - 0.5 * width
    return off_face


def beam_shape_loss_db(dimensions: int) -> float:
    """Return the loss of a beam that sweeps over a target, against one that rests on it.

    1.6 dB for each scanned dimension (Blake 1953; Barton, Modern Radar System Analysis).
    """
    return 1.6 * dimensions
