"""Dwell scheduling: what is looked at when, within a budget; and what the dwells see."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import stage
from pydantic import TypeAdapter, ValidationError
from stage import Fakes, fakes

from sensors.array_radar import ArrayRadar
from sensors.array_radar_spec import ArrayRadarSpec
from sensors.presets import PRESETS_FOLDER
from sensors.registry import Sensor, SensorSpec
from sensors.scene import Cues, Scene
from sensors.scheduling import Raster, Timetable
from sim.core.tables import FALSE_ALARM, Floats, Plots, Visibility
from sim.world.frames import Frame
from sim.world.presets import read_presets

FRAME = Frame.at(np.radians(50.0), np.radians(5.0), 0.0)
SECTOR = np.radians([0.0, 45.0])
TABLE = Timetable(
    raster=Raster.over(SECTOR, np.radians([0.0, 20.0]), np.radians(3.0), np.radians(4.0)),
    frame_s=2.0,
    track_s=1.0,
    search_dwell_s=0.01,
    track_dwell_s=0.005,
    search_share=0.25,
    confirm_share=0.05,
)


def planned(cues: int, windows_s: Floats) -> list[Any]:
    number, seen = np.arange(1, cues + 1, dtype=np.int32), np.ones(cues, bool)
    return [TABLE.dwells(float(a), float(b), number, seen) for a, b in pairwise(windows_s)]


def test_raster_covers_the_sector_once() -> None:
    raster = TABLE.raster
    assert (raster.columns, raster.bars, len(raster)) == (30, 5, 150)
    centres = raster.centres_rad(np.arange(150, dtype=np.int32))
    assert raster.beams_of(*centres.T).tolist() == list(range(150))
    rng = np.random.default_rng(1)
    azimuth, elevation = rng.uniform(-0.78, 0.78, 500), rng.uniform(0.0, 0.349, 500)
    beam = raster.beams_of(azimuth, elevation)
    off = centres[beam] - np.stack([azimuth % (2 * np.pi), elevation], axis=1)
    off[:, 0] = np.remainder(off[:, 0] + np.pi, 2 * np.pi) - np.pi
    assert np.all(np.abs(off) <= np.radians([1.5, 2.0]) + 1e-12)
    assert raster.beams_of(np.array([1.0, 0.0]), np.array([0.1, -0.1])).tolist() == [-1, -1]


@pytest.mark.parametrize("window_s", [0.25, 0.31, 1.0, 2.0, 5.0])
def test_without_tracks_every_beam_has_its_turn_once_a_frame(window_s: float) -> None:
    plans = planned(0, np.arange(0.0, 40.0 + window_s, window_s))
    time_s = np.concatenate([p.time_s for p in plans])
    beam = np.concatenate([p.beam for p in plans])
    assert np.all(np.diff(time_s) > 0)
    for one in range(150):
        assert np.diff(time_s[beam == one]) == pytest.approx(2.0, abs=1e-9)
    assert all(p.utilisation <= 1.0 for p in plans)
    assert not any(p.saturated for p in plans)


@pytest.mark.parametrize("cues", [0, 20, 60, 100, 400])
def test_the_budget_is_never_exceeded(cues: int) -> None:
    for window_s in (0.25, 1.0):
        for plan in planned(cues, np.arange(0.0, 20.1, window_s)):
            spent = (plan.beam >= 0).sum() * 0.01 + (plan.cue >= 0).sum() * 0.005
            assert spent == pytest.approx(plan.used_s.sum())
            assert spent <= 0.95 * window_s + 1e-9
            assert plan.saturated == (plan.wanted_s.sum() > 0.95 * window_s * (1 + 1e-9))


def revisit_s(cues: int) -> tuple[float, float]:
    """Mean and longest time between two dwells on a search beam."""
    plans = planned(cues, np.arange(0.0, 200.1))
    time_s = np.concatenate([p.time_s for p in plans])
    beam = np.concatenate([p.beam for p in plans])
    gaps = np.concatenate([np.diff(time_s[beam == one]) for one in range(150)])
    return float(gaps.mean()), float(gaps.max())


def test_search_slows_down_as_tracks_take_its_time() -> None:
    """Wanted: 0.75 s of search a second. 60 tracks leave 0.65, 100 leave 0.45, 400 leave 0.25."""
    few, some, many, flood = (revisit_s(n) for n in (0, 60, 100, 400))
    assert few[0] == pytest.approx(2.0)
    assert some[0] == pytest.approx(2.0 * 0.75 / 0.65, rel=0.03)
    assert many[0] == pytest.approx(2.0 * 0.75 / 0.45, rel=0.03)
    assert flood[0] == pytest.approx(2.0 * 0.75 / 0.2375, rel=0.04)
    # No beam is forgotten.
    assert flood[1] <= 4 * flood[0]


def test_tracks_are_looked_at_on_their_beat_until_there_are_too_many() -> None:
    for cues, share in ((20, 1.0), (100, 1.0), (400, 142 / 400)):
        plans = planned(cues, np.arange(0.0, 100.1))
        time_s = np.concatenate([p.time_s for p in plans])
        cue = np.concatenate([p.cue for p in plans])
        count = np.bincount(cue[cue >= 0], minlength=cues)
        assert count.mean() == pytest.approx(100 * share, rel=0.02)
        assert count.min() > 0.7 * count.mean()
        if share == 1.0:
            assert np.diff(time_s[cue == 3]) == pytest.approx(1.0, abs=1e-9)


def test_the_same_cue_has_the_same_times_in_any_windows() -> None:
    coarse, fine = (planned(15, np.arange(0.0, 12.1, w)) for w in (1.0, 0.25))
    times = [np.concatenate([p.time_s[p.cue == 7] for p in plans]) for plans in (coarse, fine)]
    assert times[0] == pytest.approx(times[1])


# --- what the dwells see ---------------------------------------------------------------------


def radar(**changes: Any) -> ArrayRadar:
    given = {"kind": "array-radar", "id": "a", "preset": "multi-function"}
    spec = TypeAdapter(SensorSpec).validate_python(given | changes)
    built: ArrayRadar = stage.build(spec, FRAME, [0.0, 0.0, 20.0], index=2)
    return built.in_clear_air()


def straight(position_m: Any, velocity_mps: Any, **given: Any) -> Fakes:
    start = np.atleast_2d(np.asarray(position_m, float))
    velocity = np.broadcast_to(np.asarray(velocity_mps, float), start.shape)
    return fakes(lambda t, k: start[k] + velocity[k] * t[:, None], len(start), **given)


def cues_on(targets: Fakes, rows: list[int], time_s: float, sigma_m: float = 50.0) -> Cues:
    position, velocity = targets.at(np.full(len(rows), time_s), np.array(rows, np.intp))
    number = np.array(rows, np.int32) + 1
    return Cues(number, position, velocity, np.full(len(rows), sigma_m))


def watch(
    sensor: Sensor, targets: Fakes, times_s: Floats, cued: list[int] | None = None, seed: int = 0
) -> Plots:
    rng, made = np.random.default_rng(seed), []
    for start, end in pairwise(targets.truth(float(t)) for t in times_s):
        cues = cues_on(targets, cued or [], start.time_s)
        made.append(sensor.observe(Scene(targets, start, end, cues), rng))  # type: ignore[arg-type]
    return Plots.concatenate(made)


def test_preset_is_sourced_and_builds() -> None:
    presets = read_presets(PRESETS_FOLDER / "array-radar.yaml")
    for key, preset in presets["multi-function"].items():
        assert key in ArrayRadarSpec.model_fields, key
        assert bool(preset.source) != bool(preset.assumption), key
    sensor: Sensor = radar()
    assert (sensor.period_s, sensor.rotates, sensor.index) == (1.0, False, 2)


def test_preset_reaches_its_anchor() -> None:
    sensor = radar()
    elevation = np.radians(2.0)
    range_m = np.linspace(60e3, 200e3, 500)
    direction = [0.0, np.cos(elevation), np.sin(elevation)]
    place = np.outer(range_m, direction) + np.array([0.0, 0.0, 20.0])
    targets = straight(place, 0.0, rcs_m2=10**0.5, swerling=1)
    pd, _ = sensor._graded(targets, targets.truth(0.0), np.ones(500))  # type: ignore[arg-type]
    assert np.interp(-0.9, -pd, range_m) == pytest.approx(150e3, rel=0.03)


def test_search_finds_once_a_frame_with_the_exact_time_of_the_dwell() -> None:
    sensor = radar(pfa=1e-9)
    targets = straight(
        [[30e3, 10e3, 4e3], [-50e3, 20e3, 8e3]], [[90.0, 0, 0], [0, 60.0, 0]], rcs_m2=1e3
    )
    plots = watch(sensor, targets, np.arange(0.0, 60.1, 0.5))
    slot = sensor.timetable.frame_s / len(sensor.timetable.raster)
    delay = 0.5 * (sensor.timetable.search_dwell_s + sensor.confirm_dwell_s)
    for row in (0, 1):
        time_s = plots.time_s[plots.truth_id == row]
        assert 5 <= time_s.size <= 8
        # A search dwell, and at once the second that confirms it.
        since = (time_s - delay) / slot - 0.5
        assert since == pytest.approx(np.round(since), abs=1e-6)
    position, _ = targets.at(plots.time_s, plots.truth_id.astype(np.intp))
    range_m = np.linalg.norm(position - sensor.origin_enu_m, axis=1)
    assert np.all(np.abs(plots.measurement[:, 0] - range_m) < 5 * plots.sigma[:, 0])


def test_a_cue_is_looked_at_sooner_than_search_would() -> None:
    sensor = radar(pfa=1e-9)
    targets = straight([[40e3, 30e3, 6e3]], [0.0, 150.0, 0.0], rcs_m2=1e3)
    times = np.arange(0.0, 30.1, 0.5)
    with_cue, without = (watch(sensor, targets, times, cued) for cued in ([0], []))
    assert len(without) <= 4
    assert len(with_cue) >= 29
    assert with_cue.time_s[0] <= 1.0
    assert np.median(np.diff(with_cue.time_s)) == pytest.approx(1.0, abs=0.05)


def test_a_wrong_cue_brings_nothing() -> None:
    sensor = radar(pfa=1e-9)
    targets = straight([[40e3, 30e3, 6e3], [-40e3, 30e3, 6e3]], [0.0, 150.0, 0.0], rcs_m2=1e3)
    astray = straight([[30e3, 40e3, 6e3]], [0.0, 150.0, 0.0])
    rng = np.random.default_rng(0)
    start, end = targets.truth(0.0), targets.truth(3.0)
    scene = Scene(targets, start, end, cues_on(astray, [0], 0.0))  # type: ignore[arg-type]
    assert (sensor.plan(scene).cue >= 0).sum() == 3
    assert len(sensor.observe(scene, rng)) <= 2  # by search alone


@pytest.mark.slow
def test_detection_rate_of_search_is_pd() -> None:
    """Alert and confirmation each detect with the probability that their energy gives."""
    sensor = radar(pfa=1e-6, confirm_share=0.2, frame_s=10)
    rng = np.random.default_rng(6)
    azimuth, elevation = rng.uniform(0, 2 * np.pi, 40), rng.uniform(0.02, 0.6, 40)
    range_m = rng.uniform(90e3, 140e3, 40)
    across = range_m * np.cos(elevation)
    place = np.stack(
        [across * np.sin(azimuth), across * np.cos(azimuth), 20 + range_m * np.sin(elevation)], 1
    )
    targets = straight(place, 0.0, rcs_m2=1.0, swerling=1)
    truth = targets.truth(0.0)
    alert, code = sensor.visibility(targets, truth)  # type: ignore[arg-type]
    assert set(code.tolist()) <= {Visibility.VISIBLE, Visibility.WEAK_ECHO}
    confirmed, _ = sensor._graded(targets, truth, np.ones(40))  # type: ignore[arg-type]
    frames = 150
    plots = watch(sensor, targets, np.arange(0.0, 10.0 * frames + 0.1, 10.0))
    plots = plots.take(plots.truth_id != FALSE_ALARM)
    expected = frames * (alert * confirmed).sum()
    assert len(plots) == pytest.approx(expected, abs=4.5 * np.sqrt(expected))


@pytest.mark.slow
def test_noise_is_confirmed_by_noise_alone() -> None:
    sensor = radar(pfa=0.03, range_max_km=60, sector_deg=90, confirm_share=0.5, frame_s=60)
    nobody = straight(np.empty((0, 3)), 0.0)
    looks = 3
    plots = watch(sensor, nobody, np.arange(0.0, 60.0 * looks + 0.1, 1.0))
    volume = float(np.ptp(sensor.range_limits_m)) * len(sensor.timetable.raster)
    volume *= float(sensor.resolution[1] * sensor.resolution[2]) * 2 * sensor.range_rate_max_mps
    expected = sensor.clutter_density * volume * looks
    timetable = sensor.timetable
    asked = 0.03 * volume / (2 * sensor.range_rate_max_mps) / np.prod(sensor.resolution[:3]) / 60
    share = min(1.0, 0.5 / sensor.confirm_dwell_s / asked)
    assert timetable.faces == 1
    assert len(plots) == pytest.approx(expected * share, abs=5 * np.sqrt(expected))


def test_same_seed_same_plots() -> None:
    targets = straight([[40e3, 30e3, 6e3]], [0.0, 150.0, 0.0], rcs_m2=5.0, swerling=1)
    first, second, other = (
        watch(radar(pfa=1e-4), targets, np.arange(0.0, 8.1), [0], seed) for seed in (1, 1, 2)
    )
    assert first.measurement.tobytes() == second.measurement.tobytes()
    assert first.measurement.tobytes() != other.measurement.tobytes()


# --- turbines and vehicles ----------------------------------------------------------------------

FARM = {
    "id": "farm",
    "latitude_deg": 50.1,
    "longitude_deg": 5.1,
    "turbines": 3,
    "spacing_m": 900,
    "hub_height_m": 110,
    "rotor_diameter_m": 120,
    "rcs_dbsm": 30,
}


def over_land(environment: dict[str, Any], **changes: Any) -> ArrayRadar:
    given = {"kind": "array-radar", "id": "a", "preset": "multi-function", "mti": "none"}
    spec = TypeAdapter(SensorSpec).validate_python(given | changes)
    built: ArrayRadar = stage.build(spec, FRAME, [0.0, 0.0, 20.0], **environment)
    return built.in_clear_air()


NOBODY = straight(np.empty((0, 3)), 0.0)


def nearest_turbine_m(sensor: ArrayRadar, plots: Plots) -> Floats:
    """How far each plot is from the turbine that is nearest to it, in range."""
    hubs, _ = sensor.discretes.at(0.0)
    range_m = np.linalg.norm(hubs - sensor.origin_enu_m, axis=1)
    return np.abs(plots.measurement[:, 0, None] - range_m).min(axis=1)


def test_search_finds_turbines_and_confirmation_finds_them_again() -> None:
    sensor = over_land({"wind_farms": [FARM]}, pfa=1e-9)
    plots = watch(sensor, NOBODY, np.arange(0.0, 60.1, 0.5))
    assert (plots.truth_id == FALSE_ALARM).all()
    # Six frames, three turbines, apart in range; some echoes fade.
    assert 10 <= len(plots) <= 2 * 18
    assert (nearest_turbine_m(sensor, plots) < 5 * plots.sigma[:, 0] + 1.0).all()
    assert len(watch(over_land({}, pfa=1e-9), NOBODY, np.arange(0.0, 60.1, 0.5))) == 0


def test_a_track_dwell_on_a_turbine_sees_it_on_every_beat() -> None:
    sensor = over_land({"wind_farms": [FARM | {"turbines": 1}]}, pfa=1e-9)
    hub, _ = sensor.discretes.at(0.0)
    on_it, beside = (straight(hub + shift, 0.0) for shift in (0.0, [0.0, 0.0, 4000.0]))

    def seen(cued: Fakes) -> int:
        rng, count = np.random.default_rng(1), 0
        for start_s in range(20):
            truths = [NOBODY.truth(float(t)) for t in (start_s, start_s + 1)]
            scene = Scene(NOBODY, *truths, cues_on(cued, [0], float(start_s)))  # type: ignore[arg-type]
            count += len(sensor.observe(scene, rng))
        return count

    assert seen(on_it) >= 18
    assert seen(beside) <= 6


def test_vehicles_show_with_their_speed() -> None:
    road = {
        "id": "a4",
        "path": [
            {"latitude_deg": 50.02, "longitude_deg": 5.0},
            {"latitude_deg": 50.12, "longitude_deg": 5.0},
        ],
        "vehicles_per_km": 0.5,
        "rcs_dbsm": 20,
    }
    sensor = over_land({"roads": [road]}, pfa=1e-9, range_min_km=0.1)
    plots = watch(sensor, NOBODY, np.arange(0.0, 30.1, 0.5))
    assert len(plots) >= 3
    for row in range(len(plots)):
        place, velocity = sensor.discretes.at(plots.time_s[row])
        away = place - sensor.origin_enu_m
        range_m = np.linalg.norm(away, axis=1)
        nearest = np.argmin(np.abs(range_m - plots.measurement[row, 0]))
        rate = float(velocity[nearest] @ away[nearest] / range_m[nearest])
        assert abs(plots.measurement[row, 3] - rate) < 5 * plots.sigma[row, 3] + 1.0


def test_flashes_of_blades_count_the_time_of_a_dwell() -> None:
    short, long = (
        over_land({"wind_farms": [FARM]}, search_dwell_ms=dwell).discretes.flash_share
        for dwell in (3, 9)
    )
    assert (long > short).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frame_s": 2}, "a search of 2400 beams of 9 ms on 3 faces takes 7.58 s, longer than"),
        ({"dimensions": 2, "elevation_pattern": "fan"}, "measures elevation"),
        ({"preset": "multifunction"}, "did you mean 'multi-function'"),
        ({"track_s": 0}, "track_s"),
    ],
)
def test_messages_of_broken_specifications(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        radar(**changes)
