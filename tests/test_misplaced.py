"""What stands beyond the terrain or inside it is named where it stands in the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_scenarios import changed
from test_terrain_files import write_geotiff
from test_terrain_scenario import AREA, FLAT, FRACTAL, line_of, problems, with_terrain

from sim.scenario.loader import load
from sim.scenario.paths import check_paths

RADAR = "      - {kind: radar, preset: mobile-multi-mission, id: mobile}\n"
HERE, FAR = "latitude_deg: 52.05, longitude_deg: 5.0", "latitude_deg: 58.05, longitude_deg: 5.0"
BELOW, ABOVE = "height_m: -50", "height_agl_m: 30"
DAB = (
    "      - {kind: passive-radar, preset: dab, id: p, "
    "illuminators: [{id: t, position: {PLACE}}]}\n"
)
TDOA = "      - {kind: time-difference, preset: drone-link-network, id: d, receivers: [{PLACE}]}\n"
EMITTERS = "emitters:\n  - {id: j, jammer: {preset: stand-off-jammer}, position: {PLACE}}\n"
LINK = (
    "  - {id: slow, radio: {length_km: 10, frequency_ghz: 4.7, bandwidth_mhz: 20, erp_dbw: 35,"
    " receiver: {PLACE}}}\n"
)
FARM = "environment: {wind_farms: [{id: w, PLACE, turbines: 9}]}\n"
ROAD = (
    "environment: {roads: [{id: m, vehicles_per_km: 5, path: [{PLACE}, "
    "{latitude_deg: 52.0, longitude_deg: 5.01}]}]}\n"
)


def with_part(part: str, place: str, terrain: str = FRACTAL) -> tuple[str, str]:
    """Return a scenario with a part at a place, and the part."""
    told = part.replace("PLACE", place)
    if part in (DAB, TDOA):
        change = (RADAR, RADAR + told)
    elif part == LINK:
        change = ("  - {id: slow}\n", told)
    else:
        change = ("networks:\n", told + "networks:\n")
    return with_terrain(terrain, change), told


@pytest.mark.parametrize("place", [f"{HERE}, {BELOW}", f"{FAR}, {ABOVE}"])
@pytest.mark.parametrize(
    ("part", "name"),
    [
        (DAB, "illuminator t of p"),
        (TDOA, "receiver 1 of d"),
        (EMITTERS, "emitter j"),
        (LINK, "the receiver of network slow"),
    ],
)
def test_what_stands_elsewhere_is_named(tmp_path: Path, part: str, name: str, place: str) -> None:
    text, told = with_part(part, place)
    ((line, column, message),) = problems(tmp_path, text)
    culprit = text.splitlines()[(line or 0) - 1]
    assert line_of(text, told) <= (line or 0) < line_of(text, told) + told.count("\n")
    assert culprit[(column or 0) - 1 :].startswith(f"{{{place}")
    what = "m below the ground" if BELOW in place else "lies beyond the terrain, which covers"
    assert message.startswith(f"{name} lies ")
    assert what in message


@pytest.mark.parametrize("part", [DAB, TDOA, EMITTERS, LINK])
def test_what_stands_on_known_ground_passes(tmp_path: Path, part: str) -> None:
    text, _ = with_part(part, f"{HERE}, {ABOVE}")
    (tmp_path / "s.yaml").write_text(text, encoding="utf-8")
    check_paths(load(tmp_path / "s.yaml"))


@pytest.mark.parametrize(("part", "name"), [(FARM, "wind farm w"), (ROAD, "road m")])
def test_farms_and_roads_beyond_the_terrain_are_named(tmp_path: Path, part: str, name: str) -> None:
    text, told = with_part(part, FAR)
    ((line, _, message),) = problems(tmp_path, text)
    assert line == line_of(text, told)
    assert message.startswith(f"{name} lies, in part or as a whole, beyond the terrain")
    text, _ = with_part(part, HERE)
    (tmp_path / "s.yaml").write_text(text, encoding="utf-8")
    check_paths(load(tmp_path / "s.yaml"))


@pytest.mark.parametrize(
    ("height", "depth"), [("height_agl_m: -20", "20.0"), ("height_m: 10", "30.0")]
)
def test_a_sensor_below_flat_ground_is_named(tmp_path: Path, height: str, depth: str) -> None:
    high = "longitude_deg: 4.90, height_agl_m: 20"
    text = changed((high, f"longitude_deg: 4.90, {height}"))
    ((line, _, message),) = problems(tmp_path, text)
    assert line == line_of(text, "position: {latitude_deg: 51.95")
    assert message == f"site airport lies {depth} m below the ground"


def test_a_raster_on_a_local_grid_is_named(tmp_path: Path) -> None:
    local = 'LOCAL_CS["works",UNIT["metre",1]]'
    write_geotiff(tmp_path / "a.tif", np.zeros((9, 9)), crs=local)
    text = changed((FLAT, AREA + "{kind: geotiff, files: [a.tif]}}\n"))
    ((line, _, message),) = problems(tmp_path, text)
    assert line == line_of(text, "area:")
    assert message.startswith("the projection works is a local grid")


@pytest.mark.parametrize("rates", ["[]", "[0]"])
def test_a_preset_radar_needs_a_pulse_rate_or_null(tmp_path: Path, rates: str) -> None:
    text = changed(("id: mobile}", f"id: mobile, prf_hz: {rates}}}"))
    ((line, _, message),) = problems(tmp_path, text)
    assert line == line_of(text, "id: mobile")
    assert "prf_hz" in message
    path = tmp_path / "s.yaml"
    path.write_text(changed(("id: mobile}", "id: mobile, prf_hz: null, mti: none}")))
    assert load(path).spec.sites[0].sensors[0].model_dump()["prf_hz"] is None
