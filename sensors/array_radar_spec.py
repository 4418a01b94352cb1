"""An electronically scanned radar as a scenario names it.

``docs/sensors/array-radar.md`` tells every key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from sensors.presets import with_preset
from sensors.radar_spec import PulseSpec
from sensors.scanning import Stare
from sensors.scheduling import Raster, Timetable

if TYPE_CHECKING:
    from sensors.array_radar import ArrayRadar
    from sensors.mount import Mount
    from sim.world.surroundings import Surroundings

Milliseconds = Annotated[float, Field(gt=0, le=1000)]
Share = Annotated[float, Field(ge=0, le=0.9)]


class ArrayRadarSpec(PulseSpec):
    """An electronically scanned radar as a scenario names it: a preset, own values, or both.

    ``pulses`` and ``processing_gain_db`` are those of a search dwell; longer dwells gain in
    proportion.
    """

    kind: Literal["array-radar"]
    dimensions: Literal[2, 3] = 3
    azimuth_deg: Annotated[float, Field(ge=0, lt=360)] = 0.0
    sector_deg: Annotated[float, Field(gt=0, le=360)] = 360.0
    frame_s: Annotated[float, Field(gt=0, le=600, description="of one search of everything")]
    track_s: Annotated[float, Field(gt=0, le=60, description="between two dwells on a cue")]
    search_dwell_ms: Milliseconds
    confirm_dwell_ms: Milliseconds
    track_dwell_ms: Milliseconds
    search_share: Annotated[Share, Field(description="of the time, never taken by tracks")] = 0.25
    confirm_share: Annotated[Share, Field(description="of the time, kept for confirmation")] = 0.05

    @model_validator(mode="before")
    @classmethod
    def _merge_preset(cls, given: Any) -> Any:
        return with_preset(given, cls, "array-radar", {})

    @model_validator(mode="after")
    def _check_time(self) -> Self:
        if self.dimensions != 3:
            raise ValueError("an array-radar measures elevation: dimensions must be 3")
        timetable = self.timetable()
        needed_s = len(timetable.raster) * timetable.search_dwell_s
        needed_s /= timetable.faces * (1.0 - self.confirm_share)
        if needed_s > self.frame_s * (1.0 + 1e-9):
            raise ValueError(
                f"a search of {len(timetable.raster)} beams of {self.search_dwell_ms:g} ms on "
                f"{timetable.faces} faces takes {needed_s:.3g} s, longer than "
                f"frame_s ({self.frame_s:g})"
            )
        return self

    def timetable(self) -> Timetable:
        """Return the shares of its time."""
        _, width, height, _ = self.resolution()
        middle, half = np.radians([self.azimuth_deg, 0.5 * self.sector_deg])
        elevation = np.radians([self.elevation_min_deg, self.elevation_max_deg])
        return Timetable(
            raster=Raster.over(np.array([middle, half]), elevation, float(width), float(height)),
            frame_s=self.frame_s,
            track_s=self.track_s,
            search_dwell_s=1e-3 * self.search_dwell_ms,
            track_dwell_s=1e-3 * self.track_dwell_ms,
            search_share=self.search_share,
            confirm_share=self.confirm_share,
        )

    def build(self, mount: Mount, surroundings: Surroundings) -> ArrayRadar:
        """Return the radar at its place."""
        from sensors.array_radar import ArrayRadar

        timetable = self.timetable()
        return ArrayRadar.of(
            self,
            mount,
            surroundings,
            Stare(self.track_s, timetable.raster.sector_rad, timetable.search_dwell_s),
            timetable=timetable,
            confirm_dwell_s=1e-3 * self.confirm_dwell_ms,
        )
