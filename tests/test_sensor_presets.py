"""The radar presets: complete, sourced, and of the class they describe."""

from __future__ import annotations

import subprocess
import sys

import jsonschema
import numpy as np
import pytest
import stage
from pydantic import TypeAdapter, ValidationError

from sensors.accuracy import measurement_sigma
from sensors.presets import PRESETS_FOLDER
from sensors.radar import Radar
from sensors.radar_spec import RadarSpec
from sensors.registry import SensorSpec
from sim.world.frames import Frame
from sim.world.presets import read_presets

PRESETS = read_presets(PRESETS_FOLDER / "radar.yaml")
FIGHTER_DBSM, MINI_DRONE_DBSM = 5.0, -12.8


def spec_of(name: str, **changes: object) -> RadarSpec:
    return TypeAdapter(SensorSpec).validate_python(
        {"kind": "radar", "id": "r", "preset": name, **changes}
    )


def built(name: str) -> Radar:
    frame = Frame.at(0.9, 0.1, 0.0)
    return stage.build(spec_of(name), frame, [0.0, 0.0, 12.0])


def reach_km(radar: Radar, pd: float, rcs_dbsm: float) -> float:
    """Range at which a Swerling-1 target 2° up is detected with ``pd`` in clear air."""
    range_m = np.linspace(0.3, 1.0, 3001) * radar.range_max_m
    elevation = np.radians(2.0)
    place = range_m[:, None] * [0.0, np.cos(elevation), np.sin(elevation)]
    place = radar.origin_enu_m + place @ radar.enu_R_sensor.T
    targets = stage.fakes(
        lambda _, row: place[row].copy(), len(place), rcs_m2=10 ** (rcs_dbsm / 10), swerling=1
    )
    found, _ = radar.in_clear_air().visibility(targets, targets.truth(0.0))
    return float(np.interp(-pd, -found, range_m)) / 1e3


def test_the_presets_are_all_there() -> None:
    assert set(PRESETS) == {
        "long-range-3d",
        "mobile-multi-mission",
        "drone-radar",
        "coastal-surveillance",
        "airport-surveillance",
        "ship-radar",
    }


@pytest.mark.parametrize("name", PRESETS)
def test_every_value_is_sourced_and_known(name: str) -> None:
    for key, preset in PRESETS[name].items():
        assert key in RadarSpec.model_fields, key
        assert bool(preset.source) != bool(preset.assumption), key
    required = {k for k, f in RadarSpec.model_fields.items() if f.is_required()} - {"kind", "id"}
    assert required <= set(PRESETS[name])


@pytest.mark.parametrize("name", PRESETS)
def test_preset_builds_and_gains_fit_their_beams(name: str) -> None:
    """No antenna has more gain than its beam allows (4π over the two beamwidths)."""
    radar = built(name)
    assert 0.1 < radar.pfa * 1e6 <= 10
    spec = spec_of(name)
    if spec.elevation_beamwidth_deg is not None:
        beam = np.radians(spec.beamwidth_deg) * np.radians(spec.elevation_beamwidth_deg)
        assert 0.4 < 10 ** (spec.gain_db / 10) * beam / (4 * np.pi) < 0.9


def false_alarms_per_look(radar: Radar) -> float:
    span = np.ptp(radar.range_limits_m) * 2 * np.pi
    if radar.measures[2]:
        span *= np.ptp(radar.elevation_rad)
    if radar.measures[3]:
        span *= 2 * radar.range_rate_max_mps
    return float(radar.clutter_density * span)


@pytest.mark.parametrize("name", PRESETS)
def test_a_handful_of_false_alarms_a_turn(name: str) -> None:
    assert false_alarms_per_look(built(name)) < 8.0


def test_mobile_multi_mission() -> None:
    radar = built("mobile-multi-mission")
    assert (radar.period_s, *radar.range_limits_m) == (2.0, 500.0, 400e3)
    assert radar.measures.all()
    assert reach_km(radar, 0.9, FIGHTER_DBSM) == pytest.approx(215, rel=0.02)
    # At 16 dB: about 30 m and 0.2 to 0.3 degrees.
    sigma = measurement_sigma(radar.resolution, np.array([10**1.6]), radar.sigma_min)[0]
    assert 15 < sigma[0] < 35
    assert 0.15 < np.degrees(sigma[1]) < 0.35
    assert 1 < false_alarms_per_look(radar) < 8


def test_drone_radar() -> None:
    radar = built("drone-radar")
    assert radar.period_s == 1.0
    assert reach_km(radar, 0.5, MINI_DRONE_DBSM) == pytest.approx(4.0, rel=0.02)


def test_airport_surveillance() -> None:
    radar = built("airport-surveillance")
    assert radar.period_s == 4.0
    assert radar.range_max_m == pytest.approx(60 * 1852.0)
    assert radar.interrogates
    assert not radar.measures[2:].any()
    assert reach_km(radar, 0.8, 2.0) == pytest.approx(111.12, rel=0.02)


def test_long_range_3d() -> None:
    radar = built("long-range-3d")
    assert (radar.period_s, radar.range_max_m) == (10.0, 470e3)
    assert reach_km(radar, 0.9, FIGHTER_DBSM) == pytest.approx(400, rel=0.02)


def test_coast_and_ship() -> None:
    coast, ship = built("coastal-surveillance"), built("ship-radar")
    assert reach_km(coast, 0.9, 10.0) == pytest.approx(24, rel=0.02)
    assert reach_km(ship, 0.9, FIGHTER_DBSM) == pytest.approx(150, rel=0.02)


def test_explicit_keys_win_over_the_preset() -> None:
    spec = spec_of("airport-surveillance", interrogates=False, range_max_km=40.0)
    assert (spec.interrogates, spec.range_max_km, spec.rate_rpm) == (False, 40.0, 15.0)


def test_a_turning_preset_may_be_told_to_stare() -> None:
    spec = spec_of("drone-radar", update_s=0.5, azimuth_deg=90.0, sector_deg=120.0)
    assert (spec.rate_rpm, spec.update_s, spec.sector_deg) == (None, 0.5, 120.0)


@pytest.mark.parametrize("changes", [{}, {"update_s": 0.5, "sector_deg": 90.0}])
def test_a_resolved_specification_reads_back(changes: dict[str, float]) -> None:
    spec = spec_of("drone-radar", **changes)
    assert TypeAdapter(SensorSpec).validate_python(spec.model_dump(mode="json")) == spec


def test_unknown_preset_names_the_nearest_and_all() -> None:
    with pytest.raises(ValidationError) as error:
        spec_of("mobile-multimission")
    text = str(error.value)
    assert "did you mean 'mobile-multi-mission'?" in text
    assert all(name in text for name in PRESETS)


def test_json_schema_asks_for_kind_and_id_alone() -> None:
    schema = TypeAdapter(list[SensorSpec]).json_schema()
    jsonschema.validate([{"kind": "radar", "id": "mmr", "preset": "drone-radar"}], schema)
    for broken in ({"kind": "radar"}, {"kind": "radar", "id": "m", "rate_rpm": "fast"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate([broken], schema)


def test_specifications_import_nothing_heavy() -> None:
    code = (
        "import sys; from sensors.registry import SensorSpec; from pydantic import TypeAdapter; "
        "TypeAdapter(SensorSpec).validate_python("
        "{'kind': 'radar', 'id': 'r', 'preset': 'drone-radar'}); "
        "print(sorted({'numba', 'scipy', 'pygame', 'pyarrow'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
