"""Time differences and strobes aboard: about where the sensor is, and tracked from there."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stage
from pydantic import TypeAdapter
from small_scenarios import world_of
from test_aboard import CARRIER, FRAME, on_lines
from test_jamming import STARING, carried, jammer

from sensors.aboard import Carrier, moved, observe_aboard
from sensors.detection import SPEED_OF_LIGHT_MPS
from sensors.mount import Mount
from sensors.radar import RadarSpec
from sensors.registry import SensorSpec
from sensors.scene import Scene
from sensors.time_difference import TimeDifference
from sim.core.tables import FALSE_ALARM, Floats, Plots, Truth, Visibility
from sim.engine.platforms import Platforms
from sim.engine.step import run
from sim.world.attackers import GROUND, Attacker, Attackers
from sim.world.surroundings import Surroundings
from sim.world.truth import Targets


def around() -> Surroundings:
    return stage.surroundings(FRAME)


def watched(sensor: Any, targets: Targets, times_s: Floats) -> tuple[Plots, list[Any]]:
    """Plots of a sensor aboard target 0, and the sensor as it was for each of them."""
    rng, plots, sensors = np.random.default_rng(3), [], []
    for start, end in pairwise([targets.truth(float(t)) for t in times_s]):
        sensor = moved(sensor, CARRIER.place(end.position_enu_m[0], around()), around())
        found = observe_aboard(sensor, CARRIER, Scene(targets, start, end), around(), rng)
        plots.append(found)
        sensors += [sensor] * len(found)
    return Plots.concatenate(plots), sensors


# Time differences ---------------------------------------------------------------------------


def network() -> tuple[TimeDifference, ...]:
    """The site's receiver, and three on the ground."""
    receivers = []
    for place in ([9e3, 0.0, 30.0], [0.0, 9e3, 10.0], [-7e3, -6e3, 20.0]):
        latitude, longitude, height = FRAME.to_geodetic(np.array(place))
        receivers.append(
            {
                "latitude_deg": float(np.degrees(latitude)),
                "longitude_deg": float(np.degrees(longitude)),
                "height_m": float(height),
            }
        )
    values = {
        "kind": "time-difference", "id": "net", "preset": "drone-link-network", "pfa": 1e-12,
        "receivers": receivers, "range_max_km": 50.0, "intercept_probability": 1.0,
        "sensitivity_dbm": -130.0,
    }  # fmt: skip
    spec = TypeAdapter(SensorSpec).validate_python(values)
    made: tuple[TimeDifference, ...] = spec.build(  # type: ignore[union-attr]
        Mount(0, "ship", np.array([0.0, 0.0, 20.0])), around()
    )
    return made


def sending() -> Targets:
    """A carrier at 100 m/s, and an emitter that flies by."""
    targets = on_lines([[0, 0, 500], [2e3, 4e3, 800]], [[100, 20, 0], [-60, 10, 0]])
    targets.signatures.rf_dbm[:] = 30.0
    return targets


def test_the_receiver_at_the_site_moves_and_the_others_stand() -> None:
    there = np.array([5e3, -2e3, 400.0])
    for pair in network():
        came = moved(pair, there, around())
        assert isinstance(came, TimeDifference)
        np.testing.assert_array_equal(came.origin_enu_m, there)
        np.testing.assert_array_equal(came.other_enu_m, pair.other_enu_m)
        baseline = np.linalg.norm(there - pair.other_enu_m) / SPEED_OF_LIGHT_MPS
        assert came.baseline_s == pytest.approx(baseline)


