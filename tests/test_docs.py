"""The documents say what is true: examples run, settings are complete, links lead somewhere."""

from __future__ import annotations

import doctest
import math
import re
from dataclasses import MISSING, fields
from pathlib import Path

import numpy as np
import pytest
from pydantic.fields import FieldInfo

from sim.core.tables import Visibility
from sim.tracking import MotionModel, SensorModels, TrackerConfig

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
TRACKING = [ROOT / "docs" / "tracking.md", *sorted((ROOT / "docs" / "tracking").glob("*.md"))]
LIBRARY = ROOT / "docs" / "tracking" / "library.md"


def rows_under(path: Path, heading: str) -> dict[str, str]:
    """Return key and default of the table under a heading."""
    text = path.read_text(encoding="utf-8")
    section = re.split(rf"^#+ {re.escape(heading)}$", text, flags=re.M)[1]
    section = re.split(r"^#", section, flags=re.M)[0]
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", section, flags=re.M)
    assert len(dict(rows)) == len(rows), "a key is there twice"
    return dict(rows)


def said(cell: str) -> object:
    """Return the value that a table's cell states."""
    words = {
        "none": None,
        "true": True,
        "false": False,
        "∞": math.inf,
        "NaN": math.nan,
        "π/2": 0.5 * math.pi,
        "−π/2": -0.5 * math.pi,
    }
    if cell in words:
        return words[cell]
    return cell.strip("`") if cell.startswith("`") else float(cell)


def assert_documented(rows: dict[str, str], model: dict[str, FieldInfo]) -> None:
    assert rows.keys() == model.keys()
    for key, field in model.items():
        if field.is_required():
            assert rows[key] == "required", key
        else:
            default = field.get_default(call_default_factory=True)
            stated = said(rows[key])
            assert stated == (None if default == [] else default), key


@pytest.mark.parametrize("path", [README, LIBRARY], ids=lambda path: path.name)
def test_examples_print_what_they_say(path: Path) -> None:
    result = doctest.testfile(
        str(path), module_relative=False, optionflags=doctest.ELLIPSIS, encoding="utf-8"
    )
    assert result.attempted > 5
    assert result.failed == 0


def test_the_first_example_is_short() -> None:
    code = re.findall(r"^(?:>>>|\.\.\.) ", README.read_text(encoding="utf-8"), flags=re.M)
    assert 0 < len(code) <= 15


def test_every_setting_is_documented_with_its_default() -> None:
    rows = rows_under(ROOT / "docs" / "tracking.md", "Settings")
    assert_documented(rows, dict(TrackerConfig.model_fields))


def test_every_key_of_a_motion_model_is_documented_with_its_default() -> None:
    rows = rows_under(ROOT / "docs" / "tracking" / "filters.md", "Keys of `models`")
    assert_documented(rows, dict(MotionModel.model_fields))


def test_every_column_of_the_sensors_is_documented_with_its_default() -> None:
    rows = rows_under(LIBRARY, "Sensors")
    assert rows.keys() == {field.name for field in fields(SensorModels)}
    plain = SensorModels.at_origin(period_s=1.0)
    for field in fields(SensorModels):
        if field.default_factory is MISSING:
            assert rows[field.name] == "required", field.name
        else:
            np.testing.assert_equal(
                np.unique(getattr(plain, field.name)), [said(rows[field.name])], field.name
            )


def test_scenarios_page_names_settings_that_exist() -> None:
    rows = rows_under(ROOT / "docs" / "scenarios.md", "The tracker")
    assert rows
    assert rows.keys() <= TrackerConfig.model_fields.keys()


@pytest.mark.parametrize("path", TRACKING, ids=lambda path: path.name)
def test_names_in_the_tracking_pages_are_in_the_code(path: Path) -> None:
    code = "\n".join(file.read_text(encoding="utf-8") for file in ROOT.glob("sim/**/*.py"))
    known = set(re.findall(r"\w+", code))
    named = set(re.findall(r"`([a-z]+(?:_[a-zA-Z0-9]+)+)`", path.read_text(encoding="utf-8")))
    assert named - known == set()


def anchors(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    "path", [README, *sorted((ROOT / "docs").rglob("*.md"))], ids=lambda path: path.name
)
def test_links_lead_somewhere(path: Path) -> None:
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)", text):
        if "://" in target:
            continue
        file = (path.parent / target).resolve() if target else path
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file), f"{target}#{anchor}"


def test_every_reason_to_be_untracked_is_told() -> None:
    told = " ".join((ROOT / "docs" / "metrics.md").read_text(encoding="utf-8").split())
    for reason in list(Visibility)[1:]:  # the first is absence
        assert f'"{reason.name.lower().replace("_", " ")}"' in told
