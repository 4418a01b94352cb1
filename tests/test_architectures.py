"""One scenario, three ways from plots to the picture: central, distributed, stove-piped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from small_scenarios import THIRD_SITE, Run, changed, recorded, world_of

from sensors.radar import Radar
from sim.core.tables import Plots, Tracks
from sim.engine.step import run
from sim.engine.world import World
from sim.tracking import Tracker, TrackerConfig
from sim.tracking.estimates import Estimates
from sim.tracking.federation import SiteTracker
from sim.tracking.fusion import TrackFusion

ARCHITECTURES = ("centralised", "distributed", "stove-piped")

#: Two nations' radars 40 km apart; the second site has two, so that its numbers are not the
#: scenario's. Both nations see all targets from beginning to end.
BORDER = """\
schema: 1
name: border
time: {start: 2025-06-01T12:00:00Z, duration_s: 120}
seed: 3
area: {latitude_deg: 52.0, longitude_deg: 5.0, height_m: 40}
nations: [{id: NLD}, {id: BEL}]
networks: [{id: link, latency_s: 0, loss: 0}]
sites:
  - id: north
    nation: NLD
    network: link
    position: {latitude_deg: 52.10, longitude_deg: 4.80, height_agl_m: 15}
    sensors:
      - {kind: radar, preset: mobile-multi-mission, id: mobile}
  - id: south
    nation: BEL
    network: link
    position: {latitude_deg: 51.80, longitude_deg: 5.10, height_agl_m: 20}
    sensors:
      - {kind: radar, preset: ship-radar, id: ship}
      - {kind: radar, preset: airport-surveillance, id: approach}
targets:
  - id: airliner
    class: airliner
    count: 3
    formation: {kind: line-abreast, spacing_m: 6000}
    route:
      - {latitude_deg: 52.20, longitude_deg: 5.30, height_m: 6000, speed_mps: 200}
      - {latitude_deg: 51.60, longitude_deg: 4.60, height_m: 6000}
  - id: pair
    class: fighter
    count: 2
    formation: {kind: line-abreast, spacing_m: 3000}
    route:
      - {latitude_deg: 52.15, longitude_deg: 4.50, height_m: 3000, speed_mps: 200}
      - {latitude_deg: 51.90, longitude_deg: 5.30, height_m: 3500}
      - {latitude_deg: 52.20, longitude_deg: 5.30, height_m: 3500}
  - id: trainer
    class: light-aircraft
    route:
      - {latitude_deg: 51.95, longitude_deg: 4.95, height_m: 1500, speed_mps: 60}
      - {kind: circle, radius_m: 2500, duration_s: 300}
