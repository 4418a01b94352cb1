"""Tracks of several sites become one picture: paired, fused, never counted twice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2
from twins_fusion import Site, Sky, dense_pairs, dense_squared, fused, intersect, moved

from sim.core.intersection import intersect as intersect_compiled
from sim.core.jit import threads_for
from sim.core.tables import Tracks, TrackStatus
from sim.tracking.estimates import Estimates
from sim.tracking.fusion import FusionSettings, TrackFusion, side_by_side
from sim.tracking.fusion_kernels import near_pairs, squared_distances

Q = (4.0, 0.5)
SETTINGS = FusionSettings(noise_m2ps3=Q)


def random_covariances(n: int, rng: np.random.Generator, dimension: int = 6) -> np.ndarray:
    root = rng.normal(size=(n, dimension, dimension)) * np.exp(rng.normal(0, 2, (n, 1, dimension)))
    return root @ root.transpose(0, 2, 1) + 0.01 * np.eye(dimension)


def estimates(
    time_s: float,
    position: list[list[float]],
    number: list[int],
    sigma_m: float = 50.0,
    velocity: tuple[float, float, float] = (100.0, 0.0, 0.0),
) -> Estimates:
    n = len(number)
    return Estimates(
        time_s=time_s,
        number=np.array(number, np.int32),
        mean=np.hstack([np.array(position, float).reshape(n, 3), np.tile(velocity, (n, 1))]),
        covariance=np.tile(np.diag([sigma_m**2] * 3 + [5.0**2] * 3), (n, 1, 1)),
        last_plot_s=np.full(n, time_s),
        hits=np.full(n, 3, np.int32),
        sensors=np.full(n, 1, np.uint64),
        replies=np.tile(np.array([1, 2, 0], np.int32), (n, 1)),
        status=np.full(n, TrackStatus.CONFIRMED, np.uint8),
    )


# --- covariance intersection


def test_intersection_gives_the_published_numbers() -> None:
    P2 = np.array([[2.0, -0.8], [-0.8, 1.0]])
    x, P, omega = intersect_compiled(
        np.array([1.0, -2.0]), np.diag([3.0, 0.4]), np.array([-2.0, -1.0]), P2
    )
    assert omega == pytest.approx(0.564516, abs=5e-7)
    assert x == pytest.approx([-0.445155, -1.881992], abs=5e-7)
    assert np.linalg.det(P) == pytest.approx(1.023094, abs=5e-7)


@pytest.mark.parametrize("n", [1, 2, 3, 6])
def test_intersection_equals_a_search_of_the_weight(n: int) -> None:
    rng = np.random.default_rng(n)
    inner = 0
    for P1, P2 in zip(
        random_covariances(30, rng, n), random_covariances(30, rng, n), strict=True
    ):  # fmt: skip
        x1, x2 = rng.normal(size=n), rng.normal(size=n)
        x, P, omega = intersect_compiled(x1, P1, x2, P2)
        _, expected_P, expected_omega = intersect(x1, P1, x2, P2)
        assert np.linalg.slogdet(P)[1] <= np.linalg.slogdet(expected_P)[1] + 1e-6
        assert omega == pytest.approx(expected_omega, abs=1e-5)
        information = omega * np.linalg.inv(P1) + (1 - omega) * np.linalg.inv(P2)
        np.testing.assert_allclose(P @ information, np.eye(n), atol=1e-6)
        push = omega * np.linalg.solve(P1, x1) + (1 - omega) * np.linalg.solve(P2, x2)
        np.testing.assert_allclose(information @ x, push, rtol=1e-6, atol=1e-8)
        inner += 0 < omega < 1
    assert inner > 10 or n == 1


def test_intersection_takes_the_better_one_whole_and_leaves_its_arguments() -> None:
    x, good, poor = np.arange(6.0), np.eye(6), 4.0 * np.eye(6)
    assert intersect_compiled(x, good, x + 1, poor)[2] == 1.0
    fused_x, P, omega = intersect_compiled(x, poor, x + 1, good)
    assert omega == 0.0
    np.testing.assert_array_equal(fused_x, x + 1)
    np.testing.assert_array_equal(P, good)
    np.testing.assert_array_equal(poor, 4.0 * np.eye(6))


def test_intersection_of_very_unlike_covariances() -> None:
    P1 = np.diag([1e-2, 1e8, 1.0, 1e-4, 1e6, 1.0])
    P2 = np.diag([1e8, 1e-2, 1.0, 1e6, 1e-4, 1.0])
    x, _, omega = intersect_compiled(np.zeros(6), P1, np.ones(6), P2)
    assert omega == pytest.approx(0.5)
    np.testing.assert_allclose(x, [0, 1, 0.5, 0, 1, 0.5], atol=1e-6)


def test_intersection_refuses_what_is_no_covariance() -> None:
    with pytest.raises(ValueError, match="positive definite"):
        intersect_compiled(np.zeros(2), np.diag([1.0, -1.0]), np.zeros(2), np.eye(2))
    with pytest.raises(ValueError, match="positive definite"):
        intersect_compiled(np.zeros(2), np.eye(2), np.zeros(2), np.full((2, 2), np.nan))
    with pytest.raises(ValueError, match="dimension 2"):
        intersect_compiled(np.zeros(2), np.eye(2), np.zeros(3), np.eye(3))


# --- reports and pairs


def test_a_report_moves_in_time_like_its_twin() -> None:
    rng = np.random.default_rng(1)
    report = replace(
        estimates(10.0, rng.normal(size=(5, 3)).tolist(), [1, 2, 3, 4, 5]),
        covariance=random_covariances(5, rng),
    )
    for time_s in (10.0, 13.5, 6.0):
        there = report.at(time_s, Q)
        for i in range(5):
            x, P = moved(report.mean[i], report.covariance[i], time_s - 10.0, Q)
            np.testing.assert_allclose(there.mean[i], x)
            np.testing.assert_allclose(there.covariance[i], P, rtol=1e-9, atol=1e-9)
    assert len(Estimates.empty().at(5.0, Q)) == 0
    picture = report.as_tracks()
    np.testing.assert_array_equal(picture.position_enu_m, report.mean[:, :3])
    np.testing.assert_array_equal(picture.position_covariance_m2, report.covariance[:, :3, :3])


@pytest.mark.parametrize(("n", "m"), [(40, 60), (0, 5), (5, 0)])
def test_near_pairs_are_those_of_a_dense_search(n: int, m: int) -> None:
    rng = np.random.default_rng(2)
    x1, x2 = rng.normal(0, 3, (n, 6)), rng.normal(0, 3, (m, 6))
    P1, P2 = random_covariances(n, rng), random_covariances(m, rng)
    if n and m:
        x1[3, 0] = np.nan
        P2[7] = np.nan
    start, other, squared = near_pairs(x1, P1, x2, P2, np.argsort(x2[:, 0]), 12.0)
    found = set(zip(np.repeat(np.arange(n), np.diff(start)).tolist(), other.tolist(), strict=True))
    dense = dense_squared(x1, P1, x2, P2)
    assert found == {(int(i), int(j)) for i, j in np.argwhere(dense <= 12.0)}
    for (i, j), value in zip(
        zip(np.repeat(np.arange(n), np.diff(start)), other, strict=True), squared, strict=True
    ):
        assert value == pytest.approx(dense[i, j])
    k = min(n, m)
    np.testing.assert_allclose(
        squared_distances(x1[:k], P1[:k], x2[:k], P2[:k]), np.diag(dense), rtol=1e-8
    )


def test_crowded_tracks_are_paired_optimally() -> None:
    rng = np.random.default_rng(3)
    place = rng.uniform(0, 1500, (40, 3))
    first = estimates(0.0, place.tolist(), list(range(1, 41)), sigma_m=150.0)
    seen = place[:35] + rng.normal(0, 150, (35, 3))
    second = estimates(0.0, seen.tolist(), list(range(101, 136)), sigma_m=150.0)
    fusion = TrackFusion(2, SETTINGS)
    fusion.receive(0, first)
    fusion.receive(1, second)
    squared = dense_squared(second.mean, second.covariance, first.mean, first.covariance)
    gate = chi2.ppf(SETTINGS.pair_probability, 6)
    expected = dense_pairs(squared, gate)
    assert len(expected) > 30
    for row, column in expected.items():
        assert fusion.members(column + 1) == {0: column + 1, 1: row + 101}


def test_the_picture_is_every_sites_latest_report_fused_once() -> None:
    rng = np.random.default_rng(4)
    sky = Sky(12, Q, rng)
    sites = [Site(12, sigma, Q, rng) for sigma in ((40, 300, 60), (300, 40, 90), (90, 90, 20))]
    fusion = TrackFusion(3, SETTINGS)
    t = 0.0
    for turn in range(12):
        for k, site in enumerate(sites):
            t += 1.0
            site.see(sky.to(t), t)
            if turn > 4:
                fusion.receive(k, site.report())
    picture = fusion.picture(t + 2.0)
    assert len(picture) == 12
    reports = [site.report() for site in sites]
    for i, number in enumerate(picture.number):
        rows = {k: n - 1 for k, n in fusion.members(int(number)).items()}
        assert set(rows) == {0, 1, 2}
        x, P = fused(
            [
                moved(r.mean[rows[k]], r.covariance[rows[k]], t + 2.0 - r.time_s, Q)
                for k, r in enumerate(reports)
            ]
        )
        np.testing.assert_allclose(picture.position_enu_m[i], x[:3], rtol=1e-6, atol=1e-2)
        np.testing.assert_allclose(picture.velocity_enu_mps[i], x[3:], rtol=1e-6, atol=1e-2)
        np.testing.assert_allclose(picture.position_covariance_m2[i], P[:3, :3], rtol=1e-3)
    # The same report once more, and all its effects, change nothing.
    fusion.receive(0, reports[0])
    assert fusion.ignored == 1
    again = fusion.picture(t + 2.0)
    np.testing.assert_array_equal(again.position_covariance_m2, picture.position_covariance_m2)


def test_numbers_stay_and_no_target_is_doubled_over_lossy_links() -> None:
    rng = np.random.default_rng(5)
    sky = Sky(30, Q, rng)
    sites = [Site(30, (60 + 30 * k, 150 - 30 * k, 80), Q, rng) for k in range(4)]
    fusion = TrackFusion(4, SETTINGS)
    arriving: list[tuple[float, int, Estimates]] = []
    numbers = None
    for turn in range(36):
        t = 2.0 * turn
        truth = sky.to(t)
        for k, site in enumerate(sites):
            site.see(truth, t)
            if turn > 5 and rng.random() < 0.7:
                arriving.append((t + rng.uniform(0, 5), k, site.report()))
        for message in sorted((a for a in arriving if a[0] <= t), key=lambda a: a[0]):
            fusion.receive(*message[1:])
        arriving = [a for a in arriving if a[0] > t]
        if turn > 25:
            picture = fusion.picture(t)
            assert len(picture) == 30
            numbers = picture.number if numbers is None else numbers
            np.testing.assert_array_equal(picture.number, numbers)
            away = np.linalg.norm(picture.position_enu_m[:, None] - truth[None, :, :3], axis=2)
            assert np.unique(away.argmin(axis=1)).size == 30
            assert np.median(away.min(axis=1)) < 150.0
    assert fusion.ignored > 0


def test_two_tracks_of_one_site_stay_two() -> None:
    fusion = TrackFusion(2, SETTINGS)
    for k in range(8):
        t = 2.0 * k
        pair = [[100.0 * t, 0.0, 5e3], [100.0 * t, 40.0, 5e3]]
        fusion.receive(0, estimates(t, pair, [1, 2]))
        fusion.receive(1, estimates(t + 1, [[100.0 * t + 100, 39.0, 5e3]], [7]))
    assert len(fusion.picture()) == 2
    assert sorted(map(len, (fusion.members(1), fusion.members(2)))) == [1, 2]


def test_drifting_apart_splits_after_some_reports_and_not_at_once() -> None:
    fusion = TrackFusion(2, SETTINGS)
    gap, counts = 0.0, []
    for k in range(10):
        t = 2.0 * k
        gap = 0.0 if k < 4 else 2000.0
        fusion.receive(0, estimates(t, [[100.0 * t, 0.0, 5e3]], [1]))
        fusion.receive(1, estimates(t, [[100.0 * t, gap, 5e3]], [5]))
        counts.append(len(fusion.picture()))
    # Both sites' reports show the gap; the third one after it began ends the pair of its site.
    assert counts == [1, 1, 1, 1, 1, 1, 2, 2, 2, 2]
    picture = fusion.picture()
    assert picture.number.tolist() == [1, 2]
    assert abs(picture.position_enu_m[0, 1] - picture.position_enu_m[1, 1]) == pytest.approx(2000)
    # One outlier does not split, hysteresis does not merge what is apart.
    calm = TrackFusion(2, SETTINGS)
    for k in range(8):
        t = 2.0 * k
        calm.receive(0, estimates(t, [[100.0 * t, 0.0, 5e3]], [1]))
        off = 2000.0 if k % 3 == 2 else 0.0
        calm.receive(1, estimates(t, [[100.0 * t, off, 5e3]], [5]))
        assert len(calm.picture()) == 1


def test_tracks_found_to_be_one_merge_under_the_older_number() -> None:
    fusion = TrackFusion(3, SETTINGS)
    counts = []
    for k in range(9):
        t = 2.0 * k
        off = 3000.0 if k < 3 else 0.0
        fusion.receive(0, estimates(t, [[100.0 * t, 0.0, 5e3]], [1]))
        fusion.receive(1, estimates(t, [[100.0 * t, off, 5e3]], [5]))
        counts.append(len(fusion.picture()))
    # Agreement is seen by site 1 first, then by both in turn; the fourth time counts.
    assert counts == [2, 2, 2, 2, 2, 1, 1, 1, 1]
    assert fusion.picture().number.tolist() == [1]
    assert fusion.members(1) == {0: 1, 1: 5}
    assert fusion.picture().hits.tolist() == [6]
    fusion.receive(2, estimates(18.0, [[1800.0, 9000.0, 5e3]], [1]))
    assert fusion.picture().number.tolist() == [1, 3]


def test_sites_that_swap_their_tracks_are_followed() -> None:
    fusion = TrackFusion(2, SETTINGS)
    for k in range(10):
        t = 2.0 * k
        apart = [[100.0 * t, 0.0, 5e3], [100.0 * t, 4000.0, 5e3]]
        fusion.receive(0, estimates(t, apart, [1, 2]))
        fusion.receive(1, estimates(t, apart, [1, 2] if k < 4 else [2, 1]))
    assert len(fusion.picture()) == 2
    assert fusion.members(1) == {0: 1, 1: 2}
    assert fusion.members(2) == {0: 2, 1: 1}


def test_a_lost_track_coasts_returns_under_its_number_and_ends() -> None:
    fusion = TrackFusion(2, SETTINGS)
    fusion.receive(0, estimates(0.0, [[0.0, 0.0, 5e3]], [1]))
    fusion.receive(1, estimates(0.0, [[0.0, 0.0, 5e3]], [1]))
    assert fusion.picture().status.tolist() == [TrackStatus.CONFIRMED]
    fusion.receive(0, Estimates.empty(4.0))
    assert fusion.picture().status.tolist() == [TrackStatus.CONFIRMED]
    fusion.receive(1, Estimates.empty(4.0))
    assert fusion.picture().status.tolist() == [TrackStatus.COASTING]
    assert fusion.picture().position_enu_m[0] == pytest.approx([400.0, 0.0, 5e3])
    assert fusion.picture().hits.tolist() == [6]
    fusion.receive(0, estimates(10.0, [[1000.0, 0.0, 5e3]], [9]))
    picture = fusion.picture()
    assert picture.number.tolist() == [1]
    assert picture.status.tolist() == [TrackStatus.CONFIRMED]
    # Site 0's old and new track and site 1's: every plot counts once.
    assert picture.hits.tolist() == [9]
    assert picture.replies.tolist() == [[3, 6, 0]]
    assert picture.last_plot_s.tolist() == [10.0]
    fusion.receive(1, Estimates.empty(30.5))
    assert fusion.picture().hits.tolist() == [9]
    assert len(fusion.picture(40.0)) == 1
    assert len(fusion.picture(41.0)) == 0
    fusion.receive(1, Estimates.empty(41.0))
    assert len(fusion.picture()) == 0
    fusion.receive(1, estimates(42.0, [[4200.0, 0.0, 5e3]], [1]))
    assert fusion.picture().number.tolist() == [2]


@pytest.mark.parametrize("seed", [0, 1])
def test_whatever_is_reported_is_held_once_and_counted_once(seed: int) -> None:
    """A crowd of jumping, dying and renumbered tracks: pairs, splits and mergers abound."""
    rng = np.random.default_rng(seed)
    fusion = TrackFusion(3, FusionSettings(noise_m2ps3=Q, timeout_s=1e6))
    place = rng.uniform(0, 600, (8, 3))
    number = {k: np.arange(1, 9) + 100 * k for k in range(3)}
    counted: dict[tuple[int, int], int] = {}
    splits = mergers = before = 0
    for turn in range(60):
        site = int(rng.integers(3))
        number[site] += 1000 * (rng.random(8) < 0.1)
        gone = rng.random(8) < 0.1
        seen = place + rng.normal(0, 30, place.shape)
        seen[rng.random(8) < 0.15] += 300.0
        report = estimates(float(turn), seen.tolist(), number[site].tolist(), velocity=(0, 0, 0))
        report = replace(report, hits=np.full(8, turn + 1, np.int32)).take(~gone)
        number[site] += 1000 * gone
        fusion.receive(site, report)
        picture = fusion.picture()
        splits += len(picture) > before
        mergers += len(picture) < before
        before = len(picture)
        counted.update({(site, int(n)): turn + 1 for n in report.number})
        held = [fusion.members(int(n)) for n in picture.number]
        mine = [members[site] for members in held if site in members]
        assert sorted(mine) == sorted(report.number.tolist())
        assert picture.hits.sum() == sum(counted.values())
        assert (np.diff(picture.number) > 0).all()
        if rng.random() < 0.2:
            place = place[rng.permutation(8)]
    # Births count as splits, so these must exceed the first three reports.
    assert splits > 6
    assert mergers > 3


def test_late_reports_are_ignored_and_counted_broken_rows_left_out() -> None:
    fusion = TrackFusion(2, SETTINGS)
    fusion.receive(0, estimates(10.0, [[0.0, 0.0, 5e3]], [1]))
    fusion.receive(0, estimates(8.0, [[9e3, 0.0, 5e3]], [2]))
    assert fusion.ignored == 1
    assert len(fusion.picture()) == 1
    # Late, but the site's newest: taken at its own time.
    fusion.receive(1, estimates(6.0, [[-400.0, 0.0, 5e3]], [3]))
    assert fusion.members(1) == {0: 1, 1: 3}
    broken = estimates(12.0, [[200.0, 0.0, 5e3], [np.nan, 0.0, 0.0]], [1, 2])
    fusion.receive(0, broken)
    assert fusion.picture().number.tolist() == [1]
    with pytest.raises(ValueError, match="site"):
        fusion.receive(2, broken)


def test_an_empty_picture() -> None:
    fusion = TrackFusion(2, SETTINGS)
    assert len(fusion.picture(3.0)) == 0
    fusion.receive(0, Estimates.empty(1.0))
    assert len(fusion.picture()) == 0


def test_side_by_side_keeps_every_sites_tracks_apart() -> None:
    one = estimates(5.0, [[0, 0, 1], [0, 0, 2]], [1, 2]).as_tracks()
    two = replace(one, number=np.array([1, -1], np.int32))
    both = side_by_side([one, two, Tracks.empty(5.0)])
    assert len(both) == 4
    assert both.number.tolist() == [3, 4, -4, 6]
    assert both.position_enu_m[:, 2].tolist() == [1, 1, 2, 2]
    with pytest.raises(ValueError, match="one time"):
        side_by_side([one, Tracks.empty(6.0)])


def nees(error: np.ndarray, P: np.ndarray) -> np.ndarray:
    values: np.ndarray = np.einsum("ni,ni->n", error, np.linalg.solve(P, error[..., None])[..., 0])
    return values


@pytest.mark.slow
def test_the_fused_picture_is_not_optimistic() -> None:
    """Sites share the process noise; NEES of the position must stay at or below 3."""
    own, together, naive, squared = [], [], [], []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        sky = Sky(50, (100.0, 20.0), rng)
        sites = [Site(50, s, sky.q, rng) for s in ((60, 200, 80), (200, 60, 80), (100, 100, 100))]
        fusion = TrackFusion(3, FusionSettings(noise_m2ps3=sky.q))
        for turn in range(20):
            truth = sky.to(4.0 * turn)
            for k, site in enumerate(sites):
                site.see(truth, 4.0 * turn)
                if turn > 5:
                    fusion.receive(k, site.report())
        picture = fusion.picture()
        assert len(picture) == 50
        held = [fusion.members(int(n))[0] - 1 for n in picture.number]
        alone = sites[0].x[:, :3] - truth[:, :3]
        own.append(nees(alone, sites[0].P[:, :3, :3]))
        shared = picture.position_enu_m - truth[held, :3]
        together.append(nees(shared, picture.position_covariance_m2))
        squared.append((np.square(alone).sum(), np.square(shared).sum()))
        inverses = [np.linalg.inv(site.P) for site in sites]
        P = np.linalg.inv(sum(inverses))
        push = sum(A @ site.x[..., None] for A, site in zip(inverses, sites, strict=True))
        naive.append(nees((P @ push)[..., 0][:, :3] - truth[:, :3], P[:, :3, :3]))
    runs = 8 * 50
    low, high = chi2.ppf([0.0005, 0.9995], 3 * runs) / runs
    assert low < np.mean(own) < high
    assert np.mean(naive) > high  # as if the sites' errors were independent
    assert 1.0 < np.mean(together) < high
    alone_m2, shared_m2 = np.sum(squared, axis=0)
    assert shared_m2 < 0.5 * alone_m2


@pytest.mark.slow
def test_twenty_sites_keep_one_picture() -> None:
    rng = np.random.default_rng(6)
    sky = Sky(300, Q, rng)
    sites = [Site(300, (50 + 5 * k, 150 - 5 * k, 100), Q, rng, 1 + 300 * k) for k in range(20)]
    fusion = TrackFusion(20, SETTINGS)
    for turn in range(10):
        truth = sky.to(2.0 * turn)
        for k, site in enumerate(sites):
            site.see(truth, 2.0 * turn)
            if turn > 2:
                fusion.receive(k, site.report())
    picture = fusion.picture()
    assert len(picture) == 300
    with threads_for(0):
        alone = fusion.picture()
    assert alone.position_enu_m.tobytes() == picture.position_enu_m.tobytes()
    assert alone.position_covariance_m2.tobytes() == picture.position_covariance_m2.tobytes()
    for number in picture.number:
        held = fusion.members(int(number))
        assert len(held) == 20
        assert len({(n - 1) % 300 for n in held.values()}) == 1
