"""Presets of sensors that listen: complete, sourced, and buildable; mistakes are told in place."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import stage
from pydantic import TypeAdapter
from small_scenarios import changed

from sensors.presets import PRESETS_FOLDER
from sensors.registry import SensorSpec
from sim.core.tables import Measured
from sim.scenario.errors import ScenarioError
from sim.scenario.loader import load
from sim.world.frames import Frame
from sim.world.presets import read_presets

KINDS = ("acoustic", "rf-direction-finder", "time-difference", "ads-b", "remote-id",
         "secondary-radar")  # fmt: skip
#: What no preset can know.
OWN: dict[str, dict[str, Any]] = {
    "time-difference": {
        "receivers": [{"latitude_deg": 52.0, "longitude_deg": 5.0, "height_m": 60.0}]
    }
}
PRESETS = [(kind, name) for kind in KINDS for name in read_presets(PRESETS_FOLDER / f"{kind}.yaml")]


def spec_class(kind: str) -> Any:
    for spec in get_args(get_args(SensorSpec)[0]):
        if get_args(spec.model_fields["kind"].annotation) == (kind,):
            return spec
    raise AssertionError(kind)


@pytest.mark.parametrize(("kind", "name"), PRESETS)
def test_every_value_is_sourced_and_known(kind: str, name: str) -> None:
    spec, presets = spec_class(kind), read_presets(PRESETS_FOLDER / f"{kind}.yaml")
    for key, preset in presets[name].items():
        assert key in spec.model_fields, key
        assert bool(preset.source) != bool(preset.assumption), key
    needed = {key for key, f in spec.model_fields.items() if f.is_required()}
    assert needed - {"kind", "id"} - set(OWN.get(kind, {})) <= set(presets[name])


@pytest.mark.parametrize(("kind", "name"), PRESETS)
def test_built_sensors_tell_the_tracker_what_it_asks(kind: str, name: str) -> None:
    spec = TypeAdapter(SensorSpec).validate_python(
        {"kind": kind, "id": "x", "preset": name, **OWN.get(kind, {})}
    )
    assert TypeAdapter(SensorSpec).validate_python(spec.model_dump(mode="json")) == spec
    built = stage.build(spec, Frame.at(0.9, 0.1, 0.0))
    for sensor in built if isinstance(built, tuple) else (built,):
        assert sensor.listens
        assert sensor.clutter_density > 0.0
        assert sensor.period_s > 0.0
        assert sensor.measures.any()
        assert np.isnan(sensor.snr_range_m(1.0))
        assert sensor.enu_R_sensor @ sensor.enu_R_sensor.T == pytest.approx(np.eye(3))
        # A second receiver is there exactly where it is needed.
        paired = sensor.measured == Measured.TIME_DIFFERENCE
        assert bool(np.any(sensor.other_enu_m)) == paired


@pytest.mark.parametrize(
    ("sensor", "message"),
    [
        ("kind: acoustic, preset: acoustic-nod", "did you mean 'acoustic-node'?"),
        ("kind: ads-b, preset: ground-receiver, jitter: 1.5", "sensors[0].jitter"),
        ("kind: time-difference, preset: drone-link-network", "receivers"),
        ("kind: acoustic, preset: acoustic-array, microphones: 2", "tell no direction"),
        ("kind: secondary-radar, preset: airport-monopulse, range_max_km: 0.5", "must be below"),
    ],
)
def test_mistakes_are_told_in_place(tmp_path: Path, sensor: str, message: str) -> None:
    path = tmp_path / "bad.yaml"
    text = changed(("kind: radar, preset: airport-surveillance", sensor))
    path.write_text(text, encoding="utf-8")
    line = text.splitlines().index(f"      - {{{sensor}, id: approach-radar}}") + 1
    with pytest.raises(ScenarioError) as error:
        load(path)
    assert message in str(error.value)
    assert f":{line}:" in str(error.value)
