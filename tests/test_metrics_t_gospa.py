"""T-GOSPA by hand, against all sequences of assignments, its relaxation and the axioms."""

from __future__ import annotations

import numpy as np
import pytest
import twins_metrics as twins
from hypothesis import given, settings
from hypothesis import strategies as st
from metrics_trajectories import crowd, formation, lines, small_sets

from sim.metrics.pair_gains import States
from sim.metrics.sets import set_distances
from sim.metrics.t_gospa import TGospa, t_gospa
from sim.metrics.t_gospa_lp import t_gospa_relaxed
from sim.metrics.trajectories import Trajectories

NAN = np.nan
C = 50.0
NOTHING = lines(np.empty((0, 4)))
orders = st.sampled_from([1.0, 2.0])
penalties = st.sampled_from([5.0, 30.0, 60.0])


def parts(found: TGospa) -> tuple[float, float, float, float]:
    return found.localisation, found.missed, found.false, found.switch


def test_parts_by_hand() -> None:
    truth = lines([[0, 0, 0, 0, 0, 0]])
    tracks = lines([[3, 3, 3, NAN, NAN, NAN], [NAN, NAN, NAN, NAN, 4, 4]])
    found = t_gospa(truth, tracks, C, 20.0)
    # One step without a track, and one change of the number in full.
    assert parts(found) == pytest.approx((3 * 9 + 2 * 16, 2500 / 2, 0, 400))
    assert (found.missed_targets, found.false_tracks, found.switches) == (1, 0, 1)
    assert found.distance == pytest.approx(np.sqrt(sum(parts(found))))
    assert found.exact
    assert found.lower_bound == found.distance


def test_a_swap_costs_two_switches() -> None:
    truth = lines([[0, 0, 0, 0], [40, 40, 40, 40]])
    swapped = lines([[0, 0, 40, 40], [40, 40, 0, 0]])
    assert parts(t_gospa(truth, swapped, C, 10.0)) == pytest.approx((0, 0, 0, 200))
    # With dear switches it is better to stay on the wrong track for a while.
    assert parts(t_gospa(truth, swapped, C, 100.0)) == pytest.approx((4 * 1600, 0, 0, 0))


def test_an_early_end_is_half_a_switch_only_if_another_needs_the_track() -> None:
    alone = t_gospa(lines([[0, 0, NAN, NAN]]), lines([[0, 0, 1000, 1000]]), C, 10.0)
    assert parts(alone) == pytest.approx((0, 0, 2500, 0))
    handed_on = t_gospa(
        lines([[0, 0, NAN, NAN], [NAN, NAN, 1000, 1000]]), lines([[0, 0, 1000, 1000]]), C, 10.0
    )
    assert parts(handed_on) == pytest.approx((0, 0, 0, 100))
    assert handed_on.switches == 1


def test_nothing() -> None:
    some = lines([[0.0, 0, 0, 0]])
    assert t_gospa(NOTHING, NOTHING, C, 10.0).distance == 0.0
    assert parts(t_gospa(some, NOTHING, C, 10.0)) == (0, 5000, 0, 0)
    assert parts(t_gospa(NOTHING, some, C, 10.0)) == (0, 0, 5000, 0)
    assert parts(t_gospa(some, lines([[900.0] * 4]), C, 10.0)) == (0, 5000, 5000, 0)


def test_refuses_senseless_parameters() -> None:
    for metric in (t_gospa, t_gospa_relaxed):
        with pytest.raises(ValueError, match="penalty"):
            metric(NOTHING, NOTHING, C, 0.0)
        with pytest.raises(ValueError, match="cutoff"):
            metric(NOTHING, NOTHING, -1.0, 1.0)


def test_states_are_all_matchings() -> None:
    target, track = np.repeat([0, 1, 2], 3), np.tile([0, 1, 2], 3)
    states = States.of(target, track, 34)
    assert states is not None
    assert len(states.member) == 1 + 9 + 18 + 6
    assert not states.member[0].any()
    size = states.member.sum(axis=1)
    assert (np.diff(size) >= 0).all()
    for state, pairs in enumerate(states.member):
        for end in range(states.sub_start[state], states.sub_start[state + 1]):
            less = pairs.copy()
            less[states.sub_pair[end]] = False
            assert (states.member[states.sub_state[end]] == less).all()
    assert States.of(target, track, 33) is None


