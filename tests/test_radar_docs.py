"""Pages of the radars name every setting, with its default."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel
from test_docs import rows_under

from sensors.array_radar_spec import ArrayRadarSpec
from sensors.passive_radar_spec import PassiveRadarSpec
from sensors.radar_spec import PulseSpec, RadarSpec

PAGES = Path(__file__).resolve().parents[1] / "docs" / "sensors"


@pytest.mark.parametrize(
    ("page", "heading", "spec", "elsewhere"),
    [
        ("radar.md", "Settings", RadarSpec, None),
        ("array-radar.md", "Settings beside the radar's", ArrayRadarSpec, PulseSpec),
        ("passive-radar.md", "Settings", PassiveRadarSpec, None),
    ],
)
def test_every_setting_is_documented_with_its_default(
    page: str, heading: str, spec: type[BaseModel], elsewhere: type[BaseModel] | None
) -> None:
    rows = rows_under(PAGES / page, heading)
    known = set(elsewhere.model_fields) if elsewhere else set()
    assert set(rows) == set(spec.model_fields) - known
    for key, said in rows.items():
        field = spec.model_fields[key]
        if field.is_required():
            assert said == "required", key
            continue
        words = {None: "none", (): "none", True: "true", False: "false"}
        if isinstance(field.default, float | int) and not isinstance(field.default, bool):
            assert float(said.replace("−", "-")) == field.default, key
        elif isinstance(field.default, str):
            assert said == f"`{field.default}`", key
        else:
            assert said == words[field.default], key
