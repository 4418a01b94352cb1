"""An electronically scanned radar that shares its time among search and tracks.

``docs/sensors/array-radar.md`` holds how it is scheduled; echoes are those of
``sensors.radar``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from sensors.account import Account
from sensors.detection import draw_noise_power_over_threshold
from sensors.detections import Detections
from sensors.ground_echoes import GroundEchoes, Things, echoes_of
from sensors.radar import Radar
from sensors.scanning import Looks
from sensors.scheduling import Dwells, Timetable
from sim.core.tables import FALSE_ALARM, Plots, Truth, Visibility
from sim.world.windows import inside

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sensors.scene import Cues, Scene
    from sim.core.tables import Bools, Bytes, Floats, Ints
    from sim.world.truth import Targets

#: A search echo so many range cells and standard deviations from a cue is that cue's.
_GATE_CELLS, _GATE_SIGMAS = 5.0, 4.0
#: Echoes of one dwell are at one time.
_ONE_DWELL_S = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArrayRadar(Radar):
    """An electronically scanned radar at its place; see ``sensors.registry.Sensor``.

    Attributes
    ----------
    timetable : how it shares its time; its ``period_s`` is that of a cue
    confirm_dwell_s : of the second look at whatever search finds beside the cues
    account : how the last window's time was spent
    """

    timetable: Timetable
    confirm_dwell_s: float
    account: Account = field(default_factory=Account)

    def for_run(self) -> Self:
        """Return the radar with an account of its own."""
        return replace(self, account=Account())

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
        placed = self._placed(scene.targets, scene), self._placed(Things(self.discretes), scene)
        alerts = self._search(scene, placed, dwells.time_s[search], dwells.beam[search], rng)
        known = self._near_a_cue(alerts, scene)
        followed = self._follow(scene, placed, dwells.time_s[track], dwells.cue[track], rng)
        asked, confirmed = self._confirm(alerts.take(~known), scene, rng)
        self._keep_account(scene, dwells, working, asked)
        found = [followed, alerts.take(known), confirmed]
        return self._plots(Detections.join(found), scene.targets, rng)

    def _keep_account(self, scene: Scene, dwells: Dwells, working: Bools, alerts: int) -> None:
        """Note how the window's time was spent; while it is silent it asks for nothing."""
        timetable, account = self.timetable, self.account
        span_s = scene.end.time_s - scene.start.time_s
        on = float(working.mean()) if working.size else 1.0
        searched = timetable.search_dwell_s * float((working & (dwells.cue < 0)).sum())
        tracked = timetable.track_dwell_s * float((working & (dwells.cue >= 0)).sum())
        shed_s = on * (dwells.wanted_s - dwells.used_s)
        wanted_s = self.confirm_dwell_s * alerts
        confirmed_s = self.confirm_dwell_s * min(alerts, self._most_confirmations(span_s))
        account.until_s = scene.end.time_s
        account.budget_s = on * span_s * timetable.faces
        account.used_s = np.array([searched, confirmed_s, tracked])
        account.wanted_s = np.array([searched + shed_s[0], wanted_s, tracked + shed_s[1]])

    def _most_confirmations(self, span_s: float) -> int:
        """Return how many second dwells a window has time for."""
        budget_s = self.timetable.confirm_share * span_s * self.timetable.faces
        return int(np.floor(budget_s / self.confirm_dwell_s + 1e-9))

    def visibility(self, targets: Targets, truth: Truth) -> tuple[Floats, Bytes]:
        """Return how detectable every target is by one search dwell now, and why not."""
        return self._graded(targets, truth, self._gain_in_search(truth))

    def detection(self, targets: Targets, truth: Truth) -> Floats:
        """Return the detection probability (N,) of ``visibility``, no reasons."""
        return self._detected(targets, truth, self._gain_in_search(truth))

    def _gain_in_search(self, truth: Truth) -> Floats:
        """Return the factor (N,) on echoes off the centre of their search beam."""
        polar = self._polar(truth.position_enu_m, truth.velocity_enu_mps)[0]
        beam = self._cells(truth)
        centre = self.timetable.raster.centres_rad(np.maximum(beam, 0))
        return self._off_centre(np.nan_to_num(polar), centre)

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

    def _placed(self, things: Any, scene: Scene) -> _Placed:
        """Return targets, or things on the ground, and where they are in the window."""
        ends = scene.start.time_s, scene.end.time_s
        known = isinstance(things, Things)
        truths = [things.truth(t) for t in ends] if known else [scene.start, scene.end]
        return _Placed(things, tuple(self._cells(truth) for truth in truths))

    def _looks(
        self, things: _Placed, time_s: Floats, row: Ints, centre_rad: Floats, dwell_s: float
    ) -> tuple[Looks, Floats, Floats]:
        """Return looks (K,) of dwells at things, the factor on what they echo, and where it is."""
        position, velocity = things.what.at(time_s, row)
        polar, _ = self._polar(position, velocity)
        gain = self._off_centre(np.nan_to_num(polar), centre_rad)
        gain *= dwell_s / self.timetable.search_dwell_s
        return Looks(time_s, row, np.ones(time_s.size, bool), position, velocity), gain, polar

    def _found(
        self,
        scene: Scene,
        targets: tuple[Looks, Floats],
        ground: tuple[Looks, Floats],
        rng: np.random.Generator,
    ) -> Detections:
        """Return what is detected of looks at targets and on the ground, with factors on each."""
        echoes = None
        if len(ground[0]):
            looks, rcs_m2, look = echoes_of(self.discretes, ground[0], self.origin_enu_m, rng)
            echoes = GroundEchoes(looks, rcs_m2 * ground[1][look], look)
        return self._echoes(scene.targets, targets[0], rng, targets[1], echoes)

    def _search(
        self,
        scene: Scene,
        placed: tuple[_Placed, _Placed],
        time_s: Floats,
        beam: Ints,
        rng: np.random.Generator,
    ) -> Detections:
        """Return what search dwells detect, noise included."""
        raster, dwell_s = self.timetable.raster, self.timetable.search_dwell_s

        def seen(things: _Placed) -> tuple[Looks, Floats]:
            dwell, row = things.in_beams(beam)
            centre = raster.centres_rad(beam[dwell])
            looks, gain, polar = self._looks(things, time_s[dwell], row, centre, dwell_s)
            # By the end of a window a target may have gone over to the beam beside.
            there = raster.beams_of(polar[:, 1], polar[:, 2]) == beam[dwell]
            return looks.take(there), gain[there]

        targets, ground = (seen(things) for things in placed)
        found = self._found(scene, targets, ground, rng)
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
        placed: tuple[_Placed, _Placed],
        time_s: Floats,
        cue: Ints,
        rng: np.random.Generator,
    ) -> Detections:
        """Return what dwells on cues detect within a beamwidth of where these should be."""
        aim, _ = self._aim(_rows(scene.cues, cue), time_s - scene.start.time_s)
        raster, dwell_s = self.timetable.raster, self.timetable.track_dwell_s
        width, height = self.resolution[1:3]
        off = np.array([[a, b] for a in (-1, 0, 1) for b in (-1, 0, 1)]) * [width, height]
        around = aim[:, None, 1:3] + off
        beam = raster.beams_of(around[..., 0].ravel(), around[..., 1].ravel())

        def seen(things: _Placed) -> tuple[Looks, Floats]:
            dwell, row = things.in_beams(beam, len(off))
            centre = aim[dwell, 1:3]
            looks, gain, polar = self._looks(things, time_s[dwell], row, centre, dwell_s)
            apart = np.abs((polar[:, 1] - centre[:, 0] + np.pi) % (2.0 * np.pi) - np.pi)
            there = (apart < width) & (np.abs(polar[:, 2] - centre[:, 1]) < height)
            return looks.take(there), gain[there]

        targets, ground = (seen(things) for things in placed)
        return self._found(scene, targets, ground, rng)

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

    def _confirm(
        self, alerts: Detections, scene: Scene, rng: np.random.Generator
    ) -> tuple[int, Detections]:
        """Return how many alerts ask for a second dwell, and what that finds again."""
        asked = int(alerts.time_s.size)
        most = self._most_confirmations(scene.end.time_s - scene.start.time_s)
        alerts = alerts.take(np.argsort(alerts.time_s, kind="stable")[:most])
        delay_s = 0.5 * (self.timetable.search_dwell_s + self.confirm_dwell_s)
        time_s = np.minimum(alerts.time_s + delay_s, scene.end.time_s)

        def again(things: Any, rows: Ints) -> tuple[Looks, Floats]:
            own = rows >= 0
            centre = alerts.polar[own, 1:3]
            things = _Placed(things, ())
            looks, gain, _ = self._looks(
                things, time_s[own], rows[own], centre, self.confirm_dwell_s
            )
            return looks, gain

        real = (alerts.truth_id != FALSE_ALARM) | (alerts.thing >= 0)
        noise = alerts.take(~real & (rng.random(real.size) < self.pfa))
        targets = again(scene.targets, alerts.truth_id)
        ground = again(Things(self.discretes), alerts.thing)
        return asked, Detections.join([self._found(scene, targets, ground, rng), noise])


@dataclass(frozen=True, slots=True)
class _Placed:
    """Targets, or things on the ground, and in which search beams they are in a window.

    Attributes
    ----------
    what : what has positions ``at`` times
    cells : (N,) of each at the window's start and end, -1 for none
    """

    what: Any
    cells: tuple[Ints, ...]

    def in_beams(self, beam: Ints, of_dwell: int = 1) -> tuple[NDArray[np.intp], Ints]:
        """Return pairs of dwell and row where something is in a beam at either end.

        Parameters
        ----------
        beam : (D · of_dwell,) beams of each dwell, -1 for none
        """
        pairs = np.concatenate([_pairs(beam, cells) for cells in self.cells])
        pairs[:, 0] //= of_dwell
        pairs = np.unique(pairs, axis=0)
        return pairs[:, 0], pairs[:, 1].astype(np.int32)


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
