"""Mistakes in the settings of identification are told with their place."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_scenarios import changed

from sim.scenario.errors import ScenarioError
from sim.scenario.loader import load

HERE = "{latitude_deg: 52.0, longitude_deg: 5.0}"
AREA = "{id: a, position: " + HERE + ", radius_km: 1, ceiling_m: 100}"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("border: {line: nowhere}", "no line has the id `nowhere`"),
        ("priors: {friend: 0.5, neutral: 0.5, hostile: 0.5}", "priors must sum to 1, found 1.5"),
        (f"restricted: [{AREA}, {AREA}]", "`a` is already the id of a restricted area"),
        (f"corridors: [{{id: approach, path: [{HERE}, {HERE}], width_km: 5}}]", "does not move on"),
        ("without: [class, class]", "`class` is left out already"),
    ],
)
def test_mistakes_are_told(settings: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    line = f"picture: {{identification: {{{settings}}}}}\ntracker: {{"
    path.write_text(changed(("tracker: {", line)), encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load(path)
    assert expected in str(caught.value)
