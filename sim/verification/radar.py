"""Radars against published numbers: search form, antennas, pulse rates, bistatic geometry."""

from __future__ import annotations

from functools import partial

import numpy as np

from sensors.antenna import Antenna, beam_shape_loss_db
from sensors.detection import radar_snr
from sensors.folding import folded_range_m, folded_rate_mps
from sensors.mti import blind_speed_mps, unambiguous_range_m
from sensors.radar_equation import bistatic_snr, power_aperture_w_m2, search_snr, solid_angle_sr
from sensors.scheduling import Raster, Timetable
from sim.verification.check import Check

_SEARCH = "MathWorks, documentation of radareqsearchsnr"
_POWER = "MathWorks, documentation of radareqsearchpap"
_SKOLNIK = "Skolnik, Introduction to Radar Systems, 3rd ed., 2001"
_SIX_DECIBELS = 10.0**0.6


def _search_db() -> float:
    snr = search_snr(
        1000e3,
        0.1,
        power_aperture_w_m2=3e6,
        search_time_s=10.0,
        solid_angle_sr=solid_angle_sr(np.radians(30.0), 0.0, np.radians(45.0)),
        system_temperature_k=487.0,
        losses=_SIX_DECIBELS,
    )
    return float(10.0 * np.log10(snr))


def _power_aperture() -> float:
    return power_aperture_w_m2(
        111e3,
        1.0,
        10.0**1.3,
        search_time_s=60.0 / 12.5,
        solid_angle_sr=solid_angle_sr(2.0 * np.pi, 0.0, np.radians(45.0)),
        system_temperature_k=487.0,
        losses=100.0,
    )


def _relative_db(off_beamwidths: float, sidelobe_db: float = -25.0) -> float:
    antenna = Antenna(35.0, 0.04, 0.08, sidelobe_db)
    return float(antenna.relative_db(0.04 * off_beamwidths, 0.0))


def _far_sidelobe_dbi(off_deg: float) -> float:
    """Antenna of 100 wavelengths: 47.7 dBi, half power over 0.7°, first side lobe 32 dBi."""
    dish = Antenna(47.7, np.radians(0.7), np.radians(0.7), 32.0 - 47.7)
    return float(dish.gain_db(np.radians(off_deg), 0.0))


def _cosecant_db() -> float:
    antenna = Antenna(
        34.0,
        np.radians(1.45),
        np.radians(4.8),
        -24.5,
        "cosecant-squared",
        (np.radians(1.2), np.radians(40.0)),
    )
    off = np.radians([30.0, 6.0]) - antenna.centre_rad(0.0)
    high, low = antenna.relative_db(0.0, off)
    return float(high - low)


def _scan_db() -> float:
    array = Antenna(35.0, 0.04, 0.04, scan_exponent=1.5)
    return float(array.scan_loss_db(np.radians(60.0), 0.0))


def _bistatic_db() -> float:
    """Of a bistatic radar whose both ends are at one place, against a pulse radar."""
    common = {"frequency_hz": 1e9, "system_temperature_k": 290.0, "losses": 2.0}
    pulse = radar_snr(50e3, 1.0, peak_power_w=1e6, pulse_width_s=2e-7, gain=100.0, **common)
    both = bistatic_snr(50e3, 50e3, 1.0, erp_w=1e8, gain=100.0, integration_s=2e-7, **common)
    return float(10.0 * np.log10(both / pulse))


def _path_cell_m(preset: str) -> float:
    """Return the path cell of a passive radar of a preset, as built."""
    from sim.verification.setting import sensors_of

    tower = {"latitude_deg": 52.0, "longitude_deg": 5.4, "height_agl_m": 250.0}
    illuminators = [{"id": "tower", "position": tower}]
    (radar,) = sensors_of("passive-radar", preset, illuminators=illuminators)
    return float(radar.resolution[0])


def _served(task: int) -> float:
    """Return the share that a saturated radar gives of 400 tracks' dwells, or of its search.

    Of 0.95 s a second, 150 beams of 10 ms each 2 s and 400 dwells of 5 ms ask for 0.75 and 2 s;
    a quarter is the search's.
    """
    beams = Raster.over(
        np.radians([0.0, 45.0]), np.radians([0.0, 20.0]), np.radians(3.0), np.radians(4.0)
    )
    table = Timetable(beams, 2.0, 1.0, 0.01, 0.005, 0.25, 0.05)
    cues, seen = np.arange(1, 401, dtype=np.int32), np.ones(400, bool)
    plans = [table.dwells(t, t + 1.0, cues, seen) for t in range(200)]
    used, wanted = (sum(getattr(p, name) for p in plans) for name in ("used_s", "wanted_s"))
    return float(used[task] / wanted[task])


