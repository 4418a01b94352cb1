"""What a scenario may say of electronic attack, and what it says of mistakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError
from small_scenarios import TEXT, changed, world_of

from sim.scenario.errors import ScenarioError
from sim.scenario.loader import load
from sim.world.attackers import GROUND
from sim.world.electronic_attack import (
    JAMMER_PRESETS,
    Deception,
    GnssAttack,
    GroundEmitter,
    NoiseJammer,
)
from sim.world.presets import read_presets

PRESETS = read_presets(JAMMER_PRESETS)
HERE = {"latitude_deg": 52, "longitude_deg": 5}


def test_the_presets_are_all_there_and_build() -> None:
    assert set(PRESETS) == {"stand-off-jammer", "escort-jammer", "self-screening-jammer"}
    powers = [NoiseJammer.model_validate({"preset": name}).erp_w for name in PRESETS]
    assert powers == sorted(powers, reverse=True)


@pytest.mark.parametrize("name", PRESETS)
def test_every_value_is_an_assumption_with_its_sweep(name: str) -> None:
    for key, preset in PRESETS[name].items():
        assert key in NoiseJammer.model_fields
        assert preset.assumption
        assert not preset.source


def test_explicit_values_win_over_the_presets() -> None:
    jammer = NoiseJammer.model_validate({"preset": "self-screening-jammer", "erp_dbw": 33})
    assert jammer.erp_w == pytest.approx(10**3.2)  # 1 dB of losses stays
    assert jammer.power_w is None
    louder = NoiseJammer.model_validate({"preset": "stand-off-jammer", "power_w": 9e3})
    assert louder.erp_w == pytest.approx(9e3 * 10**-0.2)


def test_noise_without_a_width_fills_all_bands() -> None:
    given = {"power_w": 1, "frequency_ghz": [[1, 2], [8, 10]]}
    assert NoiseJammer.model_validate(given).bandwidth_hz == pytest.approx(3e9)
    assert NoiseJammer.model_validate(given | {"bandwidth_mhz": 5}).bandwidth_hz == 5e6
    assert NoiseJammer.model_validate({"power_w": 1, "frequency_ghz": [1, 2]}).bands_hz == (
        (1e9, 2e9),
    )


@pytest.mark.parametrize(
    ("model", "given", "message"),
    [
        (NoiseJammer, {"frequency_ghz": [1, 2]}, "either power_w"),
        (NoiseJammer, {"frequency_ghz": [1, 2], "power_w": 1, "erp_dbw": 1}, "either power_w"),
        (NoiseJammer, {"frequency_ghz": [1, 2], "gain_db": 3, "erp_dbw": 1}, "gain_db has no"),
        (NoiseJammer, {"frequency_ghz": [2, 1], "power_w": 1}, "must rise"),
        (NoiseJammer, {"frequency_ghz": [], "power_w": 1}, "one band or more"),
        (NoiseJammer, {"power_w": 1}, "give a preset"),
        (NoiseJammer, {"preset": "standoff-jammer"}, "did you mean 'stand-off-jammer'"),
        (NoiseJammer, {"preset": "escort-jammer", "active_s": [[5, 3]]}, r"must be \[from, to\]"),
        (GnssAttack, {"kind": "spoofer", "power_w": 1}, "offset_m or drift_mps"),
        (GnssAttack, {"kind": "jammer", "power_w": 1, "offset_m": [1, 0, 0]}, "no meaning"),
        (GroundEmitter, {"id": "e", "position": HERE}, "jammer or gnss"),
    ],
)
def test_mistakes_are_told(model: Any, given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        model.model_validate(given)


def test_false_targets_need_room() -> None:
    given = {"kind": "false-targets", "power_w": 1, "frequency_ghz": [1, 2], "spacing_m": 0}
    with pytest.raises(ValidationError, match="must not be 0"):
        TypeAdapter[Any](Deception).validate_python(given)


EMITTERS = """\
emitters:
  - id: lorry
    position: {latitude_deg: 52.1, longitude_deg: 5.2, height_agl_m: 8}
    jammer: {preset: escort-jammer}
    gnss: {kind: jammer, power_w: 10}
protect:
"""


def test_every_member_of_a_group_and_every_emitter_attacks(tmp_path: Path) -> None:
    noisy = "  - id: pair\n    jammer: {preset: self-screening-jammer}\n"
    world = world_of(
        tmp_path, changed(("  - id: pair\n", noisy), ("protect:\n", EMITTERS), text=TEXT)
    )
    attackers = world.targets.attackers
    carriers = [attacker.carrier for attacker in attackers.noise]
    assert [world.targets.ids[row] for row in carriers[:2]] == ["pair/1", "pair/2"]
    assert carriers[2:] == [GROUND]
    assert [attacker.carrier for attacker in attackers.gnss] == [GROUND]
    latitude, _, height_m = world.frame.to_geodetic(attackers.gnss[0].position_enu_m)
    assert float(latitude) == pytest.approx(0.909316, abs=1e-5)
    assert float(height_m) == pytest.approx(48.0, abs=1e-6)


def test_the_strobes_id_is_taken(tmp_path: Path) -> None:
    text = changed(
        ("id: mobile}", "id: mobile, strobes: true}"),
        ("id: approach-radar}", "id: mobile.strobe}"),
        text=TEXT,
    )
    path = tmp_path / "doubled.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError) as told:
        load(path)
    assert "`mobile.strobe` is already the id of a sensor" in str(told.value)
