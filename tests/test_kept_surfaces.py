"""Large synthetic surfaces are computed once, and read after that."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sim.world import kept_surfaces
from sim.world.fractal import fractal_heights_m
from sim.world.kept_surfaces import kept_heights_m

SHAPE = (60, 40)


@pytest.fixture(autouse=True)
def worth_keeping(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_surfaces, "_WORTH", 1000)


def test_a_kept_surface_is_the_same_and_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = fractal_heights_m(3, SHAPE, 200.0, 0.3)
    np.testing.assert_array_equal(kept_heights_m(3, SHAPE, 200.0, 0.3, tmp_path), plain)

    def again(*_: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr(kept_surfaces, "fractal_heights_m", again)
    np.testing.assert_array_equal(kept_heights_m(3, SHAPE, 200.0, 0.3, tmp_path), plain)
    for other in ((4, SHAPE, 200.0, 0.3), (3, SHAPE, 201.0, 0.3), (3, SHAPE, 200.0, 0.2)):
        with pytest.raises(AssertionError, match="computed again"):
            kept_heights_m(*other, tmp_path)


def test_a_broken_file_is_computed_anew(tmp_path: Path) -> None:
    plain = kept_heights_m(3, SHAPE, 200.0, 0.3, tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:500])
    np.testing.assert_array_equal(kept_heights_m(3, SHAPE, 200.0, 0.3, tmp_path), plain)
    assert path.stat().st_size > 4 * plain.size


def test_few_are_kept_and_small_ones_are_not(tmp_path: Path) -> None:
    for seed in range(8):
        kept_heights_m(seed, SHAPE, 200.0, 0.3, tmp_path)
    assert len(list(tmp_path.iterdir())) == 5
    kept_heights_m(9, (30, 30), 200.0, 0.3, tmp_path / "small")
    assert not (tmp_path / "small").exists()


def test_where_nothing_can_be_written_it_is_computed(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert kept_heights_m(3, SHAPE, 200.0, 0.3, blocked / "below").shape == SHAPE
