"""An electronically scanned radar that shares its time among search and tracks.

``docs/sensors/array-radar.md`` holds how it is scheduled; echoes are those of
``sensors.radar``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from sensors.detection import draw_noise_power_over_threshold
from sensors.presets import with_preset
from sensors.radar import Detections, Radar
from sensors.radar_spec import PulseSpec
from sensors.scanning import Looks, Stare
from sensors.scheduling import Dwells, Raster, Timetable
from sim.core.tables import FALSE_ALARM, Plots, Truth, Visibility
from sim.world.windows import inside

if TYPE_CHECKING:
    from sensors.mount import Mount
    from sensors.scene import Cues, Scene
    from sim.core.tables import Bools, Bytes, Floats, Ints
    from sim.world.surroundings import Surroundings
    from sim.world.truth import Targets

Milliseconds = Annotated[float, Field(gt=0, le=1000)]
Share = Annotated[float, Field(ge=0, le=0.9)]

#: A search echo so many range cells and standard deviations from a cue is that cue's.
_GATE_CELLS, _GATE_SIGMAS = 5.0, 4.0
#: Echoes of one dwell are at one time.
_ONE_DWELL_S = 1e-9


class ArrayRadarSpec(PulseSpec):
    """An electronically scanned radar as a scenario names it: a preset, own values, or both.

    ``pulses`` and ``processing_gain_db`` are those of a search dwell; longer dwells gain in
    proportion.
    """

    kind: Literal["array-radar"]
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
        timetable = self.timetable()
        return ArrayRadar.of(
            self,
            mount,
            surroundings,
            Stare(self.track_s, timetable.raster.sector_rad),
            timetable=timetable,
            confirm_dwell_s=1e-3 * self.confirm_dwell_ms,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArrayRadar(Radar):
    """An electronically scanned radar at its place; see ``sensors.registry.Sensor``.

    Attributes
    ----------
    timetable : how it shares its time; its ``period_s`` is that of a cue
    confirm_dwell_s : of the second look at whatever search finds beside the cues
    """

    timetable: Timetable
    confirm_dwell_s: float

    @property
    def false_alarm_probability(self) -> float:
        """In one resolution cell and look, confirmation included."""
        return self.pfa**2

    @property
    def follows_cues(self) -> bool:
        """Its track dwells are on what the picture holds."""
        return True

    @property
    def _look_gap_s(self) -> float:
        return _ONE_DWELL_S

    def plan(self, scene: Scene) -> Dwells:
        """Return the search and track dwells of the window, and how busy they keep the radar."""
        _, seen = self._aim(scene.cues, np.zeros(len(scene.cues)))
        return self.timetable.dwells(scene.start.time_s, scene.end.time_s, scene.cues.number, seen)

    def observe(self, scene: Scene, rng: np.random.Generator) -> Plots:
        """Return the plots of the window, start excluded, end included, in order of time."""
        dwells = self.plan(scene)
        working = ~inside(self.silent_s, dwells.time_s)
        search = np.flatnonzero(working & (dwells.cue < 0))
        track = np.flatnonzero(working & (dwells.cue >= 0))
        beams = self._cells(scene.start), self._cells(scene.end)
        alerts = self._search(scene, beams, dwells.time_s[search], dwells.beam[search], rng)
        known = self._near_a_cue(alerts, scene)
        found = [
            self._follow(scene, beams, dwells.time_s[track], dwells.cue[track], rng),
            alerts.take(known),
            self._confirm(alerts.take(~known), scene, rng),
        ]
        return self._plots(Detections.join(found), scene.targets, rng)

    def visibility(self, targets: Targets, truth: Truth) -> tuple[Floats, Bytes]:
        """Return how detectable every target is by one search dwell now, and why not."""
        polar = self._polar(truth.position_enu_m, truth.velocity_enu_mps)[0]
        beam = self._cells(truth)
        centre = self.timetable.raster.centres_rad(np.maximum(beam, 0))
        return self._graded(targets, truth, self._off_centre(np.nan_to_num(polar), centre))

    def _cells(self, truth: Truth) -> Ints:
        """Return in which search beam each target is (N,), -1 for none."""
        polar, code = self._polar(truth.position_enu_m, truth.velocity_enu_mps)
        here = np.flatnonzero(code == Visibility.VISIBLE)
        beam = np.full(len(truth), -1, np.int32)
        beam[here] = self.timetable.raster.beams_of(polar[here, 1], polar[here, 2])
        return beam

    def _polar(self, position_enu_m: Floats, velocity_enu_mps: Floats) -> tuple[Floats, Bytes]:
        from sensors.kernels import locate  # numba: only where it runs

        polar, code = np.empty((len(position_enu_m), 4)), np.empty(len(position_enu_m), np.uint8)
        locate(position_enu_m, velocity_enu_mps, *self._reach(), polar, code)
        return polar, code

    def _aim(self, cues: Cues, after_s: Floats) -> tuple[Floats, Bools]:
        """Return where cues are (K, 4) a time after the window's start, and if in reach."""
        position = cues.position_enu_m + after_s[:, None] * cues.velocity_enu_mps
        polar, code = self._polar(position, cues.velocity_enu_mps)
        return polar, code == Visibility.VISIBLE

    def _off_centre(self, polar: Floats, centre_rad: Floats) -> Floats:
        """Return the factor (K,) on echoes off the centre of their dwell's beam."""
        antenna = self.receiver.antenna
        across = (polar[:, 1] - centre_rad[:, 0] + np.pi) % (2.0 * np.pi) - np.pi
        off_db = antenna.relative_db(across * np.cos(polar[:, 2]), polar[:, 2] - centre_rad[:, 1])
        factor: Floats = 10.0 ** (0.2 * off_db)
        return factor

    def _look(
        self, scene: Scene, time_s: Floats, target: Ints, centre_rad: Floats, dwell_s: float
    ) -> tuple[Looks, Floats]:
        """Return looks (K,) of dwells at targets, and the factor on what they echo."""
        position, velocity = scene.targets.at(time_s, target)
        polar, _ = self._polar(position, velocity)
        gain = self._off_centre(np.nan_to_num(polar), centre_rad)
        gain *= dwell_s / self.timetable.search_dwell_s
        return Looks(time_s, target, np.ones(time_s.size, bool), position, velocity), gain

    def _search(
        self,
        scene: Scene,
        beams: tuple[Ints, Ints],
        time_s: Floats,
        beam: Ints,
        rng: np.random.Generator,
    ) -> Detections:
        """Return what search dwells detect, noise included."""
        raster = self.timetable.raster
        parts = [_pairs(beam, cells) for cells in beams]
        pairs = np.unique(np.concatenate(parts), axis=0)
        dwell, target = pairs[:, 0], pairs[:, 1].astype(np.int32)
        centre = raster.centres_rad(beam[dwell])
        looks, gain = self._look(
            scene, time_s[dwell], target, centre, self.timetable.search_dwell_s
        )
        polar, _ = self._polar(looks.position_enu_m, looks.velocity_enu_mps)
        # By the end of a window a target may have gone over to the beam beside.
        there = raster.beams_of(polar[:, 1], polar[:, 2]) == beam[dwell]
        found = self._echoes(scene.targets, looks.take(there), rng, gain[there])
        cells = float(np.ptp(self.range_limits_m)) / self.resolution[0]
        size = int(rng.poisson(self.pfa * cells * time_s.size))
        return Detections.join([found, self._noise(size, time_s, beam, rng)])

    def _noise(self, size: int, time_s: Floats, beam: Ints, rng: np.random.Generator) -> Detections:
        """Draw dwells in which noise alone crosses the threshold."""
        dwell = rng.integers(0, max(time_s.size, 1), size)
        place = np.empty((size, 4))
        place[:, 0] = rng.uniform(self.range_limits_m[0], self.range_limits_m[1], size)
        place[:, 1:3] = self.timetable.raster.centres_rad(beam[dwell])
        place[:, 3] = self.range_rate_max_mps * rng.uniform(-1.0, 1.0, size)
        power = draw_noise_power_over_threshold(size, self.pfa, self.pulses, rng)
        nothing = np.full(size, FALSE_ALARM, np.int32)
        return Detections(time_s[dwell], place, power, nothing, nothing, np.zeros((size, 4)))

    def _follow(
        self,
        scene: Scene,
        beams: tuple[Ints, Ints],
        time_s: Floats,
        cue: Ints,
        rng: np.random.Generator,
    ) -> Detections:
        """Return what dwells on cues detect within a beamwidth of where these should be."""
        aim, _ = self._aim(_rows(scene.cues, cue), time_s - scene.start.time_s)
        raster = self.timetable.raster
        width, height = self.resolution[1:3]
        off = np.array([[a, b] for a in (-1, 0, 1) for b in (-1, 0, 1)]) * [width, height]
        around = aim[:, None, 1:3] + off
        beam = raster.beams_of(around[..., 0].ravel(), around[..., 1].ravel())
        parts = [_pairs(beam, cells) for cells in beams]
        pairs = np.concatenate(parts)
        pairs[:, 0] //= len(off)
        pairs = np.unique(pairs, axis=0)
        dwell, target = pairs[:, 0], pairs[:, 1].astype(np.int32)
        centre = aim[dwell, 1:3]
        looks, gain = self._look(scene, time_s[dwell], target, centre, self.timetable.track_dwell_s)
        polar, _ = self._polar(looks.position_enu_m, looks.velocity_enu_mps)
        apart = np.abs((polar[:, 1] - centre[:, 0] + np.pi) % (2.0 * np.pi) - np.pi)
        there = (apart < width) & (np.abs(polar[:, 2] - centre[:, 1]) < height)
        return self._echoes(scene.targets, looks.take(there), rng, gain[there])

    def _near_a_cue(self, alerts: Detections, scene: Scene) -> Bools:
        """Tell which detections are where the picture already has something."""
        near = np.zeros(alerts.time_s.size, bool)
        cues = scene.cues
        if not len(cues):
            return near
        aim, seen = self._aim(cues, np.zeros(len(cues)))
        aim, sigma_m = aim[seen], cues.position_sigma_m[seen]
        gate_m = _GATE_CELLS * self.resolution[0] + _GATE_SIGMAS * sigma_m
        for row, place in enumerate(alerts.polar):
            after_s = alerts.time_s[row] - scene.start.time_s
            apart_m = np.abs(aim[:, 0] + after_s * aim[:, 3] - place[0])
            turn = np.abs((aim[:, 1] - place[1] + np.pi) % (2.0 * np.pi) - np.pi)
            angle = np.maximum(
                turn / self.resolution[1], np.abs(aim[:, 2] - place[2]) / self.resolution[2]
            )
            near[row] = bool(np.any((apart_m < gate_m) & (angle < 1.0)))
        return near

    def _confirm(self, alerts: Detections, scene: Scene, rng: np.random.Generator) -> Detections:
        """Return what a second dwell, right after the first, finds again."""
        span_s = scene.end.time_s - scene.start.time_s
        budget_s = self.timetable.confirm_share * span_s * self.timetable.faces
        most = int(np.floor(budget_s / self.confirm_dwell_s + 1e-9))
        alerts = alerts.take(np.argsort(alerts.time_s, kind="stable")[:most])
        delay_s = 0.5 * (self.timetable.search_dwell_s + self.confirm_dwell_s)
        time_s = np.minimum(alerts.time_s + delay_s, scene.end.time_s)
        real = alerts.truth_id != FALSE_ALARM
        again = alerts.take(~real & (rng.random(real.size) < self.pfa))
        looks, gain = self._look(
            scene,
            time_s[real],
            alerts.truth_id[real],
            alerts.polar[real, 1:3],
            self.confirm_dwell_s,
        )
        return Detections.join([self._echoes(scene.targets, looks, rng, gain), again])


def _pairs(beam: Ints, cells: Ints) -> Ints:
    """Return all pairs (P, 2) of rows of ``beam`` (not -1) and ``cells`` that are equal."""
    order = np.argsort(cells, kind="stable")
    ordered = cells[order]
    first = np.searchsorted(ordered, beam, "left")
    count = np.where(beam < 0, 0, np.searchsorted(ordered, beam, "right") - first)
    row = np.repeat(np.arange(beam.size), count)
    step = np.arange(row.size) - np.repeat(np.cumsum(count) - count, count)
    return np.stack([row, order[np.repeat(first, count) + step]], axis=1)


def _rows(cues: Cues, rows: Ints) -> Cues:
    return replace(
        cues,
        number=cues.number[rows],
        position_enu_m=cues.position_enu_m[rows],
        velocity_enu_mps=cues.velocity_enu_mps[rows],
        position_sigma_m=cues.position_sigma_m[rows],
    )
