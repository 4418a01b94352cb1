"""Whole runs of sensors that listen: bearings, time differences and reports become tracks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from small_scenarios import world_of

from sim.core.tables import Identity, Measured, Snapshot
from sim.engine.step import run
from sim.engine.world import World
from sim.record.events import EventLog
from sim.record.tables import Vocabulary
from sim.tracking import SensorModels, Tracker, TrackerConfig
from sim.tracking.multilateration import can_multilaterate
from sim.tracking.policy import sensor_columns

HEAD = """\
schema: 1
name: listening
time: {start: 2025-06-01T12:00:00Z, duration_s: %d}
seed: 5
area: {latitude_deg: 52.0, longitude_deg: 5.0, height_m: 40}
environment: {wind_mps: 1}
tracker:
  association: %s
  start_height_m: 200
  start_height_sigma_m: 150
  start_speed_sigma_mps: %g
  process_noise_m2ps3: 1
"""
QUADCOPTER = """\
targets:
  - id: quad
    class: mini-drone
    affiliation: hostile
    remote_id: absent
    route:
      - {latitude_deg: 52.015, longitude_deg: 4.985, height_agl_m: 150, speed_mps: 12}
      - {latitude_deg: 52.015, longitude_deg: 5.03}
"""
FINDERS = """\
sites:
  - id: west
    position: {latitude_deg: 52.0, longitude_deg: 4.98, height_agl_m: 10}
    sensors: [{kind: rf-direction-finder, preset: drone-link-finder, id: west}]
  - id: middle
    position: {latitude_deg: 51.99, longitude_deg: 5.005, height_agl_m: 10}
    sensors: [{kind: rf-direction-finder, preset: drone-link-finder, id: middle}]
  - id: east
    position: {latitude_deg: 52.0, longitude_deg: 5.03, height_agl_m: 10}
    sensors: [{kind: rf-direction-finder, preset: drone-link-finder, id: east}]
"""
NETWORK = """\
sites:
  - id: west
    position: {latitude_deg: 52.0, longitude_deg: 4.98, height_agl_m: 10}
    sensors:
      - kind: time-difference
        preset: drone-link-network
        id: net
        intercept_probability: 0.95
        receivers:
          - {latitude_deg: 52.03, longitude_deg: 4.98, height_agl_m: 12}
          - {latitude_deg: 52.03, longitude_deg: 5.03, height_agl_m: 40}
          - {latitude_deg: 52.00, longitude_deg: 5.03, height_agl_m: 25}
"""
#: A row of arrays across the way of a loud, slow target.
ARRAYS = "sites:\n" + "".join(
    f"""\
  - id: post-{k}
    position: {{latitude_deg: 52.0, longitude_deg: {4.97 + 0.02 * k}, height_agl_m: 3}}
    sensors: [{{kind: acoustic, preset: acoustic-array, id: ears-{k}, expected_speed_mps: 35}}]
"""
    for k in range(4)
)
LOUD = """\
targets:
  - id: lawnmower
    class: one-way-attack-drone
    affiliation: hostile
    route:
      - {latitude_deg: 52.03, longitude_deg: 5.0, height_agl_m: 200, speed_mps: 45}
      - {latitude_deg: 51.98, longitude_deg: 5.0}
"""
AIRPORT = """\
sites:
  - id: airport
    position: {latitude_deg: 52.0, longitude_deg: 5.0, height_agl_m: 15}
    sensors:
      - {kind: ads-b, preset: ground-receiver, id: ads-b}
      - {kind: radar, preset: mobile-multi-mission, id: radar}
"""
TRAFFIC = """\
targets:
  - id: airliner
    class: airliner
    affiliation: neutral
    route:
      - {latitude_deg: 52.15, longitude_deg: 4.80, height_m: 6000, speed_mps: 200}
      - {latitude_deg: 51.70, longitude_deg: 5.30, height_m: 6000}
  - id: quiet
    class: light-aircraft
    affiliation: unknown
    ads_b: absent
    route:
      - {latitude_deg: 52.10, longitude_deg: 5.10, height_m: 1500, speed_mps: 60}
      - {latitude_deg: 52.00, longitude_deg: 5.20, height_m: 1500}
  - id: nobody
    class: airliner
    ghost: true
    route:
      - {latitude_deg: 52.10, longitude_deg: 5.4, height_m: 5000, speed_mps: 150}
      - {latitude_deg: 52.10, longitude_deg: 5.0, height_m: 5000}
  - id: liar
    class: light-aircraft
    affiliation: hostile
    ads_b: {spoofed: {east_m: 8000, north_m: 2000}}
    route:
      - {latitude_deg: 51.90, longitude_deg: 5.00, height_m: 2500, speed_mps: 60}
      - {latitude_deg: 52.00, longitude_deg: 4.90, height_m: 2500}