tracker: {architecture: centralised}
"""
TARGETS = 6


def border(architecture: str, *changes: tuple[str, str]) -> str:
    return changed(("architecture: centralised", f"architecture: {architecture}"), *changes,
                   text=BORDER)  # fmt: skip


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    folder = tmp_path_factory.mktemp("border")
    return {name: recorded(folder / name, border(name)) for name in ARCHITECTURES}


def siap(done: Run) -> dict[str, float]:
    found: dict[str, float] = done.outcome.metrics["siap"]
    return found


def bits(numbers: list[int]) -> int:
    return sum(1 << number for number in numbers)


def assert_same(one: Tracks, other: Tracks) -> None:
    for field in fields(Tracks):
        np.testing.assert_array_equal(
            getattr(one, field.name), getattr(other, field.name), field.name
        )


def test_sharing_decides_what_the_picture_is_worth(runs: dict[str, Run]) -> None:
    central, distributed, apart = (siap(runs[name]) for name in ARCHITECTURES)
    assert central["completeness_in_coverage"] > 0.9
    assert distributed["completeness_in_coverage"] > central["completeness_in_coverage"] - 0.05
    assert central["ambiguity"] == pytest.approx(1.0, abs=0.01)
    assert distributed["ambiguity"] == pytest.approx(1.0, abs=0.01)
    assert 1.8 < apart["ambiguity"] <= 2.0
    assert distributed["spuriousness"] <= central["spuriousness"] + 0.02
    for done in (runs["centralised"], runs["distributed"]):
        assert done.snapshots[-1].tracks.confirmed.sum() == TARGETS
    assert runs["stove-piped"].snapshots[-1].tracks.confirmed.sum() == 2 * TARGETS


def test_a_poor_link_is_still_good_enough(runs: dict[str, Run], tmp_path: Path) -> None:
    poor = ("latency_s: 0, loss: 0", "latency_s: 2, loss: 0.2")
    done = recorded(tmp_path, border("distributed", poor))
    found, good = siap(done), siap(runs["distributed"])
    assert found["ambiguity"] == pytest.approx(1.0, abs=0.02)
    assert found["completeness_in_coverage"] > good["completeness_in_coverage"] - 0.05
    assert found["spuriousness"] < 0.05
    assert done.snapshots[-1].tracks.confirmed.sum() == TARGETS


@pytest.mark.parametrize("architecture", ["distributed", "stove-piped"])
def test_the_plots_are_those_of_the_centralised_run(
    architecture: str, runs: dict[str, Run]
) -> None:
    one, other = (runs[name].folder / "plots.parquet" for name in ("centralised", architecture))
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_same_seed_same_bytes(architecture: str, tmp_path: Path) -> None:
    lossy = (("loss: 0}", "loss: 0.3}"), ("duration_s: 120", "duration_s: 30"))
    folders = [recorded(tmp_path / k, border(architecture, *lossy)).folder for k in "ab"]
    for name in ("plots", "tracks", "events"):
        one, other = ((folder / f"{name}.parquet").read_bytes() for folder in folders)
        assert one == other


def test_tracks_name_the_sensors_of_the_whole_scenario(runs: dict[str, Run]) -> None:
    """Bit 0 is the northern radar's, bits 1 and 2 are the southern ones'."""
    apart = runs["stove-piped"].snapshots[-1].tracks
    north, south = (apart.take((np.abs(apart.number) % 2) == site) for site in (0, 1))
    assert set(north.sensors.tolist()) == {bits([0])}
    assert bits([1, 2]) in south.sensors.tolist()
    assert set(south.sensors.tolist()) <= {bits([1]), bits([2]), bits([1, 2])}
    together = runs["distributed"].snapshots[-1].tracks
    assert bits([0, 1, 2]) in together.sensors.tolist()
    assert set(together.sensors.tolist()) <= {bits([0, 1]), bits([0, 2]), bits([0, 1, 2])}


def test_links_carry_tracks_and_not_plots(runs: dict[str, Run], tmp_path: Path) -> None:
    """A site hears its own sensors at once and in full, whatever its link does."""
    poor = ("latency_s: 0, loss: 0", "latency_s: 5, loss: 0.9")
    world = world_of(tmp_path, border("stove-piped", poor, ("duration_s: 120", "duration_s: 20")))
    for far, near in zip(run(world), runs["stove-piped"].snapshots, strict=False):
        assert_same(far.tracks, near.tracks)
    assert far.time_s == 20.0


def test_latency_delays_the_fused_picture(runs: dict[str, Run], tmp_path: Path) -> None:
    late = ("latency_s: 0,", "latency_s: 3,")
    world = world_of(tmp_path, border("distributed", late, ("duration_s: 120", "duration_s: 30")))
    delayed = list(run(world))
    at_once = runs["distributed"].snapshots
    for now, then in zip(delayed[3:], at_once, strict=False):
        assert now.tracks.time_s == now.time_s == then.time_s + 3.0
        for name in ("number", "hits", "last_plot_s", "sensors", "replies"):
            np.testing.assert_array_equal(
                getattr(now.tracks, name), getattr(then.tracks, name), name
            )
    assert all(len(snapshot.tracks) == 0 for snapshot in delayed[:3])
    assert len(delayed[-1].tracks) == TARGETS


def received(world: World, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float]]:
    """Which reports arrive in a run: site and time."""
    arrived = []
    receive = TrackFusion.receive

    def spy(self: TrackFusion, site: int, report: Estimates) -> None:
        arrived.append((world.sites[site].id, report.time_s))
        receive(self, site, report)

    with monkeypatch.context() as patched:
        patched.setattr(TrackFusion, "receive", spy)
        for _ in run(world):
            pass
    return arrived


def test_a_further_site_leaves_the_others_links_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lossy = (("loss: 0}", "loss: 0.3}"), ("duration_s: 120", "duration_s: 40"))
    alone = world_of(tmp_path / "a", border("distributed", *lossy))
    joined = world_of(
        tmp_path / "b",
        border("distributed", *lossy, ("  - id: south\n", THIRD_SITE + "  - id: south\n")),
    )
    expected = received(alone, monkeypatch)
    found = received(joined, monkeypatch)
    assert {site for site, _ in found} == {"north", "shore", "south"}
    assert [report for report in found if report[0] != "shore"] == expected
    assert sum(site == "shore" for site, _ in found) == 40, "no network: nothing is lost"
    lost = 1.0 - len(expected) / 80.0
    assert abs(lost - 0.3) < 5.0 * np.sqrt(0.21 / 80.0)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_broken_plots_of_all_sites_are_counted(
    architecture: str, runs: dict[str, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    observe = Radar.observe
    added = 0

    def with_broken_one(self: Radar, *given: object) -> Plots:
        nonlocal added
        plots = observe(self, *given)  # type: ignore[arg-type]
        if len(plots) == 0:
            return plots
        added += 1
        one = plots.take(np.array([0]))
        return Plots.concatenate([plots, replace(one, measurement=one.measurement * np.nan)])

    monkeypatch.setattr(Radar, "observe", with_broken_one)
    world = world_of(tmp_path, border(architecture, ("duration_s: 120", "duration_s: 20")))
    for broken, honest in zip(run(world), runs[architecture].snapshots, strict=False):
        assert_same(broken.tracks, honest.tracks)
        assert broken.rejected == added
        assert honest.rejected == 0
    assert added > 30


@pytest.mark.parametrize("architecture", ["distributed", "stove-piped"])
def test_permuted_truth_changes_no_track(
    architecture: str, runs: dict[str, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    observe = Radar.observe
    chance = np.random.default_rng(3)

    def lying(self: Radar, *given: object) -> Plots:
        plots = observe(self, *given)  # type: ignore[arg-type]
        return replace(plots, truth_id=chance.permutation(plots.truth_id)[::-1].copy())

    monkeypatch.setattr(Radar, "observe", lying)
    world = world_of(tmp_path, border(architecture, ("duration_s: 120", "duration_s: 20")))
    for told, honest in zip(run(world), runs[architecture].snapshots, strict=False):
        assert_same(told.tracks, honest.tracks)


def own_plots(world: World, sensors: np.ndarray) -> Iterator[tuple[float, Plots, Plots]]:
    """Time, all plots, and those of some sensors numbered among themselves, step by step."""
    for snapshot in run(world):
        plots = snapshot.plots.without_truth()
        own = plots.take(np.isin(plots.sensor, sensors))
        place = np.searchsorted(sensors, own.sensor).astype(np.int32)
        yield snapshot.time_s, plots, replace(own, sensor=place)


def test_a_site_tracks_as_if_it_were_alone(tmp_path: Path) -> None:
    """Its picture is that of a tracker which has never heard of the other sensors."""
    world = world_of(tmp_path / "all", border("distributed", ("duration_s: 120", "duration_s: 40")))
    head, rest = BORDER.split("  - id: north\n")
    alone = world_of(tmp_path / "one", head + rest[rest.index("  - id: south\n") :])
    sensors = np.array([1, 2], np.int32)
    site = SiteTracker(TrackerConfig(), world.models, sensors)
    tracker = Tracker(TrackerConfig(), alone.models)
    for time_s, plots, own in own_plots(world, sensors):
        site.process(plots, time_s)
        tracker.process(own, time_s)
        expected = tracker.picture(time_s)
        assert_same(
            replace(expected, sensors=expected.sensors << np.uint64(1)), site.picture(time_s)
        )
        told, known = site.estimates(time_s), tracker.estimates(time_s)
        np.testing.assert_array_equal(told.mean, known.mean)
        np.testing.assert_array_equal(told.covariance, known.covariance)
        np.testing.assert_array_equal(told.sensors, known.sensors << np.uint64(1))
    assert site.rejected == tracker.rejected
    assert len(told) == TARGETS


def test_what_a_site_without_height_tells_is_honest(tmp_path: Path) -> None:
    """No number of ranges from one place makes it believe in a height."""
    world = world_of(tmp_path, border("distributed"))
    models = world.models
    sensor = 2
    origin, R = models.origin_enu_m[sensor], models.enu_R_sensor[sensor]
    site = SiteTracker(TrackerConfig(), models, np.array([sensor], np.int32))
    rng = np.random.default_rng(2)
    start = np.array(
        [[-30e3, -25e3, 9e3], [40e3, 25e3, 1e3], [-12e3, 60e3, 11e3], [5e3, -50e3, 4e3]]
    )
    velocity = np.array([[150.0, 60, 0], [-180.0, 20, 0], [60.0, -200, 0], [-90.0, 170, 0]])
    sigma = np.array([50.0, 0.003, np.nan, np.nan])
    squared = []
    for time_s in np.arange(4.0, 200.0, 4.0):
        place = start + velocity * time_s
        e, n, u = (place @ R).T
        exact = np.column_stack(
            [np.sqrt(e * e + n * n + u * u), np.arctan2(e, n), u * np.nan, u * np.nan]
        )
        plots = Plots(
            time_s=np.full(4, time_s),
            sensor=np.full(4, sensor, np.int32),
            measurement=exact + sigma * rng.standard_normal((4, 4)),
            sigma=np.tile(sigma, (4, 1)),
            snr_db=np.full(4, 20.0),
            reply=np.zeros(4, np.uint8),
            truth_id=np.full(4, -1, np.int32),
        )
        site.process(plots, time_s)
        told = site.estimates(time_s)
        if time_s < 40.0:
            continue
        assert len(told) == 4
        truth = np.hstack([place + origin, velocity])
        error = told.mean[:, None] - truth[None]
        row = np.hypot(error[:, :, 0], error[:, :, 1]).argmin(axis=1)
        assert sorted(row) == [0, 1, 2, 3]
        error = error[np.arange(4), row]
        squared.append(np.einsum("ki,kij,kj->k", error, np.linalg.inv(told.covariance), error))
    assert np.max(squared) < 22.5, "the 99.9 % quantile of six components"
    assert (told.sensors == bits([sensor])).all()
