"""Cameras, visible and infrared, staring or pointed by cues: specification and model.

``docs/sensors/camera.md`` holds the formulas and what they leave out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import ConfigDict, Field, model_validator

from sensors.gaze import Drive, Gaze
from sensors.optics import (
    N50,
    cycles_on_target,
    infrared_transmission,
    resolved_share,
    task_probability,
    visible_transmission,
)
from sensors.presets import require_own_keys_only, with_preset
from sensors.sight import Sight
from sim.core.tables import AZIMUTH, ELEVATION, FALSE_ALARM, RANGE, Measured, Plots, Visibility
from sim.world.spec import Identifier, Spec
from sim.world.sun import sunlight_rad
from sim.world.targets import CLASS_NAMES

if TYPE_CHECKING:
    from sensors.mount import Mount
    from sensors.scene import Scene
    from sim.core.tables import Bools, Bytes, Floats, Ints, Truth
    from sim.world.surroundings import Surroundings
    from sim.world.truth import Targets

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]

_CUED_KEYS = ("field_of_view_deg", "elevation_field_of_view_deg", "slew_rate_deg_per_s")
_TURN = 2.0 * np.pi


class _ImagerSpec(Spec):
    """What both kinds have in common.

    ``cued_by: none`` stares: every image shows the whole sector. ``cued_by: picture`` makes
    the sector the limits within which a narrower field of view is pointed at cues.
    """

    model_config = ConfigDict(json_schema_extra=require_own_keys_only)
    presets: ClassVar[str]

    id: Identifier
    preset: str | None = None

    cued_by: Literal["picture", "none"] = "none"
    cue_tentative: bool = False
    update_s: Annotated[float, Field(ge=0.01, le=3600)]
    azimuth_deg: Annotated[float, Field(ge=0, lt=360)] = 0.0
    sector_deg: Annotated[float, Field(gt=0, le=360)] = 360.0
    elevation_min_deg: Annotated[float, Field(ge=-90, le=90)]
    elevation_max_deg: Annotated[float, Field(ge=-90, le=90)]
    range_max_km: Annotated[float, Field(gt=0, le=500)]
    ifov_urad: Annotated[float, Field(gt=0, le=100_000)]

    field_of_view_deg: Annotated[float, Field(gt=0, le=180)] | None = None
    elevation_field_of_view_deg: Annotated[float, Field(gt=0, le=180)] | None = None
    slew_rate_deg_per_s: Annotated[float, Field(gt=0, le=3600)] | None = None
    settle_s: NotNegative = 0.0
    dwell_s: NotNegative = 2.0

    azimuth_sigma_min_deg: NotNegative
    elevation_sigma_min_deg: NotNegative
    classifies: Literal["none", "recognise", "identify"] = "recognise"
    confusion: Annotated[float, Field(ge=0, lt=1)] = 0.1
    false_alarms_per_look: Annotated[float, Field(ge=0, le=1000)] = 0.0

    @model_validator(mode="before")
    @classmethod
    def _merge_preset(cls, given: Any) -> Any:
        return with_preset(given, cls, cls.presets, {})

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.elevation_min_deg >= self.elevation_max_deg:
            raise ValueError(
                f"elevation_min_deg ({self.elevation_min_deg:g}) must be below "
                f"elevation_max_deg ({self.elevation_max_deg:g})"
            )
        if self.cued_by == "picture":
            missing = [key for key in _CUED_KEYS if getattr(self, key) is None]
            if missing:
                raise ValueError(f"cued_by: picture needs {', '.join(missing)}")
        return self

    def _common(self, mount: Mount, surroundings: Surroundings) -> dict[str, Any]:
        """Return the fields of a ``Camera`` at its place, but for those of its band."""
        sight = Sight.over(surroundings, mount.position_enu_m, self.range_max_km * 1e3)
        sector = np.radians([self.azimuth_deg, 0.5 * self.sector_deg])
        elevation = np.radians([self.elevation_min_deg, self.elevation_max_deg])
        view, drive = np.array([2.0 * sector[1], elevation[1] - elevation[0]]), None
        if self.cued_by == "picture":
            width, height, rate = np.radians([getattr(self, key) for key in _CUED_KEYS])
            view = np.array([width, height])
            drive = Drive(float(rate), self.settle_s, self.dwell_s, self.cue_tentative)
        return {
            "id": self.id,
            "index": mount.index,
            "site": mount.site,
            "origin_enu_m": sight.origin_enu_m,
            "enu_R_sensor": sight.enu_R_sensor,
            "sight": sight,
            "surroundings": surroundings,
            "period_s": self.update_s,
            "sector_rad": sector,
            "elevation_rad": elevation,
            "view_rad": view,
            "range_max_m": self.range_max_km * 1e3,
            "ifov_rad": self.ifov_urad * 1e-6,
            "sigma_min_rad": np.radians([self.azimuth_sigma_min_deg, self.elevation_sigma_min_deg]),
            "told_from_cycles": np.inf if self.classifies == "none" else N50[self.classifies],
            "confusion": self.confusion if self.classifies != "none" else float("nan"),
            "false_alarms_per_look": self.false_alarms_per_look,
            "drive": drive,
            "gaze": None,
        }


class CameraSpec(_ImagerSpec):
    """A camera for visible light as a scenario names it: a preset, values of its own, or both."""

    presets: ClassVar[str] = "camera"

    kind: Literal["camera"]
    target_contrast: Annotated[float, Field(gt=0, le=10)]
    contrast_threshold: Annotated[float, Field(gt=0, lt=1)]
    contrast_full: Annotated[float, Field(gt=0, le=10)]
    sun_min_deg: Annotated[float, Field(ge=-90, le=90)]

    @model_validator(mode="after")
    def _check_contrast(self) -> Self:
        if self.contrast_threshold >= self.contrast_full:
            raise ValueError("contrast_threshold must be below contrast_full")
        return self

    def build(self, mount: Mount, surroundings: Surroundings) -> Camera:
        """Return the camera at its place."""
        return Camera(
            **self._common(mount, surroundings),
            target_contrast=self.target_contrast,
            threshold=self.contrast_threshold,
            full=self.contrast_full,
            sun_min_rad=float(np.radians(self.sun_min_deg)),
        )


class InfraredSpec(_ImagerSpec):
    """A thermal camera as a scenario names it: a preset, values of its own, or both."""

    presets: ClassVar[str] = "infrared"

    kind: Literal["infrared"]
    netd_k: Positive
    contrast_full_k: Positive
    wavelength_um: Annotated[float, Field(ge=0.7, le=20)]
    vapour_extinction_per_km: NotNegative

    @model_validator(mode="after")
    def _check_contrast(self) -> Self:
        if self.netd_k >= self.contrast_full_k:
            raise ValueError("netd_k must be below contrast_full_k")
        return self

    def build(self, mount: Mount, surroundings: Surroundings) -> Infrared:
        """Return the camera at its place."""
        return Infrared(
            **self._common(mount, surroundings),
            threshold=self.netd_k,
            full=self.contrast_full_k,
            wavelength_um=self.wavelength_um,
            vapour_extinction=self.vapour_extinction_per_km,
        )


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