"""


@dataclass(frozen=True)
class Played:
    world: World
    snapshots: list[Snapshot]

    @property
    def last(self) -> Snapshot:
        return self.snapshots[-1]

    def near(self, row: int) -> Iterator[tuple[float, float]]:
        """Of pictures with a confirmed track, its distance to a target, and its own sigma."""
        for snapshot in self.snapshots:
            tracks = snapshot.tracks.take(snapshot.tracks.confirmed)
            off = tracks.position_enu_m[:, :2] - snapshot.truth.position_enu_m[row, :2]
            distance = np.hypot(off[:, 0], off[:, 1])
            if distance.size:
                best = int(distance.argmin())
                spread = tracks.position_covariance_m2[best][:2, :2]
                yield float(distance[best]), float(np.sqrt(np.trace(spread)))


def play(
    folder: Path, *parts: str, seconds: int = 90, association: str = "jipda", speed: float = 25.0
) -> Played:
    world = world_of(folder, HEAD % (seconds, association, speed) + "".join(parts))
    return Played(world, list(run(world)))


def test_crossed_radio_bearings_become_a_track(tmp_path: Path) -> None:
    played = play(tmp_path, FINDERS, QUADCOPTER)
    found = list(played.near(0))
    assert len(found) > 70
    assert np.median([distance for distance, _ in found[20:]]) < 60.0
    assert played.last.rejected == 0


def test_four_receivers_make_a_track_of_time_differences_alone(tmp_path: Path) -> None:
    played = play(tmp_path, NETWORK, QUADCOPTER)
    assert len(played.world.sensors) == 3
    found = list(played.near(0))
    assert len(found) > 70
    assert np.median([distance for distance, _ in found[20:]]) < 20.0
    # The picture's own sigma is of the size of its errors.
    assert np.mean([d < 3.0 * sigma for d, sigma in found[20:]]) > 0.9
    assert int(played.last.tracks.confirmed.sum()) == 1


def test_a_row_of_arrays_follows_what_it_hears_as_late_as_sound_is(tmp_path: Path) -> None:
    played = play(tmp_path, ARRAYS, LOUD, seconds=70)
    found = list(played.near(0))
    assert len(found) > 40
    assert np.median([distance for distance, _ in found[20:]]) < 400.0


@pytest.fixture(scope="module")
def airport(tmp_path_factory: pytest.TempPathFactory) -> Played:
    folder = tmp_path_factory.mktemp("airport")
    return play(folder, AIRPORT, TRAFFIC, seconds=60, speed=150.0)


def track_at(snapshot: Snapshot, place: np.ndarray) -> int:
    tracks = snapshot.tracks
    off = np.linalg.norm(tracks.position_enu_m - place, axis=1)
    off[~tracks.confirmed] = np.inf
    assert off.min() < 300.0
    return int(off.argmin())


def test_reports_join_the_radar_track_and_name_it(airport: Played) -> None:
    last = airport.last
    row = track_at(last, last.truth.position_enu_m[0])
    assert int(last.tracks.sensors[row]) == 0b11
    assert last.tracks.identity[row] == Identity.NEUTRAL
    sigma = np.sqrt(np.diag(last.tracks.position_covariance_m2[row]))
    off = last.tracks.position_enu_m[row] - last.truth.position_enu_m[0]
    assert (np.abs(off) < 4.0 * sigma).all()
    assert sigma[:2].max() < 30.0


def test_who_tells_nothing_keeps_its_track(airport: Played) -> None:
    """Silence towards a receiver of reports lowers no existence and makes nobody hostile."""
    last = airport.last
    row = track_at(last, last.truth.position_enu_m[1])
    assert int(last.tracks.sensors[row]) == 0b10
    assert last.tracks.existence[row] > 0.99
    assert last.tracks.identity[row] == Identity.UNKNOWN


def test_a_ghost_deceives_identity_and_is_doubted(airport: Played) -> None:
    last, targets = airport.last, airport.world.targets
    assert not last.truth.present[2]
    claimed, _ = targets.at(np.array([last.time_s]), np.array([2]))
    row = track_at(last, claimed[0])
    assert last.tracks.identity[row] == Identity.NEUTRAL
    assert [int(last.tracks.number[row]), 1] in last.uncorroborated.tolist()


def test_a_spoofer_is_two_tracks_one_of_them_doubted(airport: Played) -> None:
    last = airport.last
    true = last.truth.position_enu_m[3]
    own = track_at(last, true)
    told = track_at(last, true + np.array([8000.0, 2000.0, 0.0]))
    assert own != told
    doubted = last.uncorroborated[:, 0].tolist()
    assert int(last.tracks.number[told]) in doubted
    assert int(last.tracks.number[own]) not in doubted


def test_a_doubt_is_an_event_once(airport: Played) -> None:
    setting = airport.world.setting
    log = EventLog(Vocabulary.of(setting))
    for snapshot in airport.snapshots:
        log.add(snapshot)
    rows = [row for row in log.table().to_pylist() if row["event"] == "report-uncorroborated"]
    assert len(rows) == len({row["number"] for row in rows}) == 2
    assert {row["sensor"] for row in rows} == {"radar"}


def test_no_plot_of_a_ghost_names_a_target(airport: Played) -> None:
    for snapshot in airport.snapshots:
        assert not np.isin(snapshot.plots.truth_id, [2]).any()


# Starts from time differences -------------------------------------------------------------


def receivers(*places: tuple[float, float, float]) -> SensorModels:
    n = len(places)
    return SensorModels(
        origin_enu_m=np.array(places, float),
        enu_R_sensor=np.stack([np.eye(3)] * n),
        height_m=np.array([place[2] for place in places]),
        period_s=np.ones(n),
        measures=np.tile([True, False, False, False], (n, 1)),
        clutter_density=np.full(n, 1.0),
        kind=np.full(n, Measured.TIME_DIFFERENCE, np.uint8),
        other_enu_m=np.zeros((n, 3)),
        listens=np.ones(n, np.bool_),
    )


SQUARE = ((3000.0, 0.0, 20.0), (0.0, 3000.0, 5.0), (3000.0, 3000.0, 60.0))
CONFIG = TrackerConfig(start_height_m=200.0, start_height_sigma_m=150.0)


def differences(place: np.ndarray, models: SensorModels) -> np.ndarray:
    near = np.linalg.norm(place - models.origin_enu_m, axis=1)
    return (near - np.linalg.norm(place)) / 299_792_458.0


def emitted(tracker: Tracker, models: SensorModels, *places: np.ndarray) -> None:
    from sim.core.tables import Plots

    tables = [
        Plots.of(
            0.5 + 0.1 * k,
            np.arange(len(models)),
            differences(place, models)[:, None],
            20e-9,
        )
        for k, place in enumerate(places)
    ]
    tracker.process(Plots.concatenate(tables), 1.0)


@pytest.mark.parametrize("place", [(1000.0, 1500.0, 250.0), (2500.0, 4000.0, 120.0)])
def test_three_differences_start_a_track_where_they_meet(place: tuple[float, ...]) -> None:
    models = receivers(*SQUARE)
    tracker = Tracker(CONFIG, models)
    emitted(tracker, models, np.array(place))
    picture = tracker.picture()
    assert picture.hits.tolist() == [3]
    off = picture.position_enu_m[0] - place
    assert np.hypot(off[0], off[1]) < 30.0
    P = picture.position_covariance_m2[0]
    assert off @ np.linalg.solve(P, off) < 16.0


def test_two_emissions_start_two_tracks() -> None:
    models = receivers(*SQUARE)
    tracker = Tracker(CONFIG, models)
    emitted(tracker, models, np.array([1000.0, 1500.0, 250.0]), np.array([2000.0, 800.0, 150.0]))
    assert len(tracker.picture()) == 2


def test_differences_that_meet_nowhere_start_nothing() -> None:
    from sim.core.tables import Plots

    models = receivers(*SQUARE)
    tracker = Tracker(CONFIG, models)
    ways_s = np.array([[9e-6], [-9e-6], [13e-6]])
    tracker.process(Plots.of(0.5, np.arange(3), ways_s, 20e-9), 1.0)
    assert len(tracker.picture()) == 0


def test_two_differences_are_not_enough() -> None:
    models = receivers(*SQUARE[:2])
    assert not can_multilaterate(sensor_columns(CONFIG, models))
    tracker = Tracker(CONFIG, models)
    emitted(tracker, models, np.array([1000.0, 1500.0, 250.0]))
    assert len(tracker.picture()) == 0


def test_receivers_in_a_row_cannot_tell_the_sides_apart() -> None:
    """A row is its own mirror: both places explain all differences."""
    models = receivers((1000.0, 0.0, 0.0), (2000.0, 0.0, 0.0), (3000.0, 0.0, 0.0))
    tracker = Tracker(CONFIG, models)
    emitted(tracker, models, np.array([1500.0, 1200.0, 200.0]))
    assert len(tracker.picture()) == 0


def test_summary_says_that_a_ghost_was_never_there() -> None:
    from sim.cli.summary import _untracked

    ghost = {"id": "nobody", "present_s": 0.0, "first_track_s": None, "untracked": []}
    assert _untracked([ghost]) == ["nobody: never there"]
