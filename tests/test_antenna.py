"""Antenna patterns: widths, side lobes, shapes in elevation, loss of scanning."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sensors.antenna import Antenna, faces, off_face_rad

PENCIL = Antenna(34.0, np.radians(2.0), np.radians(4.0), sidelobe_db=-28.0)
CSC = replace(
    PENCIL,
    pattern="cosecant-squared",
    elevation_beamwidth_rad=np.radians(4.8),
    elevation_rad=(np.radians(-0.5), np.radians(40.0)),
)


def test_half_power_half_a_beamwidth_off() -> None:
    assert PENCIL.gain_db(0.0, 0.0) == pytest.approx(34.0)
    assert PENCIL.gain_db(np.radians([1.0, -1.0]), 0.0) == pytest.approx([31.0, 31.0])
    assert PENCIL.gain_db(0.0, np.radians(2.0)) == pytest.approx(31.0)


def test_sidelobes_start_at_the_stated_level_and_only_fall() -> None:
    off = np.radians(np.linspace(0.0, 180.0, 3601))
    gain = PENCIL.relative_db(off, 0.0)
    assert np.all(np.diff(gain) <= 1e-12)
    first = np.sqrt(28.0 / 12.0) * np.radians(2.0)
    assert PENCIL.relative_db(first, 0.0) == pytest.approx(-28.0)
    assert PENCIL.relative_db(10.0 * first, 0.0) == pytest.approx(-44.0)  # floor: -10 dBi
    assert PENCIL.relative_db(2.0 * first, 0.0) == pytest.approx(-28.0 - 25.0 * np.log10(2.0))
    assert gain[-1] + 34.0 == pytest.approx(-10.0)


def test_a_turn_further_is_the_same_direction() -> None:
    off = np.array([0.01, 0.3, 3.0])
    assert PENCIL.gain_db(off + 2 * np.pi, 0.02) == pytest.approx(PENCIL.gain_db(off, 0.02))


def test_near_the_reference_pattern_of_itu_r_f_699() -> None:
    """D/λ = 100: 47.7 dBi, first side lobe 32 dBi, 32 − 25 log φ at 5 and 10 degrees.

    Recommendation ITU-R F.699-8; its plateau after the first side lobe is left out here.
    """
    dish = Antenna(47.7, np.radians(0.7), np.radians(0.7), sidelobe_db=32.0 - 47.7)
    published = np.array([32.0 - 25.0 * np.log10(5.0), 7.0])
    assert dish.gain_db(np.radians([5.0, 10.0]), 0.0) == pytest.approx(published, abs=2.6)


def test_a_cosecant_squared_beam_sees_one_height_equally_at_any_range() -> None:
    elevation = np.radians([6.0, 12.0, 24.0, 39.0])
    height_m = 5000.0
    range_m = height_m / np.sin(elevation)
    off = elevation - CSC.centre_rad(elevation)
    echo_db = 2.0 * CSC.relative_db(0.0, off) - 40.0 * np.log10(range_m)
    assert np.ptp(echo_db) < 1e-9
    # Continuous where the tail starts, 3 dB below the nose; over at the upper limit.
    start = np.radians(4.3)
    around = CSC.relative_db(0.0, start + np.array([-1e-9, 1e-9]) - CSC.centre_rad(0.0))
    assert around == pytest.approx([-3.0, -3.0], abs=1e-6)
    assert CSC.relative_db(0.0, np.radians(41.0) - CSC.centre_rad(0.0)) < -28.0


def test_a_fan_has_half_power_at_both_ends() -> None:
    fan = replace(
        PENCIL,
        pattern="fan",
        elevation_beamwidth_rad=np.radians(20.0),
        elevation_rad=(np.radians(-10.0), np.radians(10.0)),
    )
    ends = np.radians([-10.0, 10.0])
    assert fan.relative_db(0.0, ends - fan.centre_rad(ends)) == pytest.approx([-3.0, -3.0])


def test_scanning_costs_the_cosine_to_a_power() -> None:
    array = replace(PENCIL, scan_exponent=1.5, tilt_rad=np.radians(15.0))
    assert array.scan_loss_db(0.0, np.radians(15.0)) == pytest.approx(0.0)
    assert array.scan_loss_db(np.radians(60.0), np.radians(15.0)) == pytest.approx(
        15.0 * np.log10(2.0)
    )
    assert PENCIL.scan_loss_db(1.0, 1.0) == pytest.approx(0.0)


def test_faces_share_a_sector() -> None:
    assert [faces(np.radians(w)) for w in (90.0, 120.0, 121.0, 360.0)] == [1, 1, 2, 3]
    all_round = np.array([0.0, np.pi])
    azimuth = np.radians([0.0, 60.1, 120.0, 240.0, 300.0, 359.0])
    off = np.degrees(off_face_rad(azimuth, all_round))
    assert off == pytest.approx([0.0, -59.9, 0.0, 0.0, -60.0, -1.0], abs=1e-6)
    assert np.degrees(off_face_rad(np.radians(30.0), np.radians([10.0, 45.0]))) == pytest.approx(20)
