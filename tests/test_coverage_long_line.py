"""A line of three thousand kilometres: computed in parts, in the memory of one."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from sim.coverage.analysis import LineCoverage, cover_line, lines_of
from sim.coverage.costs import cost_of_site, total
from sim.coverage.stage import Stage
from sim.scenario.along import standing_sites
from sim.scenario.loader import load

TEXT = """\
schema: 1
name: long-line
time: {{start: 2025-06-01T22:00:00Z, duration_s: 60}}
seed: 3
area:
  latitude_deg: 53.0
  longitude_deg: 22.5
  height_m: 100
  terrain: {{kind: fractal, seed: 5, size_km: 3200, size_north_km: 120, cell_m: 1000, relief_m: 80}}
sites:
  - id: mast
    along: {{line: border, every_km: 10, from_km: 3, inside_km: 5, height_agl_m: 25}}
    sensors: [{{kind: rf-direction-finder, preset: drone-link-finder, id: finder}}]
protect:
  - id: border
    kind: line
    path: {path}
    threat_from: right
    depth_km: 10
coverage: {{cell_m: 1000, heights_agl_m: [100], classes: [mini-drone], headings: 1}}
"""


def covered(folder: Path, length_km: float) -> tuple[Stage, LineCoverage, list[int], int]:
    """Return a computed line about the origin, its parts' widths and the most memory taken.

    Memory is that beyond the list of all sites as the scenario describes them.
    """
    half_deg = 0.5 * length_km / 67.09
    steps = max(2, round(length_km / 300.0)) + 1
    corners = zip(
        22.5 + np.linspace(-half_deg, half_deg, steps),
        53.0 + 0.05 * (-1.0) ** np.arange(steps),
        strict=True,
    )
    path = folder / "long-line.yaml"
    places = [{"latitude_deg": float(b), "longitude_deg": float(a)} for a, b in corners]
    path.write_text(TEXT.format(path=places), encoding="utf-8")
    stage = Stage.of(load(path))
    widths: list[int] = []
    tracemalloc.start()
    try:
        total(cost_of_site(site) for _, site in standing_sites(stage.spec))
        described = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        (found,) = cover_line(
            stage, lines_of(stage.spec)[0], lambda volume, _: widths.append(volume.grid.shape[1])
        )
        return stage, found, widths, tracemalloc.get_traced_memory()[1] - described
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_memory_does_not_grow_with_the_line(tmp_path: Path) -> None:
    covered(tmp_path, 60.0)  # compiles what there is to compile
    _, _, widths, of_two_parts = covered(tmp_path, 1000.0)
    assert len(widths) == 2
    stage, found, widths, of_six = covered(tmp_path, 3000.0)
    assert len(widths) >= 6
    assert len(stage.sensors) > 290
    assert max(widths) <= 520
    assert found.along_km[-1] == pytest.approx(3000.0, rel=0.01)
    # What is left of a kilometre is some three hundred bytes: the results.
    results = 2000 * 8 * 40
    assert of_six < of_two_parts + results + 0.1 * of_two_parts
    tracked = found.straight.tracked[0, 0]
    assert np.isfinite(tracked).all()
    assert tracked.max() > 0.9
    # The far ends of the line are as good as its middle.
    thirds = [part.mean() for part in np.array_split(tracked, 3)]
    assert np.ptp(thirds) < 0.2
    assert len(found.weak_places) == 3
