"""Crossings of a line, losses, weak places, and the ways of who knows the sensors."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from coverage_scenarios import TEXT, stage_of

from sensors.sight import Sight
from sim.core.tables import Floats
from sim.coverage.analysis import LineCoverage, cover_line, lines_of, rule_of
from sim.coverage.barrier import open_path
from sim.coverage.confirmation import confirmed_after
from sim.coverage.costs import cost_of_sensor, cost_of_site, in_words
from sim.coverage.line import LOSSES
from sim.coverage.stage import Stage
from sim.coverage.straight import crossings
from sim.coverage.volume import Volume
from sim.coverage.weak_places import WeakPlace
from sim.coverage.weak_places import in_words as told
from sim.tracking.config import TrackerConfig


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Stage, Volume, LineCoverage]:
    stage = stage_of(tmp_path_factory.mktemp("line"))
    kept: list[Volume] = []
    (found,) = cover_line(stage, lines_of(stage.spec)[0], lambda volume, _: kept.append(volume))
    return stage, kept[0], found


def flown(rate: Floats, look_s: Floats, cell_m: float, speed_mps: float) -> Floats:
    """Return the confirmation probability after each look down one column, slowly."""
    pd, way_m = [], 0.5 * look_s[0] * speed_mps
    while way_m < rate.size * cell_m:
        row = int(way_m / cell_m)
        pd.append(1.0 - np.exp(-rate[row] * look_s[row]))
        way_m += look_s[row] * speed_mps
    return confirmed_after(np.array(pd), 3, 5)


def test_crossings_look_by_look() -> None:
    rng = np.random.default_rng(4)
    rate = rng.uniform(0.0, 0.4, (12, 7)).astype(np.float32)
    look_s = rng.choice([1.0, 2.0, 3.0], (12, 7)).astype(np.float32)
    tracked, warning_s = crossings(
        rate, look_s, cell_m=100.0, speed_mps=40.0, hits=3, looks=5, required=0.8
    )
    for column in range(7):
        chain = flown(rate[:, column].astype(float), look_s[:, column], 100.0, 40.0)
        assert tracked[column] == pytest.approx(chain[-1], abs=2e-5)
        if chain[-1] < 0.8:
            assert np.isnan(warning_s[column])
        else:
            assert 0.0 < warning_s[column] <= 30.0
    assert np.isnan(warning_s).any()
    assert np.isfinite(warning_s).any()


def test_nothing_seen_is_nothing_tracked() -> None:
    blind, looks = np.zeros((5, 3), np.float32), np.ones((5, 3), np.float32)
    tracked, warning_s = crossings(
        blind, looks, cell_m=100.0, speed_mps=20.0, hits=2, looks=3, required=0.5
    )
    assert not tracked.any()
    assert np.isnan(warning_s).all()


def test_losses_only_hurt(computed: tuple[Stage, Volume, LineCoverage]) -> None:
    _, _, found = computed
    flown_ = found.straight
    assert len(flown_.after_loss) == len(LOSSES)
    assert (flown_.after_loss[0] <= flown_.tracked).all()
    assert (np.diff(flown_.after_loss, axis=0) <= 1e-9).all()
    assert (flown_.after_loss[0] < flown_.tracked - 0.05).any()
    assert (flown_.uncued <= flown_.tracked).all()
    assert ((flown_.seen >= 0.0) & (flown_.seen <= 1.0)).all()


def test_loss_is_a_scenario_without_that_sensor(
    computed: tuple[Stage, Volume, LineCoverage], tmp_path: Path
) -> None:
    _, _, found = computed
    lines = TEXT.splitlines()
    at = next(row for row, line in enumerate(lines) if "radar-hill" in line)
    without = stage_of(tmp_path, "\n".join(lines[:at] + lines[at + 1 :]))
    (left,) = cover_line(without, lines_of(without.spec)[0], lambda volume, condition: None)
    number = found.sensors.index("radar-hill")
    its = found.straight.lost[0] == number
    assert its.any()
    np.testing.assert_allclose(
        found.straight.after_loss[0][its],
        np.minimum(left.straight.tracked, found.straight.tracked)[its],
        atol=0.02,  # the tracker's pace is kept, and cued cameras are led as before
    )


def test_weakest_way_is_no_stronger_than_straight(
    computed: tuple[Stage, Volume, LineCoverage],
) -> None:
    _, volume, found = computed
    for h, k in product(range(2), range(2)):
        way = found.weakest[h, k]
        assert way.seen <= found.straight.seen[h, k].min() + 0.02
        assert way.seen == pytest.approx(way.arrival.min(), abs=1e-9)
        assert way.length_m >= 7.4e3
        assert way.latitude_deg[0] < way.latitude_deg[-1]
        assert 0.0 <= way.tracked <= way.seen + 1e-6
    assert found.breach_m > 100.0
    assert volume.grid.kind == "band"


def test_barrier_says_whose_failure_opens_the_line(
    computed: tuple[Stage, Volume, LineCoverage],
) -> None:
    _, volume, found = computed
    for case, barrier in found.barriers.items():
        assert barrier.at_least == barrier.at_most == len(barrier.failing)
        left = np.zeros(volume.grid.ground_m.size, bool)
        for one in volume.looks:
            if not (one.cued or one.sensor in barrier.failing):
                got = one.by[case]
                left[got.cell[got.pd[0] >= 0.5]] = True
        assert open_path(left.reshape(volume.grid.shape)) is not None
        assert 0.0 <= barrier.km <= found.along_km[-1] + 0.5


def test_covered_length_gaps_and_cost(computed: tuple[Stage, Volume, LineCoverage]) -> None:
    stage, _, found = computed
    length_km = found.along_km.size * 0.5
    for case in product(range(2), range(2)):
        gaps = float((found.gaps_km[case].end_km - found.gaps_km[case].start_km).sum())
        assert found.covered_km[case] + gaps == pytest.approx(length_km)
        low, high = found.cost_per_km_keur(*case)
        assert low < high
    low, high = found.cost_keur
    each = [cost_of_site(site) for site in stage.spec.sites]
    assert (low, high) == (sum(a for a, _ in each), sum(b for _, b in each))


def test_weak_places_are_weak_and_told(computed: tuple[Stage, Volume, LineCoverage]) -> None:
    stage, _, found = computed
    places = found.weak_places
    assert len(places) == 3
    assert [p.weakness for p in places] == sorted((p.weakness for p in places), reverse=True)
    for one, other in product(places, places):
        assert one is other or abs(one.km - other.km) >= 4.0
    for place in places:
        column = int(np.abs(found.along_km - place.km).argmin())
        assert place.tracked == pytest.approx(found.straight.tracked[..., column].min(), abs=1e-6)
        words = told(place, stage.spec.coverage.required)
        assert f"kilometre {place.km:.0f}" in words
        assert place.target_class in words
        assert all(0.0 < share <= 1.0 for _, _, share in place.why)
    mended = [place.mend for place in places if place.mend is not None]
    assert mended
    assert any(mend.enough for mend in mended)
    for mend in mended:
        assert mend.tracked > mend.before
        assert mend.enough == (mend.tracked >= stage.spec.coverage.required)


def test_candidates_are_what_may_be_bought(tmp_path: Path) -> None:
    text = TEXT + (
        "  candidates:\n"
        "    - id: new-mast\n"
        "      cost_keur: [200, 500]\n"
        "      position: {latitude_deg: 53.02, longitude_deg: 22.19, height_agl_m: 15}\n"
        "      sensors: [{kind: radar, preset: drone-radar, id: radar-new}]\n"
    )
    stage = stage_of(tmp_path, text)
    (found,) = cover_line(stage, lines_of(stage.spec)[0], lambda volume, condition: None)
    assert "radar-new" not in found.sensors[: len(stage.spec.sites)]
    near = {
        place.mend.what: place.mend.cost_keur
        for place in found.weak_places
        if place.mend is not None and abs(place.longitude_deg - 22.19) < 0.09
    }
    assert near == {"candidate new-mast": (200.0, 500.0)}


def test_candidates_far_away_leave_what_there_is_to_buy(tmp_path: Path) -> None:
    text = TEXT + (
        "  candidates:\n"
        "    - id: far-node\n"
        "      position: {latitude_deg: 53.10, longitude_deg: 21.90, height_agl_m: 5}\n"
        "      sensors: [{kind: acoustic, preset: acoustic-node, id: ears-far, range_max_km: 1}]\n"
    )
    stage = stage_of(tmp_path, text)
    (found,) = cover_line(stage, lines_of(stage.spec)[0], lambda volume, condition: None)
    mends = [place.mend.what for place in found.weak_places if place.mend is not None]
    assert mends
    assert all(" more " in what for what in mends)


def test_maps_serve_all_conditions_and_weak_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: Counter[tuple[bytes, float]] = Counter()
    mapped = Sight._mapped

    def counted(surroundings: Any, relief: Any, place: Floats, reach_m: float) -> Sight:
        made[place.tobytes(), reach_m] += 1
        return mapped(surroundings, relief, place, reach_m)

    monkeypatch.setattr(Sight, "_mapped", counted)
    text = TEXT + "  conditions: [{id: dry}, {id: rain, rain_mm_per_h: 20}]\n"
    stage = stage_of(tmp_path, text)
    dry, rain = cover_line(stage, lines_of(stage.spec)[0], lambda volume, condition: None)
    assert (dry.condition, rain.condition) == ("dry", "rain")
    assert rain.covered_km.sum() <= dry.covered_km.sum()
    assert len(made) > len(stage.sensors)
    assert set(made.values()) == {1}


def test_costs_are_ranges(computed: tuple[Stage, Volume, LineCoverage]) -> None:
    stage, _, _ = computed
    for one in stage.sensors:
        low, high = cost_of_sensor(one.spec)
        assert 0.0 < low < high
    assert in_words((0.4, 1.2)) == "0.4 to 1.2 thousand euros"
    assert in_words((800.0, 2500.0)) == "0.8 to 2.5 million euros"


def test_rule_of_the_tracker() -> None:
    counted = rule_of(TrackerConfig(confirm_hits=2, confirm_looks=4))
    assert (counted.hits, counted.looks) == (2, 4)
    believed = rule_of(TrackerConfig(filter="imm", association="jipda"))
    assert believed.hits <= believed.looks


def test_no_weak_place_tells_of_what_is_not_there(
    computed: tuple[Stage, Volume, LineCoverage],
) -> None:
    _, _, found = computed
    kinds = {kind for place in found.weak_places for kind, _, _ in place.why}
    assert kinds <= {"acoustic", "radar", "rf-direction-finder", "infrared"}
    assert all(isinstance(place, WeakPlace) for place in found.weak_places)


def test_where_all_is_tracked_nothing_is_to_be_mended() -> None:
    sure = WeakPlace(
        km=3.0,
        latitude_deg=53.0,
        longitude_deg=22.0,
        height_agl_m=300.0,
        target_class="mini-drone",
        tracked=1.0,
        tracked_after_loss=0.4,
        nearest=("radar-hill", 2.0),
        why=(),
        mend=None,
        weakness=0.0,
    )
    assert "nothing is to be mended" in told(sure, 0.9)
    assert "would help" not in told(sure, 0.9)
    assert "Nothing that was tried would help" in told(replace(sure, tracked=0.2), 0.9)