CHECKS: tuple[Check, ...] = (
    Check("search radar equation: SNR at 1000 km", "dB", 13.8182, _search_db, 5e-5, _SEARCH),
    Check(
        "second time around: 100 km at 1800 Hz appears at",
        "km",
        16.7243,
        lambda: 1e-3 * folded_range_m(100e3, float(unambiguous_range_m(1800.0))),
        1e-3,
        f"100 km less c / (2 PRF), by hand ({_SKOLNIK}, ch. 1)",
    ),
    Check(
        "100 m/s at 9.4 GHz and 5 kHz appears as",
        "m/s",
        20.2678,
        lambda: folded_rate_mps(100.0, float(blind_speed_mps(9.4e9, 5e3))),
        1e-3,
        f"100 m/s less the first blind speed, by hand ({_SKOLNIK}, ch. 3)",
    ),
    Check(
        "search radar equation: power-aperture for 111 km",
        "W m²",
        2.3689e4,
        _power_aperture,
        0.5,
        _POWER,
    ),
    Check(
        "antenna half a beamwidth off",
        "dB",
        -3.0,
        partial(_relative_db, 0.5),
        0.02,
        "IEEE Std 145-2013: definition of the half-power beamwidth",
    ),
    Check(
        "side lobe at 90°, 100 wavelengths",
        "dBi",
        -10.0,
        partial(_far_sidelobe_dbi, 90.0),
        0.1,
        "Recommendation ITU-R F.699: −10 dBi from 48° on",
    ),
    Check(
        "side lobe at 20° below that at 10°",
        "dB",
        7.526,
        lambda: _far_sidelobe_dbi(10.0) - _far_sidelobe_dbi(20.0),
        0.01,
        "Recommendation ITU-R F.699: gain falls by 25 log φ",
    ),
    Check(
        "cosecant-squared beam, 30° against 6°",
        "dB",
        -13.59,
        _cosecant_db,
        0.01,
        "Recommendation ITU-R M.1851: (sin θ₁ / sin θ)², Radar C of M.1464",
    ),
    Check("loss of scanning by 60°, cos^1.5", "dB", 4.515, _scan_db, 1e-3, f"{_SKOLNIK}, ch. 9"),
    Check(
        "beam-shape loss, two dimensions",
        "dB",
        3.2,
        partial(beam_shape_loss_db, 2),
        1e-9,
        "Barton, Modern Radar System Analysis, 1988: 1.6 dB each",
    ),
    *(
        Check(
            f"saturated array radar: share of {what} that is served",
            "",
            share,
            partial(_served, task),
            1e-9,
            "b/d of a demand d over a budget b, by hand: ⌊712.5/5⌋ of 400, ⌊240/10⌋ of 75",
        )
        for task, what, share in ((0, "search", 24 / 75), (1, "track dwells", 142 / 400))
    ),
    Check(
        "unambiguous range, 1 kHz",
        "km",
        149.896,
        lambda: unambiguous_range_m(1000.0) / 1e3,
        1e-3,
        f"{_SKOLNIK}, ch. 1",
    ),
    Check(
        "bistatic radar, both ends at one place, against pulse radar",
        "dB",
        0.0,
        _bistatic_db,
        1e-9,
        "Willis, Bistatic Radar, 1991: the monostatic equation is its special case",
    ),
    *(
        Check(
            f"path cell of {what}",
            "m",
            cell_m,
            partial(_path_cell_m, preset),
            0.001 * cell_m,
            "c / B, by hand (Griffiths and Baker, IEE Proc. Radar Sonar Navig. 152(3), 2005)",
        )
        for what, preset, cell_m in (
            ("FM radio, 50 kHz", "fm", 5995.8),
            ("DAB, 1.536 MHz", "dab", 195.18),
            ("DVB-T, 7.61 MHz", "dvb-t", 39.394),
        )
    ),
)
