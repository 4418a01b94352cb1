"""Sound in open air against printed tables, and microphones against the laws they follow."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import stage
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from scipy import special

from sensors.acoustic import Acoustic, arrivals
from sensors.detection import detection_probability
from sensors.refraction import creeping_db_per_m, shadow_reach_m
from sensors.registry import SensorSpec
from sensors.scene import Scene
from sensors.sound import (
    a_weighting_db,
    absorption_db_per_m,
    speed_of_sound_mps,
    wind_noise_dba,
)
from sim.core.tables import AZIMUTH, ELEVATION, FALSE_ALARM, Floats, Plots, Visibility
from sim.world.frames import Frame

FRAME = Frame.at(0.9, 0.1, 0.0)
MINI_DRONE: dict[str, Any] = {"acoustic_db": 75.0, "acoustic_hz": 1000.0}
PISTON: dict[str, Any] = {"acoustic_db": 115.0, "acoustic_hz": 150.0}


def built(preset: str = "acoustic-node", changes: dict[str, Any] | None = None, **air: Any) -> Any:
    spec = TypeAdapter(SensorSpec).validate_python(
        {"kind": "acoustic", "id": "ears", "preset": preset, **(changes or {})}
    )
    return stage.build(spec, FRAME, [0.0, 0.0, 10.0], **air)


def flying(place: Any, velocity: Any = (0.0, 0.0, 0.0), size: int = 1, **given: Any) -> stage.Fakes:
    place, velocity = np.array(place, float), np.array(velocity, float)

    def path(time_s: Floats, row: NDArray[np.intp]) -> Floats:
        starts: Floats = place if place.ndim == 1 else place[row]
        return starts + time_s[:, None] * velocity

    return stage.fakes(path, size, **given)


def heard(ears: Acoustic, targets: stage.Fakes, start_s: float, end_s: float, seed: int) -> Plots:
    scene = Scene(targets, targets.truth(start_s), targets.truth(end_s))  # type: ignore[arg-type]
    return ears.observe(scene, np.random.default_rng(seed))


# Air --------------------------------------------------------------------------------------

#: ISO 9613-2:1996, table 2: dB/km for octave bands from 63 Hz to 8 kHz.
ABSORPTION_DB_PER_KM = {
    (10.0, 70.0): (0.1, 0.4, 1.0, 1.9, 3.7, 9.7, 32.8, 117.0),
    (20.0, 70.0): (0.1, 0.3, 1.1, 2.8, 5.0, 9.0, 22.9, 76.6),
    (30.0, 70.0): (0.1, 0.3, 1.0, 3.1, 7.4, 12.7, 23.1, 59.3),
    (15.0, 20.0): (0.3, 0.6, 1.2, 2.7, 8.2, 28.2, 88.8, 202.0),
    (15.0, 50.0): (0.1, 0.5, 1.2, 2.2, 4.2, 10.8, 36.2, 129.0),
    (15.0, 80.0): (0.1, 0.3, 1.1, 2.4, 4.1, 8.3, 23.7, 82.8),
}
#: Exact midband frequencies, for which the table was made.
MIDBAND_HZ = 1000.0 * 10.0 ** (0.3 * np.arange(-4, 4))


@pytest.mark.parametrize(("air", "printed"), ABSORPTION_DB_PER_KM.items())
def test_absorption_is_that_of_the_printed_table(
    air: tuple[float, float], printed: tuple[float, ...]
) -> None:
    found = 1e3 * absorption_db_per_m(MIDBAND_HZ, *air)
    np.testing.assert_allclose(found, printed, rtol=0.01, atol=0.051)


def test_speed_of_sound() -> None:
    assert speed_of_sound_mps(20.0) == pytest.approx(343.2)
    assert speed_of_sound_mps(0.0) == pytest.approx(331.3, abs=0.1)


def test_a_weighting_is_that_of_the_printed_table() -> None:
    """IEC 61672-1, table 3, at exact midband frequencies."""
    hz = 1000.0 * 10.0 ** (0.1 * np.array([-12, -10, -8, -7, -3, 0, 3, 4, 9]))
    np.testing.assert_allclose(
        a_weighting_db(hz), [-26.2, -19.1, -13.4, -10.9, -3.2, 0.0, 1.2, 1.3, -1.1], atol=0.06
    )


def test_wind_is_loud_at_low_frequencies_and_grows_fast() -> None:
    """Strasberg by hand: V 10 m/s, D 0.1 m, f 100 Hz: 40 − 0 + 15 dB, less 19.1 dB for A."""
    assert wind_noise_dba(100.0, 10.0, 0.1) == pytest.approx(55.0 - 19.1, abs=0.1)
    twice = wind_noise_dba(100.0, 20.0, 0.1) - wind_noise_dba(100.0, 10.0, 0.1)
    assert twice == pytest.approx(63.0 * np.log10(2.0), abs=1e-9)
    assert wind_noise_dba(100.0, 0.0, 0.1) == -np.inf


# Wind -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("wind", "rough", "height"), [(3.0, 0.1, 50.0), (10.0, 0.03, 300.0)])
def test_a_grazing_ray_is_that_of_snells_law(wind: float, rough: float, height: float) -> None:
    """Traced step by step through the wind, exactly: tan² θ = c² / (c − u)² − 1."""
    c = 340.0
    z = rough * np.exp(np.linspace(0.0, np.sqrt(np.log(height / rough)), 20_001)[1:] ** 2)
    cosine = 1.0 - wind * np.log(z / rough) / np.log(10.0 / rough) / c
    across = np.trapezoid(1.0 / np.sqrt(1.0 / cosine**2 - 1.0), z)
    assert shadow_reach_m(height, wind, c, rough) == pytest.approx(across, rel=0.04)


def test_the_shadow_comes_nearer_with_the_wind_and_not_at_all_downwind() -> None:
    reach = shadow_reach_m(100.0, np.array([-5.0, 0.0, 2.5, 10.0]), 340.0, 0.1)
    assert np.isinf(reach[:2]).all()
    assert reach[2] == pytest.approx(2.0 * reach[3])
    assert shadow_reach_m(0.0, 5.0, 340.0, 0.1) < 1e-6


def test_creeping_sound_dies_as_the_first_mode_of_a_linear_profile() -> None:
    """k_x² = k² + (2 k² / R)^⅔ a e^(iπ/3), Ai(−a) = 0: the pressure is none on soft ground."""
    k, radius, zero = 2.0 * np.pi * 500.0 / 340.0, 2000.0, -special.ai_zeros(1)[0][0]
    mode = np.sqrt(k**2 + (2.0 * k**2 / radius) ** (2 / 3) * zero * np.exp(1j * np.pi / 3.0))
    assert creeping_db_per_m(500.0, radius, 340.0) == pytest.approx(8.685889 * mode.imag, rel=5e-3)


def test_against_the_wind_a_piston_engine_is_lost_long_before_it_is_downwind() -> None:
    reach = {}
    for name, wind_from in (("downwind", 0.0), ("across", 90.0), ("upwind", 180.0)):
        ears = built(wind_mps=5.0, wind_from_deg=wind_from)
        pd = []
        range_m = np.geomspace(100.0, 6000.0, 80)
        for slant_m in range_m:
            alone = flying([0.0, np.sqrt(slant_m**2 - 90.0**2), 100.0], **PISTON)
            pd.append(ears.visibility(alone, alone.truth(100.0))[0][0])
        reach[name] = range_m[np.array(pd) >= 0.5].max()
    assert reach["downwind"] == reach["across"]
    assert reach["downwind"] > 2500.0
    assert 300.0 < reach["upwind"] < 0.5 * reach["downwind"]


def test_the_shadow_begins_at_its_edge_and_is_never_deeper_than_told() -> None:
    ears = built(wind_mps=5.0, wind_from_deg=180.0)
    edge = sum(
        float(shadow_reach_m(height, 5.0, speed_of_sound_mps(15.0), 0.1)) for height in (60.0, 10.0)
    )
    across = np.array([edge - 1.0, edge + 10.0, edge + 2000.0])
    rise = np.full(3, 50.0)
    polar = np.column_stack([np.hypot(across, rise), 0.0 * rise, np.arctan2(rise, across), rise])
    lost = ears.shadow_db(polar, np.full(3, 300.0))
    assert lost[0] == 0.0
    assert 0.1 < lost[1] < 10.0
    assert lost[2] == 25.0
    polar[:, 1] = np.pi  # the wind carries it
    assert not ears.shadow_db(polar, np.full(3, 300.0)).any()
    still = built(wind_mps=0.0)
    assert not still.shadow_db(polar, np.full(3, 300.0)).any()


# Delay ------------------------------------------------------------------------------------


def test_a_sound_at_three_kilometres_is_almost_nine_seconds_old() -> None:
    still = flying([0.0, 3000.0, 0.0], **PISTON)
    sounded, _, _ = arrivals(still, np.array([100.0]), np.array([0]), np.zeros(3), 343.0)
    assert 100.0 - sounded[0] == pytest.approx(8.7, abs=0.05)


@pytest.mark.parametrize("speed", [-280.0, -50.0, 50.0, 280.0])
def test_retarded_time_solves_its_equation(speed: float) -> None:
    """On a straight path (x − v d)² + y² = c² d²: the quadratic formula, by hand."""
    c, y, x = 340.0, 800.0, 2000.0
    passing = flying([x, y, 0.0], [speed, 0.0, 0.0], **PISTON)
    sounded, place, _ = arrivals(passing, np.array([10.0]), np.array([0]), np.zeros(3), c)
    x10 = x + 10.0 * speed
    a, b, k = c**2 - speed**2, 2.0 * speed * x10, -(x10**2 + y**2)
    delay = (-b + np.sqrt(b**2 - 4 * a * k)) / (2 * a)
    assert 10.0 - sounded[0] == pytest.approx(delay, abs=1e-4)
    assert place[0, 0] == pytest.approx(x10 - delay * speed, abs=0.03)


def test_nothing_is_heard_before_it_can_arrive() -> None:
    newcomer = flying([0.0, 3430.0, 300.0], **PISTON)
    newcomer.span_s = (0.0, np.inf)
    ears = built(temperature_c=20.0)
    assert len(heard(ears, newcomer, 0.0, 9.0, 1)) == 0
    assert len(heard(ears, newcomer, 11.0, 60.0, 1)) > 10
    assert ears.visibility(newcomer, newcomer.truth(5.0))[1][0] == Visibility.SILENT


def test_faster_than_its_sound_it_is_not_heard() -> None:
    comet = flying([0.0, 9000.0, 10.0], [0.0, -500.0, 0.0], acoustic_db=150.0, acoustic_hz=300.0)
    comet.span_s = (0.0, np.inf)
    found = heard(built(changes={"pfa": 1e-12}), comet, 0.0, 16.0, 1)
    assert len(found) == 0


def test_bearing_points_to_where_it_was_and_its_sigma_says_so() -> None:
    """Abeam the direction lags by v / c whatever the distance: one sigma at that speed."""
    changes = {"expected_speed_mps": 50.0, "angle_sigma_min_deg": 0.01, "microphones": 4096}
    ears = built(changes=changes, temperature_c=20.0)
    for range_m in (300.0, 1500.0):
        passing = flying([-50.0 * 30.0, range_m, 10.0], [50.0, 0.0, 0.0], **PISTON)
        plots = heard(ears, passing, 29.5, 30.0, 3)
        lag = -np.angle(np.exp(1j * plots.measurement[0, AZIMUTH]))
        assert lag == pytest.approx(np.arctan(50.0 / 343.2), abs=0.02)
        assert plots.sigma[0, AZIMUTH] == pytest.approx(50.0 / 343.2, rel=0.05)


# Detection --------------------------------------------------------------------------------


def test_level_and_noise_by_hand() -> None:
    ears = built(wind_mps=0.0, background_noise_dba=40.0)
    target = flying([0.0, 100.0, 10.0], **MINI_DRONE)
    level = ears.level_dba(target.signatures, np.array([0]), np.array([100.0]))
    assert level[0] == pytest.approx(75.0 - 40.0 - 0.42 - 0.2, abs=0.05)
    assert ears.noise_dba(np.array([1000.0]))[0] == pytest.approx(39.0)


def test_a_node_hears_a_quadcopter_at_a_hundred_metres_and_a_piston_engine_at_kilometres() -> None:
    """TU Delft: 80 to 100 m for four microphones; 3 to 5 km is the usual assumption."""
    reach = {}
    for name, given in (("quadcopter", MINI_DRONE), ("piston", PISTON)):
        range_m = np.geomspace(20.0, 6000.0, 200)
        places = np.stack([0 * range_m, range_m, 0 * range_m + 10.0], axis=1)
        pd = []
        for place in places:
            alone = flying(place, **given)
            pd.append(built().visibility(alone, alone.truth(100.0))[0][0])
        reach[name] = float(range_m[np.array(pd) >= 0.5].max())
    assert 80.0 < reach["quadcopter"] < 110.0
    assert 3000.0 < reach["piston"] < 5000.0


@pytest.mark.slow
@pytest.mark.parametrize("range_m", [70.0, 100.0, 130.0])
def test_detection_rate_is_that_of_the_closed_form(range_m: float) -> None:
    ears, target = built(), flying([0.0, range_m, 10.0], **MINI_DRONE)
    looks = 4000
    plots = heard(ears, target, 0.0, looks * ears.period_s, 5)
    found = int((plots.truth_id == 0).sum())
    pd = float(ears.visibility(target, target.truth(10.0))[0][0])
    level = ears.level_dba(target.signatures, np.array([0]), np.array([range_m]))
    excess_db = level[0] - ears.noise_dba(np.array([1000.0]))[0] + 10.0 * np.log10(4)
    snr = np.array([10.0 ** (excess_db / 10.0)])
    assert pd == pytest.approx(float(detection_probability(snr, 1e-3, 10, np.array([2]))[0]))
    assert found / looks == pytest.approx(pd, abs=4.0 * np.sqrt(pd * (1 - pd) / looks))


@pytest.mark.slow
def test_errors_are_as_stated() -> None:
    ears = built("acoustic-array", changes={"expected_speed_mps": 0.0, "pfa": 1e-9})
    target = flying([60.0, 200.0, 90.0], acoustic_db=85.0, acoustic_hz=1000.0)
    plots = heard(ears, target, 0.0, 2000.0, 7)
    exact = np.array([np.arctan2(60.0, 200.0), np.arctan2(80.0, np.hypot(60.0, 200.0))])
    off = (plots.measurement[:, [AZIMUTH, ELEVATION]] - exact) / plots.sigma[:, 1:3]
    assert len(plots) > 1000
    np.testing.assert_allclose(off.std(axis=0), 1.0, atol=0.06)
    np.testing.assert_allclose(off.mean(axis=0), 0.0, atol=0.1)


@pytest.mark.slow
def test_false_alarms_are_as_dense_as_stated() -> None:
    ears = built("acoustic-array", changes={"pfa": 0.02})
    nobody = flying([0.0, 0.0, 100.0], acoustic_db=-np.inf)
    looks = 20_000
    plots = heard(ears, nobody, 0.0, looks * ears.period_s, 9)
    assert (plots.truth_id == FALSE_ALARM).all()
    area = 2.0 * np.pi * float(np.ptp(ears.elevation_rad))
    expected = ears.clutter_density * area * looks
    assert len(plots) == pytest.approx(expected, abs=4.0 * np.sqrt(expected))
    assert np.histogram(plots.measurement[:, AZIMUTH], 4)[0] == pytest.approx(len(plots) / 4, 0.3)


def test_a_louder_neighbour_drowns_a_quiet_one() -> None:
    ears = built()
    both = flying(
        [[0.0, 60.0, 10.0], [0.0, 900.0, 10.0]], size=2,
        acoustic_db=[75.0, 130.0], acoustic_hz=[1000.0, 100.0],
    )  # fmt: skip
    pd, code = ears.visibility(both, both.truth(100.0))
    assert code.tolist() == [Visibility.UNRESOLVED, Visibility.VISIBLE]
    assert pd[0] > 0.9  # alone
    plots = heard(ears, both, 0.0, 60.0, 3)
    assert (plots.truth_id == 1).sum() > 50
    assert (plots.truth_id == 0).sum() < 5


def test_wind_deafens() -> None:
    target = flying([0.0, 2500.0, 10.0], **PISTON)
    pd = [
        built(wind_mps=wind).visibility(target, target.truth(100.0))[0][0]
        for wind in (3.0, 10.0, 18.0)
    ]
    assert pd[0] > 0.99
    assert pd[0] >= pd[1] > pd[2]
    assert pd[2] < 0.1


def test_windows_neither_miss_nor_repeat() -> None:
    ears = built(changes={"pfa": 1e-12})
    target = flying([0.0, 30.0, 10.0], acoustic_db=100.0)
    cuts = np.array([0.0, 0.3, 1.0, 1.7, 2.0, 5.5, 8.0])
    times = [heard(ears, target, a, b, 1).time_s for a, b in pairwise(cuts)]
    np.testing.assert_array_equal(np.concatenate(times), np.arange(1.0, 9.0))


def test_same_seed_same_plots_and_nothing_of_the_absent() -> None:
    ears, target = built(), flying([0.0, 80.0, 10.0], **MINI_DRONE)
    one, other = heard(ears, target, 0.0, 50.0, 4), heard(ears, target, 0.0, 50.0, 4)
    np.testing.assert_array_equal(one.measurement, other.measurement)
    target.span_s = (1e6, 2e6)
    assert not (heard(ears, target, 0.0, 50.0, 4).truth_id == 0).any()
    assert ears.visibility(target, target.truth(1.0))[1][0] == Visibility.ABSENT


def test_one_microphone_tells_no_direction() -> None:
    with pytest.raises(ValidationError, match="2 microphones tell no direction: an azimuth takes"):
        built(changes={"microphones": 2})
    with pytest.raises(ValidationError, match="azimuth and elevation takes 4 or more"):
        built("acoustic-array", changes={"microphones": 3})