def test_differences_are_about_where_the_carrier_is_at_the_end() -> None:
    targets = sending()
    for pair in network():
        plots, sensors = watched(pair, targets, np.arange(0.0, 120.1, 2.0))
        assert len(plots) > 100
        assert (plots.truth_id == 1).all()  # not of what its carrier sends
        place, _ = targets.at(plots.time_s, plots.truth_id)
        here = np.array([sensor.origin_enu_m for sensor in sensors])
        near = np.linalg.norm(place - here, axis=1)
        far = np.linalg.norm(place - pair.other_enu_m, axis=1)
        normal = plots.measurement[:, 0] - (near - far) / SPEED_OF_LIGHT_MPS
        normal /= plots.sigma[:, 0]
        assert abs(normal.mean()) < 5.0 / np.sqrt(len(plots))
        assert normal.std() == pytest.approx(1.0, abs=0.3)


ABOARD = """\
schema: 1
name: network-aboard
time: {start: 2025-06-01T12:00:00Z, duration_s: 90}
seed: 7
area: {latitude_deg: 52.0, longitude_deg: 5.0}
tracker:
  association: jipda
  start_height_m: 200
  start_height_sigma_m: 150
  start_speed_sigma_mps: 25
  process_noise_m2ps3: 1
sites:
  - id: boat
    aboard: boat
    mast_m: 10
    sensors:
      - kind: time-difference
        preset: drone-link-network
        id: net
        intercept_probability: 0.95
        receivers:
          - {latitude_deg: 52.03, longitude_deg: 4.98, height_agl_m: 12}
          - {latitude_deg: 52.03, longitude_deg: 5.03, height_agl_m: 40}
          - {latitude_deg: 52.00, longitude_deg: 5.03, height_agl_m: 25}
targets:
  - id: quad
    class: mini-drone
    affiliation: hostile
    remote_id: absent
    route:
      - {latitude_deg: 52.015, longitude_deg: 4.985, height_agl_m: 150, speed_mps: 12}
      - {latitude_deg: 52.015, longitude_deg: 5.03}
  - id: boat
    class: patrol-boat
    affiliation: friend
    route:
      - {latitude_deg: 52.0, longitude_deg: 4.98, height_agl_m: 0, speed_mps: 15}
      - {latitude_deg: 51.98, longitude_deg: 4.98, height_agl_m: 0}
"""


@pytest.mark.slow
def test_a_network_with_one_receiver_aboard_makes_a_track(tmp_path: Path) -> None:
    off = []
    for shot in run(world_of(tmp_path, ABOARD)):
        tracks = shot.tracks.take(shot.tracks.confirmed)
        gap = tracks.position_enu_m[:, :2] - shot.truth.position_enu_m[0, :2]
        off.append(np.hypot(gap[:, 0], gap[:, 1]).min(initial=np.inf))
    assert np.isfinite(off).sum() > 60
    assert np.median(off[-50:]) < 25.0


# Strobes ------------------------------------------------------------------------------------

TURNING = STARING | {"update_s": None, "rate_rpm": 30, "strobes": True, "elevation_min_deg": -60}


def strobe() -> Any:
    spec = RadarSpec.model_validate({k: v for k, v in TURNING.items() if v is not None})
    return spec.build_all(Mount(0, "plane", np.array([0.0, 0.0, 20.0])), around())[1]


#: A carrier at 250 m/s, a jammer that flies by; another stands below.
PASSING = ([[0, 0, 6000], [8e3, 12e3, 5000]], [[250, 0, 0], [-200, 0, 0]])
BELOW = np.array([5e3, -6e3, 10.0])


def jamming(*attackers: Any) -> Targets:
    targets = on_lines(*PASSING)
    object.__setattr__(targets, "attackers", Attackers(noise=attackers))
    return targets


def passes(place_of: Any, targets: Targets, end_s: float) -> Floats:
    """The obvious twin: when the beam is at what is seen from the carrier at that time."""
    fine = np.arange(0.0, end_s, 0.005)
    own, _ = targets.at(fine, np.zeros(fine.size, int))
    lens = CARRIER.place(own, around())
    east, north, _ = np.einsum("kji,kj->ik", FRAME.local_axes(lens), place_of(fine) - lens)
    phase = np.unwrap(2 * np.pi * 0.5 * fine - np.arctan2(east, north)) / (2 * np.pi)
    found: Floats = fine[np.flatnonzero(np.diff(np.floor(phase)) > 0)]
    return found


