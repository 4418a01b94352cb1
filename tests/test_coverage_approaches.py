"""Straight approaches to a protected point: time left, by direction."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from coverage_scenarios import TEXT, stage_of

from sim.coverage.analysis import approaches_of, square_of
from sim.coverage.approaches import DIRECTIONS, LEVELS, Approaches, approaches
from sim.coverage.confirmation import confirmed_after
from sim.coverage.line import Confirming
from sim.coverage.network import compute
from sim.coverage.polar import save_polar
from sim.coverage.stage import Stage
from sim.coverage.volume import Volume
from sim.scenario.coverage_spec import Condition

RULE = Confirming(3, 5)
DRY = Condition(id="dry")
BASE = """\
protect:
  - id: base
    kind: point
    position: {latitude_deg: 53.03, longitude_deg: 22.08}
    radius_km: 1
    ceiling_m: 500
coverage:
  side_km: 12
  cell_m: 500
  heights_agl_m: [50, 300]
  classes: [mini-drone, one-way-attack-drone]
"""
POINT = TEXT[: TEXT.index("protect:")] + BASE


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return stage_of(tmp_path_factory.mktemp("approaches"), POINT)


@pytest.fixture(scope="module")
def volume(stage: Stage) -> Volume:
    settings = stage.spec.coverage
    return compute(
        stage,
        square_of(stage),
        DRY,
        heights_agl_m=settings.heights_agl_m,
        classes=settings.classes,
        headings=1,
    )


def even(volume: Volume, rate: float, look_s: float) -> Volume:
    """The same rate and period everywhere."""
    shape = volume.inward_per_s.shape
    return replace(
        volume,
        inward_per_s=np.full(shape, rate, np.float32),
        look_s=np.full(shape, look_s, np.float32),
    )


def flown(volume: Volume) -> Approaches:
    return approaches(volume, RULE, point="base", condition="dry", radius_m=1000.0)


def test_even_rate_is_the_chain_by_itself(volume: Volume) -> None:
    look_s, pd = 2.0, 0.4
    found = flown(even(volume, -np.log1p(-pd) / look_s, look_s))
    for k, speed in enumerate(volume.speeds_mps.tolist()):
        most_s = (6000.0 - 1000.0) / speed
        assert found.most_s(k) == pytest.approx(most_s)
        count = int((most_s - 0.5 * look_s) / look_s) + 1
        sure = confirmed_after(np.full(count, pd), RULE.hits, RULE.looks)
        assert found.tracked[:, k] == pytest.approx(np.full((2, DIRECTIONS), sure[-1]), abs=2e-5)
        for number, level in enumerate(LEVELS):
            look = int(np.argmax(sure >= level))
            left_s = most_s - (0.5 + look) * look_s
            assert found.left_s[number, :, k] == pytest.approx(left_s, abs=1e-3)


def test_nothing_seen_leaves_no_time(volume: Volume) -> None:
    found = flown(even(volume, 0.0, 2.0))
    assert not found.tracked.any()
    assert np.isnan(found.left_s).all()


def test_only_the_side_that_is_seen_is_warned_of(volume: Volume) -> None:
    """Row 0 is the south: a network that sees the north alone warns of the north alone."""
    seen = even(volume, 0.0, 2.0)
    middle = volume.grid.shape[0] // 2
    seen.inward_per_s[:, :, middle + 1 :] = 2.0
    found = flown(seen)
    north, east, south = (int(azimuth / (360 / DIRECTIONS)) for azimuth in (0, 90, 180))
    assert found.azimuth_deg[east] == 90.0
    assert (found.tracked[:, :, north] > 0.999).all()
    assert not found.tracked[:, :, south].any()
    seen.inward_per_s[:] = 0.0
    seen.inward_per_s[..., middle + 1 :] = 2.0
    assert (flown(seen).tracked[:, :, east] > 0.999).all()


def test_half_is_left_longer_than_nine_tenths(stage: Stage, volume: Volume) -> None:
    found = approaches_of(stage, volume, DRY)
    assert found is not None
    assert (found.point, found.radius_m, found.from_m) == ("base", 1000.0, 6000.0)
    both = ~np.isnan(found.left_s[1])
    assert both.any()
    assert (found.left_s[0][both] >= found.left_s[1][both]).all()
    assert np.array_equal(~np.isnan(found.left_s[1]), found.tracked >= LEVELS[1])
    for k in range(2):
        assert np.nanmax(found.left_s[:, :, k]) <= found.most_s(k)


def test_a_radius_beyond_the_square(volume: Volume) -> None:
    with pytest.raises(ValueError, match="side_km"):
        approaches(volume, RULE, point="base", condition="dry", radius_m=6000.0)


def test_the_picture_has_a_circle_for_each_class(volume: Volume, tmp_path: Path) -> None:
    import pygame

    path = tmp_path / "warning.png"
    save_polar(path, flown(even(volume, 2.0, 2.0)))
    shown = pygame.surfarray.array3d(pygame.image.load(path)).astype(int)
    coloured = (np.ptp(shown, axis=2) > 60).sum(axis=1)
    for panel in range(2):
        assert coloured[panel * 460 : (panel + 1) * 460].sum() > 500
