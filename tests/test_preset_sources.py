"""Every value of every preset says where it comes from, or how far a study should doubt it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, get_args

import pytest
from pydantic import BaseModel, TypeAdapter
from test_verify import VAGUE

from sensors.presets import PRESETS_FOLDER
from sensors.registry import SensorSpec
from sim.coverage.costs import COSTS
from sim.picture.class_models import CLASSES
from sim.world.electronic_attack import JAMMER_PRESETS
from sim.world.presets import Preset, read_presets
from sim.world.targets import TARGET_CLASSES, TargetSpec

FILES = (*sorted(PRESETS_FOLDER.glob("*.yaml")), TARGET_CLASSES, CLASSES, COSTS, JAMMER_PRESETS)
#: A document by its designation or year, or the organisation that publishes it.
NAMED = re.compile(
    r"ITU-R [A-Z]+\.\d+|ETSI EN \d{3} \d{3}|RTCA DO-\d+|ICAO Annex \d+|ASTM F\d+|3GPP TR \d+"
    r"|EUROCONTROL SUR|TU Delft, repository|\b(19|20)\d\d\b"
)
NO_SOURCE = re.compile(r"class value|typical|data sheets?", re.IGNORECASE)


def specs() -> dict[str, type[BaseModel]]:
    """Return the model that a file's values go to, by the name of the file."""
    kinds = get_args(get_args(SensorSpec)[0])
    found = {get_args(spec.model_fields["kind"].annotation)[0]: spec for spec in kinds}
    return found | {TARGET_CLASSES.stem: TargetSpec}


def limits(path: Path, key: str) -> tuple[float | None, float | None]:
    """Return the least and the greatest value that a key takes, if it is bounded there."""
    spec = specs().get(path.stem)
    if spec is None or key not in spec.model_fields:
        return None, None
    field = spec.model_fields[key]
    allowed = [value for value in get_args(field.annotation) if isinstance(value, int)]
    if allowed:
        return min(allowed), max(allowed)
    least = [getattr(each, "ge", None) for each in field.metadata]
    most = [getattr(each, "le", None) for each in field.metadata]
    return next((x for x in least if x is not None), None), next(
        (x for x in most if x is not None), None
    )


def numbers(value: Any) -> list[float]:
    """Return the numbers of a value or a list."""
    values = value if isinstance(value, list) else [value]
    return [x for x in values if isinstance(x, int | float) and not isinstance(x, bool)]


def fault(path: Path, key: str, preset: Preset) -> str | None:
    """Return what is wrong with the provenance of a value."""
    if preset.source is not None:
        vague = VAGUE.search(preset.source) or NO_SOURCE.search(preset.source)
        named = NAMED.search(preset.source) and not vague
        return None if named else f"no document or organisation: {preset.source}"
    if isinstance(preset.value, str | bool):
        doubted = len(preset.choices) >= 2 and preset.value in preset.choices
        return None if doubted else "nothing else to try"
    if preset.value is None:
        return None
    if preset.sweep is None:
        return "no sweep"
    low, high = preset.sweep
    least, most = limits(path, key)
    # At the end of what the key takes, a sweep has one side only.
    inside = all(
        (low < number or low == number == least) and (number < high or high == number == most)
        for number in numbers(preset.value)
    )
    return None if inside else f"{preset.value} is not inside {preset.sweep}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_value_has_a_source_that_can_be_found_or_a_sweep(path: Path) -> None:
    presets = read_presets(path)
    assert presets
    faults = {
        f"{name}.{key}": wrong
        for name, entries in presets.items()
        for key, preset in entries.items()
        if (wrong := fault(path, key, preset))
    }
    assert not faults


@pytest.mark.parametrize("path", [*FILES[:-4], TARGET_CLASSES], ids=lambda path: path.stem)
def test_every_end_of_a_sweep_is_allowed(path: Path) -> None:
    spec = specs()[path.stem]
    for entries in read_presets(path).values():
        for key, preset in entries.items():
            field = spec.model_fields.get(key)
            if path == TARGET_CLASSES and (field is None or key == "remote_id"):
                continue  # of the class alone, or what a target claims rather than whether
            if isinstance(preset.value, list):
                continue
            assert field is not None, key
            adapter: TypeAdapter[Any] = TypeAdapter(
                Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
            )
            for tried in preset.choices or preset.sweep or ():
                whole = isinstance(tried, float) and tried.is_integer()
                adapter.validate_python(int(tried) if whole else tried)


@pytest.mark.parametrize(
    "preset",
    [
        Preset(9.4, source="class value: X band"),
        Preset(9.4, source="press reports"),
        Preset(9.4, assumption="X band", sweep=(9.4, 10.0)),
        Preset(9.4, assumption="X band"),
        Preset("pencil", assumption="stacked beams"),
    ],
)
def test_a_bad_provenance_is_noticed(preset: Preset) -> None:
    assert fault(PRESETS_FOLDER / "radar.yaml", "frequency_ghz", preset)


@pytest.mark.parametrize(
    "entry",
    [
        {"value": "pencil", "assumption": "why"},
        {"value": "pencil", "assumption": "why", "sweep": ["fan", "cosecant-squared"]},
        {"value": "pencil", "assumption": "why", "sweep": ["pencil", "pencil"]},
        {"value": 3, "assumption": "why"},
        {"value": 3, "assumption": "why", "sweep": [4, 5]},
        {"value": 3, "source": "a", "assumption": "b", "sweep": [1, 5]},
    ],
)
def test_an_assumption_without_a_sweep_is_refused(tmp_path: Path, entry: dict[str, Any]) -> None:
    path = tmp_path / "radar.yaml"
    path.write_text(f"one: {{key: {entry!r}}}".replace("'", '"'), encoding="utf-8")
    with pytest.raises(ValueError, match=r"one\.key"):
        read_presets(path)
