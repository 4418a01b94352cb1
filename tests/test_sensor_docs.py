"""Pages of the sensors: one screen each, with every key of every kind, and pictures as drawn."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from sensors.passive_radar_spec import Illuminator
from sensors.registry import SensorSpec

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "docs" / "sensors"
KEYS = PAGES / "keys.md"
SPECS: dict[str, type[BaseModel]] = {
    get_args(spec.model_fields["kind"].annotation)[0]: spec
    for spec in get_args(get_args(SensorSpec)[0])
}
#: What is longer than a screen of a browser holds.
LINES_MAX, CHARACTERS_MAX = 60, 4200
ONE_SCREEN = (
    "radar",
    "array-radar",
    "passive-radar",
    "secondary-radar",
    "acoustic",
    "rf",
    "camera",
    "cooperative",
)
UNITS = {
    "db_per_km": "dB/km",
    "deg_per_s": "°/s",
    "per_turn": "a turn",
    "per_look": "a look",
    "extinction_per_km": "per km and g/m³",
    "ghz": "GHz",
    "mhz": "MHz",
    "khz": "kHz",
    "hz": "Hz",
    "kw": "kW",
    "us": "µs",
    "ns": "ns",
    "ms": "ms",
    "dbm": "dBm",
    "db": "dB",
    "km": "km",
    "mps": "m/s",
    "rpm": "turns/min",
    "deg": "°",
    "urad": "µrad",
    "um": "µm",
    "k": "K",
    "m": "m",
    "s": "s",
}


def table(heading: str) -> dict[str, tuple[str, str, str]]:
    """Return unit, default and meaning by key of a kind's table."""
    section = re.split(rf"^## {re.escape(heading)}$", KEYS.read_text("utf-8"), flags=re.MULTILINE)
    rows = re.findall(
        r"^\| `(\w+)` \| (.+?) \| (.+?) \| (.+) \|$",
        section[1].split("\n## ")[0],
        flags=re.MULTILINE,
    )
    found = {key: (unit, default, meaning) for key, unit, default, meaning in rows}
    assert len(found) == len(rows), "a key is there twice"
    return found


def default_in_words(spec: type[BaseModel], key: str) -> str:
    """Return the default as the table has it."""
    field = spec.model_fields[key]
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    if default in (None, ()):
        return "none"
    if isinstance(default, bool):
        return str(default).lower()
    return f"`{default}`" if isinstance(default, str) else f"{default:g}".replace("-", "−")


def unit_of(key: str) -> str:
    """Return the unit that a key's name ends with."""
    if key == "emission_control":
        return "s"
    fitting = [end for end in UNITS if key.endswith((f"_{end}", f"{end}_per_km"))]
    return UNITS[max(fitting, key=len)] if fitting else "—"


@pytest.mark.parametrize("kind", [*SPECS, "illuminator"])
def test_every_key_is_there_with_its_unit_and_its_default(kind: str) -> None:
    spec = SPECS.get(kind, Illuminator)
    rows = table(kind if kind in SPECS else "An illuminator of a passive radar")
    assert rows.keys() == spec.model_fields.keys()
    for key, (unit, default, meaning) in rows.items():
        assert (unit, default) == (unit_of(key), default_in_words(spec, key)), key
        assert meaning.strip(), key


@pytest.mark.parametrize("name", ONE_SCREEN)
def test_a_page_is_one_screen(name: str) -> None:
    text = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LINES_MAX
    assert len(text) <= CHARACTERS_MAX
    assert "](../images/" in text, "a plot"
    assert re.search(r"^\| step \| (formula|rule) \|", text, flags=re.MULTILINE), "formulas"
    assert re.search(r"^## (What (it|they) leaves? out|Assumptions)$", text, flags=re.MULTILINE)
    assert "(keys.md#" in text, "its keys"


def test_every_kind_leads_to_its_keys() -> None:
    linked = {
        anchor
        for name in ONE_SCREEN
        for anchor in re.findall(
            r"\(keys\.md#([\w-]+)\)", (PAGES / f"{name}.md").read_text(encoding="utf-8")
        )
    }
    assert linked == SPECS.keys()


def pictures() -> set[str]:
    """Return the pictures of detection that the sensors' pages show."""
    return {
        name
        for page in PAGES.glob("*.md")
        for name in re.findall(r"\]\(\.\./images/([\w-]+)\.png\)", page.read_text(encoding="utf-8"))
    }


def test_every_picture_is_one_that_is_drawn() -> None:
    source = (ROOT / "docs" / "figures.py").read_text(encoding="utf-8")
    drawn = set(re.findall(r'^    "([\w-]+)": Figure\(', source, flags=re.MULTILINE))
    assert drawn == pictures()


@pytest.mark.slow
def test_the_pictures_are_drawn_as_they_are(tmp_path: Path) -> None:
    """All are drawn anew; those in the pages differ by no more than another font does."""
    subprocess.run(
        [sys.executable, "-m", "docs.figures", "--folder", str(tmp_path)], cwd=ROOT, check=True
    )
    assert {path.stem for path in tmp_path.glob("*.png")} == pictures()
    image = pytest.importorskip("matplotlib.image")
    for path in tmp_path.glob("*.png"):
        new, old = image.imread(path), image.imread(ROOT / "docs" / "images" / path.name)
        assert new.shape == old.shape, path.name
        assert (abs(new - old).max(axis=2) > 0.2).mean() < 0.01, f"{path.name} is stale"