@settings(deadline=None)
@given(small_sets, small_sets, penalties, orders)
def test_all_sequences_twin(x: Trajectories, y: Trajectories, switch: float, p: float) -> None:
    expected = twins.t_gospa(x, y, C, p, switch)
    found = t_gospa(x, y, C, switch, p)
    assert found.exact
    assert found.distance**p == pytest.approx(expected, abs=1e-5)
    assert sum(parts(found)) == pytest.approx(expected, abs=1e-5)


@settings(deadline=None)
@given(small_sets, small_sets, penalties, orders)
def test_bounds_hold_when_choosing_together_is_forbidden(
    x: Trajectories, y: Trajectories, switch: float, p: float
) -> None:
    expected = twins.t_gospa(x, y, C, p, switch)
    found = t_gospa(x, y, C, switch, p, max_states=1)
    assert found.lower_bound**p <= expected + 1e-5
    assert found.distance**p >= expected - 1e-5
    if found.exact:
        assert found.distance**p == pytest.approx(expected, abs=1e-5)


@settings(deadline=None, max_examples=40)
@given(small_sets, small_sets, penalties, orders)
def test_relaxation(x: Trajectories, y: Trajectories, switch: float, p: float) -> None:
    relaxed, found = t_gospa_relaxed(x, y, C, switch, p), t_gospa(x, y, C, switch, p)
    assert relaxed.distance**p <= found.distance**p + 1e-4
    if relaxed.exact:
        assert relaxed.distance**p == pytest.approx(found.distance**p, abs=1e-3)


@settings(deadline=None, max_examples=40)
@given(small_sets, small_sets, small_sets, orders)
def test_axioms(x: Trajectories, y: Trajectories, z: Trajectories, p: float) -> None:
    for metric in (t_gospa, t_gospa_relaxed):

        def d(a: Trajectories, b: Trajectories) -> float:
            return metric(a, b, C, 30.0, p).distance  # noqa: B023

        assert d(x, x) == pytest.approx(0.0, abs=1e-3)
        assert d(x, y) == pytest.approx(d(y, x), abs=1e-3)
        assert d(x, y) <= d(x, z) + d(z, y) + 1e-3


def test_cheap_switches_make_gospa_of_every_step() -> None:
    x, y = crowd(12, 40, 3e3, seed=4, untracked=0.3)
    each = set_distances(x.position, y.position, x.start, y.start, 1000.0)
    found = t_gospa(x, y, 1000.0, 1e-3)
    assert found.distance**2 == pytest.approx((each.gospa_m**2).sum())


def test_contested_tracks_are_settled_by_price() -> None:
    """Untracked targets amid tracked ones want tracks that are not theirs, to no avail."""
    x, y = crowd(40, 60, 3e3, seed=5, untracked=0.3)
    found = t_gospa(x, y, 1000.0, 1000.0)
    relaxed = t_gospa_relaxed(x, y, 1000.0, 1000.0)
    assert found.lower_bound <= relaxed.distance * (1 + 1e-9)
    assert relaxed.distance <= found.distance * (1 + 1e-9)
    assert found.exact


def test_formation_too_tight_to_choose_together_is_bounded() -> None:
    x, y = formation(18, 200, seed=7)
    found = t_gospa(x, y, 1000.0, 1000.0, max_states=50)
    assert not found.exact
    assert found.lower_bound < found.distance < 1.1 * found.lower_bound
    assert sum(parts(found)) == pytest.approx(found.distance**2)
    better = t_gospa(x, y, 1000.0, 1000.0)
    assert found.lower_bound <= better.distance
    assert better.lower_bound <= found.distance


@pytest.mark.slow
def test_a_thousand_targets_over_a_thousand_steps_are_exact() -> None:
    x, y = crowd(1000, 1000, 1e5, seed=6)
    found = t_gospa(x, y, 1000.0, 1000.0)
    assert found.exact
    each = set_distances(x.position, y.position, x.start, y.start, 1000.0)
    # A switch can only cost more than GOSPA of every step by itself.
    assert found.distance**2 >= (each.gospa_m**2).sum() * (1 - 1e-12)
    assert sum(parts(found)[:3]) <= found.distance**2
