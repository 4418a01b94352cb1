"""Cameras, visible and infrared, as a scenario names them.

``docs/sensors/camera.md`` tells every key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import ConfigDict, Field, model_validator

from sensors.gaze import Drive
from sensors.optics import N50
from sensors.presets import require_own_keys_only, with_preset
from sensors.sight import Sight
from sim.world.spec import Identifier, Spec

if TYPE_CHECKING:
    from sensors.camera import Camera, Infrared
    from sensors.mount import Mount
    from sim.world.surroundings import Surroundings

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]

_CUED_KEYS = ("field_of_view_deg", "elevation_field_of_view_deg", "slew_rate_deg_per_s")


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
        from sensors.camera import Camera

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
        from sensors.camera import Infrared

        return Infrared(
            **self._common(mount, surroundings),
            threshold=self.netd_k,
            full=self.contrast_full_k,
            wavelength_um=self.wavelength_um,
            vapour_extinction=self.vapour_extinction_per_km,
        )