@pytest.mark.parametrize("window_s", [0.7, 2.0])
@pytest.mark.parametrize("ground", [False, True], ids=["flies", "stands"])
def test_a_beam_aboard_neither_misses_nor_repeats_a_jammer(window_s: float, ground: bool) -> None:
    strong = jammer(erp_dbw=60)
    attacker = Attacker(strong, GROUND, BELOW) if ground else carried(strong, 1)
    targets = jamming(attacker)
    end_s = window_s * np.floor(100.0 / window_s)
    plots, _ = watched(strobe(), targets, np.arange(0.0, end_s + 0.1, window_s))
    # False strobes have the threshold's ratio, 10 dB.
    own = plots.take(plots.snr_db > 10.5)

    def place(fine: Floats) -> Floats:
        if ground:
            return np.tile(BELOW, (fine.size, 1))
        return targets.at(fine, np.ones(fine.size, int))[0]

    expected = passes(place, targets, end_s)
    assert len(own) == expected.size
    np.testing.assert_allclose(np.sort(own.time_s), expected, atol=0.02)
    assert (own.truth_id == (FALSE_ALARM if ground else 1)).all()


@pytest.mark.parametrize("ground", [False, True], ids=["flies", "stands"])
def test_strobes_are_about_where_the_radar_is_at_the_end(ground: bool) -> None:
    strong = jammer(erp_dbw=60)
    targets = jamming(Attacker(strong, GROUND, BELOW) if ground else carried(strong, 1))
    plots, sensors = watched(strobe(), targets, np.arange(0.0, 190.0, 2.0))
    kept = plots.snr_db > 10.5
    own, sensors = plots.take(kept), [s for s, keep in zip(sensors, kept, strict=True) if keep]
    place, _ = targets.at(own.time_s, np.ones(len(own), int))
    normal = np.empty((len(own), 2))
    for k, sensor in enumerate(sensors):
        offset = sensor.enu_R_sensor.T @ ((BELOW if ground else place[k]) - sensor.origin_enu_m)
        exact = [np.arctan2(offset[0], offset[1]), np.arcsin(offset[2] / np.linalg.norm(offset))]
        error = own.measurement[k, 1:3] - exact
        error[0] = (error[0] + np.pi) % (2 * np.pi) - np.pi
        normal[k] = error / own.sigma[k, 1:3]
    assert len(own) > 80
    assert (np.abs(normal.mean(axis=0)) < 5.0 / np.sqrt(len(own))).all()
    np.testing.assert_allclose(normal.std(axis=0), 1.0, atol=0.3)


def test_the_carriers_own_jammer_does_not_blind_it() -> None:
    """Neither what it observes, nor what is said of how it sees."""
    targets = jamming(carried(jammer(erp_dbw=60), 0))
    plots, _ = watched(strobe(), targets, np.arange(0.0, 60.0, 1.0))
    assert (plots.truth_id == FALSE_ALARM).all()
    assert len(plots) < 5
    spec = RadarSpec.model_validate({k: v for k, v in TURNING.items() if v is not None})
    here = CARRIER.place(targets.truth(0.0).position_enu_m[0], around())
    both = spec.build_all(Mount(0, "plane", here), around())
    platforms = Platforms((Carrier(0, CARRIER.mast_m),) * 2, around())
    truth: Truth = targets.truth(0.0)
    told = [platforms.visibility(sensor, targets, truth, np.tile(here, (2, 1))) for sensor in both]
    assert told[0][1].tolist() == [Visibility.ABSENT, Visibility.VISIBLE]
    assert told[1][1].tolist() == [Visibility.ABSENT, Visibility.SILENT]
