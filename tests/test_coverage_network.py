"""A network over a grid against sensors asked one by one."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from coverage_scenarios import TEXT, stage_of

from sim.core.tables import Floats, Visibility
from sim.coverage.analysis import cover_line, lines_of
from sim.coverage.fusing import PD_MAX
from sim.coverage.grid import Grid, band
from sim.coverage.looks import cells_in_reach, velocity_of
from sim.coverage.network import _some, compute
from sim.coverage.probes import ProbeKind
from sim.coverage.stage import Stage, locates
from sim.coverage.volume import Volume
from sim.scenario.coverage_spec import Condition
from sim.world.course import course_of

DRY = Condition(id="dry")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return stage_of(tmp_path_factory.mktemp("network"))


def band_of(stage: Stage) -> Grid:
    (line,) = lines_of(stage.spec)
    vertices = [(place.latitude_deg, place.longitude_deg) for place in line.path]
    course = course_of(vertices, line.threat_from, 8e3, stage.spec.coverage.cell_m)
    return band(stage.surroundings, course, 8e3, 0, len(course))


def volume_of(stage: Stage, headings: int = 1, threads: int = 1, **more: bool) -> Volume:
    spec = stage.spec.coverage
    return compute(
        stage,
        band_of(stage),
        DRY,
        heights_agl_m=spec.heights_agl_m,
        classes=spec.classes,
        headings=headings,
        threads=threads,
        **more,
    )


@pytest.fixture(scope="module")
def volume(stage: Stage) -> Volume:
    return volume_of(stage, keep_looks=True)


def asked(stage: Stage, grid: Grid, h: float, name: str) -> dict[str, tuple[Floats, bool, float]]:
    """Ask every sensor about every cell: its detection probability, if it places, its period."""
    kind = ProbeKind.of(name, stage.targets, DRY)  # type: ignore[arg-type]
    axes = grid.axes.reshape(-1, 3, 3)
    probes = kind.at(grid.ground_enu_m.reshape(-1, 3) + h * axes[:, :, 2])
    truth = probes.truth_of(
        stage.time_s, velocity_of(axes, grid.inward_rad.ravel(), kind.speed_mps)
    )
    found = {}
    for placed in stage.sensors:
        (sensor,) = placed.build(0, stage.surroundings)
        pd, _ = sensor.visibility(probes, truth)
        found[placed.id] = np.minimum(pd, PD_MAX), locates(sensor), sensor.period_s
    return found


@pytest.mark.parametrize("h", [0, 1])
@pytest.mark.parametrize("k", [0, 1])
def test_equals_sensors_asked_one_by_one(stage: Stage, volume: Volume, h: int, k: int) -> None:
    grid, spec = volume.grid, stage.spec.coverage
    seen = asked(stage, grid, spec.heights_agl_m[h], spec.classes[k])
    site_of = {one.id: one.site for one in stage.sensors}
    cued = {one.id for one in stage.sensors if one.cued}
    rate = np.zeros(grid.ground_m.size)
    for name, (pd, places, period_s) in seen.items():
        if places and name not in cued:
            rate += -np.log1p(-pd) / period_s
    sites = sorted({site_of[name] for name, (_, places, _) in seen.items() if not places})
    miss = {site: np.ones(grid.ground_m.size) for site in sites}
    weight, period = np.zeros(grid.ground_m.size), np.zeros(grid.ground_m.size)
    for name, (pd, places, period_s) in seen.items():
        if not places and name not in cued:
            miss[site_of[name]] *= 1.0 - pd
            weight += pd
            period += pd * period_s
    none = np.prod(list(miss.values()), axis=0)
    one = sum(
        (1.0 - miss[site]) * np.prod([miss[o] for o in sites if o != site], axis=0)
        for site in sites
    )
    two = np.clip(1.0 - none - one, 0.0, PD_MAX)
    with np.errstate(invalid="ignore", divide="ignore"):
        pairs = np.where(weight > 0, -np.log1p(-two) * weight / period, 0.0)
    expected = (rate + pairs).reshape(grid.shape)
    assert expected.max() > 0.05
    np.testing.assert_allclose(volume.uncued_per_s[h, k], expected, rtol=2e-3, atol=2e-5)
    assert (volume.inward_per_s[h, k] >= volume.uncued_per_s[h, k] - 1e-6).all()


def test_counts(stage: Stage, volume: Volume) -> None:
    spec = stage.spec.coverage
    for h, k in ((0, 0), (1, 1)):
        seen = asked(stage, volume.grid, spec.heights_agl_m[h], spec.classes[k])
        alone = [pd for name, (pd, _, _) in seen.items() if name != "thermal-hill"]
        count = sum((pd >= 0.5).astype(int) for pd in alone).reshape(volume.grid.shape)
        more = volume.seen_by[h, k].astype(int) - count
        assert ((more == 0) | (more == 1)).all()  # the camera, where it is pointed
        rates = {name: -np.log1p(-pd) / s for name, (pd, _, s) in seen.items()}
        most = np.max([rate for name, rate in rates.items() if name != "thermal-hill"], axis=0)
        told = volume.best[h, k].ravel()
        for number, name in enumerate(volume.sensors):
            if name != "thermal-hill":
                its = told == number
                np.testing.assert_allclose(rates[name][its], most[its], rtol=1e-3)
        assert (told[most > 1e-3] >= 0).all()


def test_headings_leave_inwards_as_it_is(stage: Stage, volume: Volume) -> None:
    several = volume_of(stage, headings=4)
    np.testing.assert_array_equal(several.inward_per_s, volume.inward_per_s)
    assert several.rate_per_s(0, 0).shape == (4, *volume.grid.shape)
    assert np.ptp(several.rate_per_s(0, 0), axis=0).max() > 0.0  # Doppler tells headings apart


def test_threads_change_nothing(stage: Stage, volume: Volume) -> None:
    again = volume_of(stage, threads=3)
    for name in ("inward_per_s", "uncued_per_s", "look_s", "pd", "seen_by", "best"):
        np.testing.assert_array_equal(getattr(again, name), getattr(volume, name))


def test_a_sensor_more_never_lowers_cover(tmp_path: Path, stage: Stage, volume: Volume) -> None:
    lines = TEXT.splitlines()
    at = lines.index("  - id: east")
    fewer = stage_of(tmp_path, "\n".join(lines[:at] + lines[at + 3 :]))
    assert len(fewer.sensors) == len(stage.sensors) - 1
    less = volume_of(fewer)
    assert (volume.inward_per_s >= less.inward_per_s * (1 - 1e-5)).all()
    assert (volume.pd >= less.pd - 1e-6).all()
    assert (volume.inward_per_s > less.inward_per_s + 1e-3).any()


def test_lower_is_never_less_hidden(stage: Stage) -> None:
    grid = band_of(stage)
    (sensor,) = stage.sensors[2].build(0, stage.surroundings)
    kind = ProbeKind.of("mini-drone", stage.targets, DRY)
    hidden = []
    for height_m in (10.0, 30.0, 100.0, 300.0):
        axes = grid.axes.reshape(-1, 3, 3)
        probes = kind.at(grid.ground_enu_m.reshape(-1, 3) + height_m * axes[:, :, 2])
        _, code = sensor.visibility(probes, probes.truth_of(0.0, np.zeros((len(axes), 3))))
        code = code[probes.own :]
        hidden.append((code == Visibility.MASKED) | (code == Visibility.BELOW_HORIZON))
    assert hidden[0].any()
    for low, high in combinations(hidden, 2):
        assert (high <= low).all()


def test_pointed_sensors_see_nothing_alone(tmp_path: Path) -> None:
    text = TEXT[: TEXT.index("  - id: west")] + (
        "  - id: hill\n"
        "    position: {latitude_deg: 53.05, longitude_deg: 22.10, height_agl_m: 15}\n"
        "    sensors: [{kind: infrared, preset: cooled-medium-wave, id: t, cued_by: picture}]\n"
    )
    alone = volume_of(stage_of(tmp_path, text + TEXT[TEXT.index("protect:") :]))
    assert not alone.inward_per_s.any()
    assert not alone.seen_by.any()


def test_rain_and_darkness_of_a_condition(stage: Stage, volume: Volume) -> None:
    wet = compute(
        stage,
        band_of(stage),
        Condition(id="wet", rain_mm_per_h=60),
        heights_agl_m=[300.0],
        classes=["one-way-attack-drone"],
        headings=1,
        threads=1,
    )
    assert wet.uncued_per_s[0, 0].sum() < volume.uncued_per_s[1, 1].sum()


def test_parts_of_a_line_are_the_whole(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    (line,) = lines_of(stage.spec)
    (whole,) = cover_line(stage, line, lambda volume, condition: None)
    monkeypatch.setattr("sim.coverage.analysis.PART_KM", 4.0)
    parts: list[int] = []
    (cut,) = cover_line(stage, line, lambda volume, _: parts.append(volume.grid.shape[1]))
    assert len(parts) > 2
    np.testing.assert_allclose(cut.straight.tracked, whole.straight.tracked, atol=1e-6)
    np.testing.assert_array_equal(cut.straight.lost, whole.straight.lost)
    np.testing.assert_array_equal(cut.along_km, whole.along_km)
    assert cut.covered_km.tolist() == whole.covered_km.tolist()


@pytest.mark.parametrize("reach_m", [10.0, 3e3, 12e3, np.inf])
def test_cells_in_reach_are_all_that_are_near(stage: Stage, reach_m: float) -> None:
    grid = band_of(stage)
    for placed in stage.sensors:
        sensor = SimpleNamespace(origin_enu_m=placed.position_enu_m, range_max_m=reach_m)
        apart_m = np.linalg.norm(grid.ground_enu_m - sensor.origin_enu_m, axis=-1)
        wanted = np.flatnonzero(apart_m <= reach_m)
        np.testing.assert_array_equal(cells_in_reach(grid, sensor), wanted)  # type: ignore[arg-type]


@pytest.mark.parametrize("cell_m", [100.0, 700.0, 2500.0])
def test_no_sensor_in_reach_is_left_out(stage: Stage, cell_m: float) -> None:
    course = course_of([(53.0, 21.9), (53.0, 22.3)], "right", 7.5e3, cell_m)
    grid = band(stage.surroundings, course, 7.5e3, 0, len(course))
    places, off_m = _some(grid)
    for placed in stage.sensors:
        for share in (0.0, 0.31, 0.77, 1.0):
            column = int(share * (grid.shape[1] - 1))
            near = replace(placed, position_enu_m=grid.ground_enu_m[grid.shape[0] // 2, column])
            assert near.may_see(places, off_m)
        nearest = np.linalg.norm(grid.ground_enu_m[..., None, :] - places, axis=-1).min(axis=-1)
        assert nearest.max() <= off_m
