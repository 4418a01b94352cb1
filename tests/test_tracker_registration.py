"""Registration inside the tracker: biased radars, corrected while they run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from reference import polar

from sim.core.tables import Plots
from sim.tracking import SensorModels, Tracker, TrackerConfig

SIGMA = np.array([20.0, 0.002, 0.002])
BIAS = np.array([[60.0, 0.006, -0.003], [-40.0, -0.005, 0.004]])
TARGETS, PERIOD_S, SCANS = 12, 2.0, 40


def two_radars() -> SensorModels:
    return SensorModels(
        origin_enu_m=np.array([[0.0, 0.0, 0.0], [30e3, 5e3, 0.0]]),
        enu_R_sensor=np.stack([np.eye(3)] * 2),
        height_m=np.zeros(2),
        period_s=np.full(2, PERIOD_S),
        measures=np.array([[True, True, True, False]] * 2),
        clutter_density=np.full(2, 1e-8),
        id=np.array(["first", "second"]),
    )


def followed(
    registration: bool, association: str, late_s: float = 0.0, **settings: Any
) -> tuple[Tracker, np.ndarray]:
    """The tracker after all scans, and the confirmed tracks' distances to the truth.

    The second radar's plots come ``late_s`` after the others of their time.
    """
    models = two_radars()
    rng = np.random.default_rng(4)
    position = np.column_stack(
        [
            rng.uniform(-10e3, 40e3, TARGETS),
            rng.uniform(-30e3, 30e3, TARGETS),
            rng.uniform(3e3, 9e3, TARGETS),
        ]
    )
    velocity = np.column_stack([rng.normal(0.0, 120.0, (TARGETS, 2)), np.zeros(TARGETS)])
    config = TrackerConfig(
        registration=registration,
        association=association,
        process_noise_m2ps3=1.0,
        vertical_process_noise_m2ps3=0.1,
        **settings,
    )
    tracker = Tracker(config, models)
    waiting: list[Plots] = []
    for k in range(SCANS):
        tables = []
        for s in range(2):
            t = k * PERIOD_S + s
            state = np.column_stack([position + t * velocity, velocity])
            z = np.array(
                [polar(x, models.origin_enu_m[s], models.enu_R_sensor[s])[:3] for x in state]
            )
            z += BIAS[s] + SIGMA * rng.normal(size=z.shape)
            tables.append(Plots.of(t, s, z, SIGMA))
        waiting.append(tables.pop())
        if k * PERIOD_S >= late_s:
            tables.append(waiting.pop(0))
        tracker.process(Plots.concatenate(tables), until_s=k * PERIOD_S + 1.0)
    picture = tracker.picture()
    shown = picture.position_enu_m[picture.confirmed]
    truth = position + picture.time_s * velocity
    return tracker, np.linalg.norm(truth[:, None] - shown[None], axis=2).min(axis=1)


@pytest.mark.parametrize("association", ["gnn", "jpda"])
def test_biases_are_found_and_removed(association: str) -> None:
    tracker, error_m = followed(True, association)
    biases = tracker.biases()
    assert biases is not None
    apart = np.abs(biases.value[:, :3] - BIAS)
    assert (apart < 4.0 * biases.sigma[:, :3]).all()
    assert (biases.sigma[:, 1] < 0.001).all()
    assert biases.pairs.min() > 100
    _, without_m = followed(False, association)
    assert np.median(error_m) < 0.5 * np.median(without_m)


def test_late_plots_are_learned_from_once_they_are_final() -> None:
    tracker, _ = followed(True, "gnn", late_s=4.0, lag_s=6.0)
    biases = tracker.biases()
    assert biases is not None
    assert tracker.rejected.total == 0
    assert (np.abs(biases.value[:, :3] - BIAS) < 4.0 * biases.sigma[:, :3]).all()
    # All pairs have a late plot; what came in the last six seconds is not final.
    assert biases.pairs.min() > 150
    assert tracker.time_s - 10.0 < biases.time_s < tracker.time_s - 5.0


def test_a_reference_gives_the_others_its_own_bias() -> None:
    tracker, _ = followed(True, "gnn", reference_sensors=["first"])
    biases = tracker.biases()
    assert biases is not None
    assert biases.value[0, :3].tolist() == [0.0] * 3
    assert biases.pairs.min() > 100


def test_without_registration_there_are_no_biases() -> None:
    assert Tracker(TrackerConfig(), two_radars()).biases() is None
