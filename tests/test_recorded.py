"""Recorded flights: cleaning, gaps, smoothing, and errors that help."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.world.frames import Frame
from sim.world.recorded import (
    RecordedFlight,
    natural_spline_velocity,
    read_recorded,
    smooth,
)
from sim.world.targets import Recorded
from sim.world.trajectories import Trajectories

FLIGHTS = Path(__file__).parents[1] / "scenarios" / "recorded"
FRAME = Frame.at(np.radians(52.0), np.radians(5.0), 0.0)
COLUMNS = ["time", "icao24", "lat", "lon", "velocity", "heading", "vertrate"]
COLUMNS += ["callsign", "onground", "baroaltitude"]
Row = dict[str, Any]


def straight(count: int = 60) -> list[Row]:
    """Return a level flight north at 100 m/s, a row each second."""
    return [
        {
            "time": 1_500_000_000 + k,
            "icao24": "abc123",
            "lat": 52.0 + np.degrees(100.0 * k / 6_371_000),
            "lon": 5.0,
            "velocity": 100,
            "heading": 0,
            "vertrate": 0,
            "callsign": "TEST",
            "onground": "",
            "baroaltitude": 3000,
        }
        for k in range(count)
    ]


def write(folder: Path, rows: Sequence[Row], columns: Sequence[str] = COLUMNS) -> Path:
    path = folder / "flight.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


def read(folder: Path, rows: Sequence[Row], **options: Any) -> RecordedFlight:
    return read_recorded(write(folder, rows), Recorded(file="flight.csv", **options))


@pytest.mark.parametrize(
    ("name", "rows", "hardest_mps2", "usual_m", "rare_m", "fastest_mps"),
    [
        ("belevingsvlucht", 16_005, 12.0, 16.0, 100.0, 190.0),
        ("brussels_ils", 1_905, 12.0, 16.0, 130.0, 160.0),
    ],
)
def test_real_flights_become_plausible_paths(
    name: str, rows: int, hardest_mps2: float, usual_m: float, rare_m: float, fastest_mps: float
) -> None:
    flight = read_recorded(FLIGHTS / f"{name}.csv", Recorded(file=name))
    dropped = flight.dropped_duplicates + flight.dropped_jumps
    assert flight.dropped_broken == flight.dropped_ground == 0
    assert flight.time_s.size + dropped == rows
    assert flight.dropped_jumps < 10
    assert dropped < 0.03 * rows
    knots = flight.knots(FRAME)
    assert not knots.gap_after[:-1].any()
    change = np.diff(knots.velocity_enu_mps, axis=0) / np.diff(knots.time_s)[:, None]
    assert np.linalg.norm(change, axis=1).max() < hardest_mps2  # about 1 g
    assert np.linalg.norm(knots.velocity_enu_mps, axis=1).max() < fastest_mps
    raw = FRAME.from_geodetic(flight.latitude_rad, flight.longitude_rad, flight.height_m)
    away_m = np.linalg.norm(raw - knots.position_enu_m, axis=1)
    assert np.median(away_m) < usual_m
    assert np.percentile(away_m, 95) < rare_m


def test_a_clean_flight_is_kept_as_it_is(tmp_path: Path) -> None:
    flight = read(tmp_path, straight(), offset_s=-20.0, height_offset_m=45.0)
    assert flight.time_s[0] == -20.0
    assert flight.time_s[-1] == 39.0
    paths = Trajectories.join([flight.knots(FRAME)])
    truth = paths.truth(10.25)
    assert truth.present[0]
    latitude, longitude, height = FRAME.to_geodetic(truth.position_enu_m[0])
    assert height == pytest.approx(3045.0, abs=0.1)
    assert np.degrees(longitude) == pytest.approx(5.0, abs=1e-7)
    expected = np.radians(52.0) + 100.0 * 30.25 / 6_371_000
    assert latitude == pytest.approx(expected, abs=1e-7)  # 0.6 m
    assert np.linalg.norm(truth.velocity_enu_mps[0]) == pytest.approx(100.2, abs=0.5)
    assert not paths.truth(-20.1).present[0]
    assert not paths.truth(39.1).present[0]


def test_gaps_over_the_limit_stay_gaps(tmp_path: Path) -> None:
    rows = straight(120)
    rows = rows[:30] + rows[50:80] + rows[115:]
    flight = read(tmp_path, rows, gap_max_s=25)
    paths = Trajectories.join([flight.knots(FRAME)])
    assert paths.truth(40.0).present[0]  # 20 s of silence are flown through
    assert not paths.truth(100.0).present[0]  # 35 s are not
    assert np.isnan(paths.truth(100.0).position_enu_m).all()
    for edge in (79.0, 115.0):
        assert paths.truth(edge).present[0]


def test_single_rows_between_gaps_are_left_out(tmp_path: Path) -> None:
    rows = straight(200)
    flight = read(tmp_path, rows[:30] + rows[100:101] + rows[170:])
    assert Trajectories.join([flight.knots(FRAME)]).truth(100.0).present[0] == np.False_


def test_duplicates_are_dropped_and_counted(tmp_path: Path) -> None:
    rows = straight()
    stale = dict(rows[20], time=rows[21]["time"])
    rows = [*rows[:10], rows[9], *rows[10:21], stale, *rows[22:]]
    flight = read(tmp_path, rows)
    assert flight.dropped_duplicates == 2
    assert flight.time_s.size == 59
    assert (np.diff(flight.time_s) > 0).all()


def test_a_hovering_aircraft_is_not_a_duplicate(tmp_path: Path) -> None:
    rows = [dict(row, lat=52.0, velocity=0) for row in straight()]
    assert read(tmp_path, rows).dropped_duplicates == 0


@pytest.mark.parametrize("wrong", [[0], [30], [59], [30, 31, 32, 33], [5, 30, 50]])
def test_impossible_jumps_are_dropped_and_counted(tmp_path: Path, wrong: list[int]) -> None:
    rows = straight()
    clean = read(tmp_path, rows).knots(FRAME)
    for k in wrong:
        rows[k]["lon"] = 5.4  # 27 km away
    flight = read(tmp_path, rows)
    assert flight.dropped_jumps == len(wrong)
    assert flight.time_s.size == 60 - len(wrong)
    knots = flight.knots(FRAME)
    times, zero = np.arange(5.0, 55.0), np.zeros(50, np.int32)
    position, _ = Trajectories.join([knots]).at(times, zero)
    expected, _ = Trajectories.join([clean]).at(times, zero)
    np.testing.assert_allclose(position, expected, atol=1.0)


def test_broken_rows_are_dropped_and_counted(tmp_path: Path) -> None:
    rows = straight()
    rows[3]["lat"] = ""
    rows[4]["lon"] = "east"
    rows[5]["time"] = "nan"
    rows[6]["lat"] = 152.0
    flight = read(tmp_path, rows)
    assert flight.dropped_broken == 4
    assert flight.time_s.size == 56


def test_missing_heights_come_from_the_neighbours(tmp_path: Path) -> None:
    rows = straight()
    for k, row in enumerate(rows):
        row["baroaltitude"] = "" if 10 <= k < 20 else 3000 + 10 * k
    flight = read(tmp_path, rows)
    np.testing.assert_allclose(flight.height_m, 3000 + 10 * np.arange(60), atol=1e-9)


def test_rows_on_ground_are_left_out(tmp_path: Path) -> None:
    rows = [dict(row, onground=k < 10) for k, row in enumerate(straight())]
    flight = read(tmp_path, rows)
    assert flight.dropped_ground == 10
    assert flight.time_s.size == 50


def test_geometric_heights_are_preferred(tmp_path: Path) -> None:
    path = write(
        tmp_path, [dict(row, geoaltitude=3100) for row in straight()], [*COLUMNS, "geoaltitude"]
    )
    assert read_recorded(path, Recorded(file="flight.csv")).height_m[0] == 3100


def test_rows_may_be_out_of_order(tmp_path: Path) -> None:
    rows = straight()
    flight = read(tmp_path, rows[30:] + rows[:30])
    np.testing.assert_array_equal(flight.time_s, np.arange(60.0))


def test_one_aircraft_of_several_must_be_chosen(tmp_path: Path) -> None:
    other = [dict(row, icao24="def456", lon=6.0) for row in straight(40)]
    rows = [*straight(), *other]
    with pytest.raises(ValueError, match=r"2 aircraft.*icao24: abc123, def456"):
        read(tmp_path, rows)
    assert read(tmp_path, rows, icao24="DEF456").time_s.size == 40
    with pytest.raises(ValueError, match="no aircraft 999999"):
        read(tmp_path, rows, icao24="999999")


def test_across_the_antimeridian(tmp_path: Path) -> None:
    rows = straight()
    for k, row in enumerate(rows):
        row["lat"] = 0.0
        row["lon"] = (179.99 + k * 0.001 + 180) % 360 - 180
    flight = read(tmp_path, rows)
    assert flight.dropped_jumps == 0
    frame = Frame.at(0.0, np.pi, 0.0)
    speed = np.linalg.norm(flight.knots(frame).velocity_enu_mps, axis=1)
    np.testing.assert_allclose(speed, 111.4, atol=0.5)


def test_files_that_cannot_be_used_say_why(tmp_path: Path) -> None:
    spec = Recorded(file="flight.csv")
    with pytest.raises(ValueError, match=r"nowhere\.csv: cannot be read: No such file"):
        read_recorded(tmp_path / "nowhere.csv", spec)
    path = tmp_path / "flight.csv"
    path.write_text("")
    with pytest.raises(ValueError, match=r"flight\.csv: the file is empty"):
        read_recorded(path, spec)
    write(tmp_path, [])
    with pytest.raises(ValueError, match="no rows below the header"):
        read_recorded(path, spec)
    write(tmp_path, straight(), ["time", "lat", "baroaltitude"])
    with pytest.raises(ValueError, match="line 1: missing column lon; found time, lat"):
        read_recorded(path, spec)
    write(tmp_path, straight(), ["time", "lat", "lon"])
    with pytest.raises(ValueError, match="missing column baroaltitude"):
        read_recorded(path, spec)
    write(tmp_path, [dict(row, time="2018-05-30") for row in straight()])
    with pytest.raises(ValueError, match=r"no row has a usable time.*line 2.*2018-05-30"):
        read_recorded(path, spec)
    path.write_bytes(b"time,lat,lon,baroaltitude\n\xff\xfe\x00\n")
    with pytest.raises(ValueError, match="UTF-8"):
        read_recorded(path, spec)
    write(tmp_path, [dict(row, baroaltitude="") for row in straight()])
    with pytest.raises(ValueError, match="no row has a height"):
        read_recorded(path, spec)
    write(tmp_path, straight(1))
    with pytest.raises(ValueError, match="fewer than two usable rows"):
        read_recorded(path, spec)


def test_smoothing_keeps_straight_lines_and_ignores_outliers() -> None:
    time_s = np.cumsum(np.random.default_rng(1).uniform(0.5, 3, 80))
    line = np.stack([3.0 + 2 * time_s, -time_s], -1)
    np.testing.assert_allclose(smooth(time_s, line, 10.0), line, atol=1e-8)
    spiked = line.copy()
    spiked[40] += 5000.0
    np.testing.assert_allclose(smooth(time_s, spiked, 10.0)[:38], line[:38], atol=1.0)
    few = np.array([[0.0], [5.0]])
    np.testing.assert_array_equal(smooth(np.array([0.0, 1.0]), few, 1.0), few)


def test_smoothing_is_the_minimum_of_its_functional() -> None:
    rng = np.random.default_rng(2)
    time_s = np.cumsum(rng.uniform(0.5, 3, 12))
    values = rng.normal(size=(12, 1))
    # All errors are far below the noise: all weights are 1, as in scipy's spline.
    from scipy.interpolate import make_smoothing_spline

    expected = make_smoothing_spline(time_s, values[:, 0], lam=100.0)(time_s)
    np.testing.assert_allclose(smooth(time_s, values, 1e6)[:, 0], expected, atol=1e-8)


@pytest.mark.parametrize("size", [2, 3, 4, 50])
def test_velocity_is_that_of_the_natural_spline(size: int) -> None:
    from scipy.interpolate import CubicSpline

    rng = np.random.default_rng(size)
    time_s = np.cumsum(rng.uniform(0.5, 5.0, size))
    position = rng.normal(0.0, 100.0, (size, 3))
    expected = np.diff(position, axis=0).repeat(2, axis=0) / np.diff(time_s)[0]
    if size > 2:
        expected = CubicSpline(time_s, position, bc_type="natural")(time_s, 1)
    np.testing.assert_allclose(natural_spline_velocity(time_s, position), expected, rtol=1e-9)
