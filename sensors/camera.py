"""Cameras, visible and infrared, staring or pointed by cues: the model.

``docs/sensors/camera.md`` holds the formulas and what they leave out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from sensors.gaze import Drive, Gaze
from sensors.optics import (
    N50,
    cycles_on_target,
    infrared_transmission,
    resolved_share,
    task_probability,
    visible_transmission,
)
from sim.core.tables import AZIMUTH, ELEVATION, FALSE_ALARM, RANGE, Measured, Plots, Visibility
from sim.world.sun import sunlight_rad
from sim.world.targets import CLASS_NAMES

if TYPE_CHECKING:
    from sensors.scene import Scene
    from sensors.sight import Sight
    from sim.core.tables import Bools, Bytes, Floats, Ints, Truth
    from sim.world.surroundings import Surroundings
    from sim.world.truth import Targets

_TURN = 2.0 * np.pi


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Imager:
    """A camera at its place, in SI units; see ``sensors.registry.Sensor``.

    Attributes
    ----------
    sight : what the earth and its relief leave in sight
    sector_rad, elevation_rad : (2,) middle and half width, lowest and highest: where it looks
        or can be pointed
    view_rad : (2,) width and height of one image
    ifov_rad : what one pixel sees
    sigma_min_rad : (2,) alignment in azimuth and elevation
    told_from_cycles : N50 of telling the class, infinite if it tells none
    threshold, full : least contrast that shows a coarse pattern, and one as fine as the pixels
    drive, gaze : how it is pointed and where to; None if it stares
    """

    id: str
    index: int
    site: str
    origin_enu_m: Floats
    enu_R_sensor: Floats
    sight: Sight
    surroundings: Surroundings
    period_s: float
    sector_rad: Floats
    elevation_rad: Floats
    view_rad: Floats
    range_max_m: float
    ifov_rad: float
    sigma_min_rad: Floats
    told_from_cycles: float
    confusion: float
    false_alarms_per_look: float
    drive: Drive | None
    gaze: Gaze | None
    threshold: float
    full: float

    measured: ClassVar[Measured] = Measured.POLAR
    rotates: ClassVar[bool] = False
    horizon: ClassVar[bool] = True
    #: It may look elsewhere, or not resolve what is there: silence says nothing.
    listens: ClassVar[bool] = True
    interrogates: ClassVar[bool] = False
    range_min_m: ClassVar[float] = 0.0
    snr_reference_db: ClassVar[float] = float("nan")
    snr_least_db: ClassVar[float] = float("nan")

    @property
    def measures(self) -> Bools:
        """Azimuth and elevation."""
        return np.array([False, True, True, False])

    @property
    def resolution(self) -> Floats:
        """None: every target makes a plot of its own."""
        return np.full(4, np.nan)

    @property
    def clutter_density(self) -> float:
        """False alarms of an image per square radian of it."""
        return max(self.false_alarms_per_look, 1e-9) / float(np.prod(self.view_rad))

    @property
    def false_alarm_probability(self) -> float:
        """NaN: false alarms are counted by image, not by cell."""
        return float("nan")

    def snr_range_m(self, rcs_m2: float) -> float:
        """Return NaN: it detects no echoes."""
        return float("nan")

    @property
    def other_enu_m(self) -> Floats:
        """Return what only pairs have."""
        return np.zeros(3)

    def beam_azimuth_rad(self, time_s: float) -> float:
        """Return NaN: it does not turn steadily."""
        return float("nan")

    @property
    def follows_cues(self) -> bool:
        """Whether it is pointed where the picture holds targets."""
        return self.drive is not None

    def for_run(self) -> Self:
        """Return the camera with a gaze of its own, at the middle of its sector."""
        if self.drive is None:
            return self
        gaze = Gaze(self.drive, float(self.sector_rad[0]), float(self.elevation_rad.mean()))
        return replace(self, gaze=gaze)

    def too_dark(self, time_s: float) -> bool:
        """Tell whether there is too little light."""
        raise NotImplementedError

    def contrast(self, range_m: Floats, target: Ints, targets: Targets) -> Floats:
        """Return the contrast (K,) of targets (K,) as it arrives."""
        raise NotImplementedError

    def observe(self, scene: Scene, rng: np.random.Generator) -> Plots:
        """Return the plots of the window, start excluded, end included, in order of time."""
        first = np.floor(scene.start.time_s / self.period_s) - 1.0
        last = np.floor(scene.end.time_s / self.period_s) + 1.0
        times = np.arange(first, last + 1.0) * self.period_s
        inside = times[(times > scene.start.time_s) & (times <= scene.end.time_s)]
        return Plots.concatenate([self._image(scene, time_s, rng) for time_s in inside.tolist()])

    def visibility(self, targets: Targets, truth: Truth) -> tuple[Floats, Bytes]:
        """Return how detectable every target is by one image now.

        Returns
        -------
        pd : (N,) probability of detection
        code : (N,) ``Visibility``
        """
        polar, code = self._locate(truth.position_enu_m)
        shown = code == Visibility.VISIBLE
        if self.gaze is not None:
            looked_at = self._in_view(polar) & (truth.time_s >= self.gaze.settled_s)
            code[shown & ~looked_at] = Visibility.NOT_LOOKED_AT
            shown &= looked_at
        if self.too_dark(truth.time_s):
            code[shown] = Visibility.TOO_DARK
            shown[:] = False
        pd, rows = np.zeros(len(truth)), np.flatnonzero(shown)
        cycles = self._cycles(polar[rows, RANGE], rows.astype(np.int32), targets)
        pd[rows] = task_probability(cycles, N50["detect"])
        code[shown & (pd < 0.5)] = Visibility.WEAK_ECHO
        return pd, code

    def _image(self, scene: Scene, time_s: float, rng: np.random.Generator) -> Plots:
        """Return the plots of one image; none while the camera turns or in the dark."""
        if self.gaze is not None:
            cues = scene.cues
            ahead = (time_s - scene.start.time_s) * cues.velocity_enu_mps
            polar, code = self._locate(cues.position_enu_m + ahead)
            reachable = code == Visibility.VISIBLE
            since_s = scene.start.time_s
            if not self.gaze.follow(cues.number, polar, reachable, time_s, since_s):
                return Plots.empty()
        if self.too_dark(time_s):
            return Plots.empty()
        target = np.flatnonzero(scene.start.present | scene.end.present).astype(np.int32)
        position, _ = scene.targets.at(np.full(target.size, time_s), target)
        polar, code = self._locate(position)
        shown = (code == Visibility.VISIBLE) & self._in_view(polar)
        target, polar = target[shown], polar[shown]
        cycles = self._cycles(polar[:, RANGE], target, scene.targets)
        luck = rng.random(target.size)  # one draw: whoever is recognised is detected, too
        found = luck < task_probability(cycles, N50["detect"])
        told = found & (luck < task_probability(cycles, self.told_from_cycles))
        true_class = scene.targets.signatures.target_class[target]
        seen_class = np.where(told, self._told(true_class, rng), -1)
        exact, truth_id = polar[found][:, [AZIMUTH, ELEVATION]], target[found]
        sigma = self._sigma(exact[:, 1])
        angles = exact + sigma * rng.standard_normal(sigma.shape)
        alarms = self._false_alarms(rng)
        return self._plots(
            time_s,
            np.concatenate([angles, alarms]),
            np.append(truth_id, np.full(len(alarms), FALSE_ALARM)),
            np.append(seen_class[found], np.full(len(alarms), -1)),
        )

    def _plots(self, time_s: float, angles: Floats, truth_id: Ints, seen_class: Ints) -> Plots:
        over = np.abs(angles[:, 1]) > 0.5 * np.pi
        angles[over, 1] = np.copysign(0.5 * np.pi, angles[over, 1])
        measurement, sigma = np.full((2, len(angles), 4), np.nan)
        measurement[:, AZIMUTH] = angles[:, 0] % _TURN
        measurement[:, ELEVATION] = angles[:, 1]
        sigma[:, [AZIMUTH, ELEVATION]] = self._sigma(angles[:, 1])
        plots = Plots.of(np.full(len(angles), time_s), self.index, measurement, sigma)
        return replace(
            plots, truth_id=truth_id.astype(np.int32), seen_class=seen_class.astype(np.int32)
        )

    def _locate(self, position_enu_m: Floats) -> tuple[Floats, Bytes]:
        """Return the exact polar place (K, 4) and, of geometry alone, ``Visibility`` (K,)."""
        return self.sight.locate(
            position_enu_m,
            np.zeros((len(position_enu_m), 3)),
            np.array([0.0, self.range_max_m]),
            self.sector_rad,
            self.elevation_rad,
        )

    def _in_view(self, polar: Floats) -> Bools:
        """Tell which places (K,) the image shows; a staring camera shows its whole sector."""
        if self.gaze is None:
            return np.ones(len(polar), bool)
        aside = (polar[:, AZIMUTH] - self.gaze.azimuth_rad + np.pi) % _TURN - np.pi
        aside *= np.cos(polar[:, ELEVATION])
        above = polar[:, ELEVATION] - self.gaze.elevation_rad
        inside: Bools = (np.abs(aside) <= 0.5 * self.view_rad[0]) & (
            np.abs(above) <= 0.5 * self.view_rad[1]
        )
        return inside

    def _cycles(self, range_m: Floats, target: Ints, targets: Targets) -> Floats:
        """Return how many cycles (K,) are resolved on targets (K,)."""
        size_m = targets.signatures.optical_size_m[target]
        share = resolved_share(self.contrast(range_m, target, targets), self.threshold, self.full)
        cycles: Floats = share * cycles_on_target(size_m, range_m, self.ifov_rad)
        return cycles

    def _sigma(self, elevation_rad: Floats) -> Floats:
        """Return the errors (K, 2): alignment, and a place anywhere on its pixel."""
        pixel = self.ifov_rad / np.sqrt(12.0)
        level = np.maximum(np.cos(elevation_rad), 0.01)
        azimuth = np.hypot(self.sigma_min_rad[0], pixel / level)
        elevation = np.full(elevation_rad.size, np.hypot(self.sigma_min_rad[1], pixel))
        return np.column_stack([azimuth, elevation])

    def _told(self, true_class: Ints, rng: np.random.Generator) -> Ints:
        """Return the classes (K,) that targets are taken for: with ``confusion`` a wrong one."""
        count = len(CLASS_NAMES)
        wrong = (true_class + rng.integers(1, count, true_class.size)) % count
        mistaken = rng.random(true_class.size) < self.confusion
        told: Ints = np.where(mistaken & (true_class >= 0), wrong, true_class)
        return told

    def _false_alarms(self, rng: np.random.Generator) -> Floats:
        """Draw azimuth and elevation (K, 2) of what is no target, anywhere in the image."""
        size = int(rng.poisson(self.false_alarms_per_look))
        middle = [float(self.sector_rad[0]), float(self.elevation_rad.mean())]
        if self.gaze is not None:
            middle = [self.gaze.azimuth_rad, self.gaze.elevation_rad]
        alarms: Floats = np.array(middle) + self.view_rad * rng.uniform(-0.5, 0.5, (size, 2))
        return alarms


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Camera(_Imager):
    """A camera for visible light.

    Attributes
    ----------
    target_contrast : of targets against the sky, close by
    sun_min_rad : elevation of the sun below which it sees nothing
    """

    target_contrast: float
    sun_min_rad: float

    def too_dark(self, time_s: float) -> bool:
        """Tell whether the sun is too low."""
        return sunlight_rad(self.surroundings, self.origin_enu_m, time_s) < self.sun_min_rad

    def contrast(self, range_m: Floats, target: Ints, targets: Targets) -> Floats:
        """Return the contrast (K,) that the air leaves."""
        visibility_km = self.surroundings.environment.visibility_km
        return self.target_contrast * visible_transmission(range_m, visibility_km)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Infrared(_Imager):
    """A thermal camera.

    Attributes
    ----------
    wavelength_um : middle of its band
    vapour_extinction : per km and g/m³ of water vapour
    """

    wavelength_um: float
    vapour_extinction: float

    def too_dark(self, time_s: float) -> bool:
        """Return False: it sees by the target's own warmth."""
        return False

    def contrast(self, range_m: Floats, target: Ints, targets: Targets) -> Floats:
        """Return the temperature differences (K,) that the air leaves."""
        arrives = infrared_transmission(
            range_m, self.surroundings.environment, self.vapour_extinction, self.wavelength_um
        )
        contrast: Floats = targets.signatures.infrared_contrast_k[target] * arrives
        return contrast
