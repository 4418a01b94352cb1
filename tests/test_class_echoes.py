"""What echoes say of a target under each class, given what their sensor expects."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import stage

from sensors.abilities import ExpectsEchoes
from sensors.expectation import elevation_rad
from sensors.kernels import locate
from sensors.radar import Radar, RadarSpec
from sensors.scene import Scene
from sim.core.tables import AZIMUTH, RANGE, RANGE_RATE, Floats, Plots
from sim.engine.sensor_models import echo_facts
from sim.picture.class_models import FADING_DB, generic_models
from sim.picture.classification import rcs_from_snr
from sim.picture.echoes import aspect_db, echoes_of
from sim.picture.looks import EchoFacts, Looks
from sim.world.frames import Frame
from sim.world.presets import read_presets
from sim.world.targets import TARGET_CLASSES

MODELS = generic_models()
FRAME = Frame.at(math.radians(51.0), math.radians(5.0), 0.0)


@dataclass
class Held(stage.Fakes):
    """A target that a photograph has stopped, speed and all."""

    velocity: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def at(self, time_s: Floats, target: Any) -> tuple[Floats, Floats]:
        return self.path(time_s, target), np.tile(self.velocity, (time_s.size, 1))


def radar(preset: str, **environment: Any) -> Radar:
    spec = RadarSpec.model_validate({"kind": "radar", "id": "r", "preset": preset})
    found = stage.build(spec, FRAME, (0.0, 0.0, 15.0), **environment)
    assert isinstance(found, Radar)
    return found


def held(name: str, place: tuple[float, ...], velocity: tuple[float, ...]) -> Held:
    """Return a target with the echo of a class."""
    own = read_presets(TARGET_CLASSES)[name]

    def linear(key: str) -> Any:
        value = own[key].value
        return 0.0 if value is None else 10.0 ** (0.1 * np.array(value, float))

    signatures = stage.signatures(
        1,
        rcs_m2=linear("rcs_dbsm"),
        swerling=own["swerling"].value,
        rcs_aspect=linear("rcs_aspect_db"),
        rotor_rcs=linear("rotor_rcs_db"),
        rotor_tip_mps=own["rotor_tip_mps"].value or np.nan,
    )
    return Held(
        lambda time_s, _: np.tile(np.array(place, float), (time_s.size, 1)),
        signatures,
        velocity=velocity,  # type: ignore[arg-type]
    )


def seen(watch: Radar, target: Held, looks: int) -> Plots:
    times = np.arange(0.0, (looks + 1) * watch.period_s, watch.period_s)
    truths = [target.truth(time_s) for time_s in times]
    rng = np.random.default_rng(3)
    plots = [
        watch.observe(Scene(target, a, b), rng)  # type: ignore[arg-type]
        for a, b in pairwise(truths)
    ]
    found = Plots.concatenate(plots)
    return found.take(found.truth_id == 0)


def read(
    watch: Radar, plots: Plots, target: Held, sigma_m: float = 0.0, noise_db: float = 0.0
) -> Any:
    facts = echo_facts([watch], FRAME)
    size = len(plots)
    position, velocity = target.at(np.zeros(size), np.zeros(size, np.intp))
    looks = Looks.of(plots, np.ones(size, np.int32), facts, np.full(size, noise_db))
    height = FRAME.height_m_of(position)
    sigma = np.full(size, sigma_m)
    return echoes_of(looks, height, sigma, velocity, np.zeros(size), MODELS, facts)


@pytest.mark.parametrize(
    ("preset", "name", "place", "velocity", "environment"),
    [
        # In the tail of a cosecant-squared beam.
        ("airport-surveillance", "airliner", (9e3, 2e3, 2.5e3), (120, 200, 0), {}),
        # Between pulses and filters, through 100 km of wet air.
        (
            "mobile-multi-mission",
            "fighter",
            (60e3, 80e3, 6e3),
            (-150, -150, -10),
            {"rain_mm_per_h": 4.0},
        ),
        # Among lobes.
        ("airport-surveillance", "light-aircraft", (9e3, 9e3, 120.0), (-40, -30, 0), {}),
        # Standing still, seen by its rotor alone.
        ("mobile-multi-mission", "helicopter", (6e3, 4e3, 300.0), (0, 0, 0), {}),
    ],
)
def test_a_target_of_a_class_shows_what_the_class_should(
    preset: str,
    name: str,
    place: tuple[float, ...],
    velocity: tuple[float, ...],
    environment: dict[str, Any],
) -> None:
    watch, target = radar(preset, **environment), held(name, place, velocity)
    plots = seen(watch, target, 800)
    echoes = read(watch, plots, target)
    c = MODELS.names.index(name)
    assert len(plots) > 400
    limit = 10.0 ** (0.1 * (echoes.least_dbsm[:, c]))
    # What is over the threshold is exponential again; the mean follows from those seen.
    power = 10.0 ** (0.1 * echoes.rcs_dbsm[:, c]) - limit
    found = 10.0 * np.log10(power.mean())
    assert found == pytest.approx(MODELS.rcs_dbsm[c], abs=0.8)
    vacuum = rcs_from_snr(plots.snr_db, plots.measurement[:, RANGE], watch.snr_reference_db)
    off = 10.0 * np.log10((10.0 ** (0.1 * vacuum)).mean()) - MODELS.rcs_dbsm[c]
    assert abs(off) > 3.0


def test_unsure_places_are_averaged_as_one_by_one() -> None:
    watch = radar("airport-surveillance")
    target = held("light-aircraft", (9e3, 9e3, 150.0), (-40, -30, 0))
    plots = seen(watch, target, 6)
    sigma_m = 40.0
    echoes = read(watch, plots, target, sigma_m)
    height_m = float(FRAME.height_m_of(np.array([9e3, 9e3, 150.0])))
    quantiles = [-1.534, -0.887, -0.489, -0.157, 0.157, 0.489, 0.887, 1.534]
    velocity = np.array([-40.0, -30.0, 0.0])
    for k in range(len(plots)):
        rate = plots.measurement[k, RANGE_RATE]
        if np.isnan(rate):
            azimuth = plots.measurement[k, AZIMUTH]
            up = (150.0 - 15.0) / plots.measurement[k, RANGE]
            beam = np.array([math.sin(azimuth), math.cos(azimuth), up]) @ watch.enu_R_sensor.T
            rate = float(beam @ velocity)
        for c in range(len(MODELS)):
            rotor = MODELS.rotor[c]
            expected, weights = [], []
            aspect = aspect_db(np.array([rate]), velocity[None], MODELS)[0, c]
            for quantile in quantiles:
                snr = watch.expected_snr(
                    plots.measurement[[k], RANGE],
                    plots.measurement[[k], AZIMUTH],
                    np.array([max(height_m + quantile * sigma_m, 0.0)]),
                    np.array([rate]),
                    np.ones(1),
                    np.zeros(1, np.int32),
                    MODELS.rotor_rcs[[rotor]],
                    MODELS.rotor_tip_mps[[rotor]],
                )
                expected.append(10.0 * math.log10(max(float(snr[0]), 1e-10)) + aspect)
                spread = math.hypot(MODELS.rcs_spread_db[c], FADING_DB[1])
                margin = expected[-1] + MODELS.rcs_dbsm[c] + FADING_DB[0] - watch.snr_least_db
                weights.append(0.5 * math.erfc(-margin / spread / math.sqrt(2.0)))
            mean = np.average(expected, weights=weights)
            deviation = math.sqrt(np.average((np.array(expected) - mean) ** 2, weights=weights))
            assert echoes.rcs_dbsm[k, c] == pytest.approx(plots.snr_db[k] - mean, abs=0.02)
            assert echoes.sigma_db[k, c] == pytest.approx(deviation, abs=0.02)
            assert echoes.least_dbsm[k, c] == pytest.approx(watch.snr_least_db - mean, abs=0.02)
    assert echoes.sigma_db.max() > 1.0


def test_no_echo_at_all_and_no_looks_at_all() -> None:
    """A plot from where nothing can come is told of nobody more than of others."""
    watch = radar("airport-surveillance")
    target = held("light-aircraft", (9e3, 9e3, 500.0), (-40, -30, 0))
    plots = seen(watch, target, 2)
    below = held("light-aircraft", (9e3, 9e3, -3000.0), (-40, -30, 0))
    echoes = read(watch, plots, below)
    assert np.isfinite(echoes.rcs_dbsm).all()
    assert np.isfinite(echoes.sigma_db).all()
    none = read(watch, plots.take(np.empty(0, np.intp)), target)
    assert none.rcs_dbsm.shape == (0, len(MODELS))


def test_without_a_sensor_that_expects_echoes_come_through_a_vacuum() -> None:
    facts = EchoFacts(np.array([60.0]), np.array([12.0]), np.ones(1, bool), np.ones(1, bool))
    plots = Plots.of([1.0, 2.0], 0, [[10e3, 0.1, 0.1], [1e3, 0.1, 0.1]], 1.0, snr_db=[20.0, 60.0])
    looks = Looks.of(plots, np.array([4, 5], np.int32), facts)
    still = np.zeros((2, 3))
    echoes = echoes_of(looks, np.zeros(2), np.ones(2), still, np.ones(2), MODELS, facts)
    np.testing.assert_allclose(echoes.rcs_dbsm, 0.0, atol=1e-9)
    np.testing.assert_allclose(echoes.least_dbsm, np.tile([[-8.0], [-48.0]], len(MODELS)))
    np.testing.assert_allclose(echoes.sigma_db, 0.0, atol=1e-9)


def test_heights_become_elevations() -> None:
    watch = radar("long-range-3d")
    assert isinstance(watch, ExpectsEchoes)
    rng = np.random.default_rng(2)
    position = rng.uniform([-1.5e5, -1.5e5, 500.0], [1.5e5, 1.5e5, 12e3], (50, 3))
    polar, code = np.empty((50, 4)), np.empty(50, np.uint8)
    locate(position, np.zeros((50, 3)), *watch._reach(), polar, code)
    found = elevation_rad(polar[:, 0], polar[:, 1], FRAME.height_m_of(position), watch.budget)
    np.testing.assert_allclose(found, polar[:, 2], atol=2e-4)


def test_the_same_signal_out_of_more_noise_is_a_larger_target() -> None:
    """Far out, where clutter is little, nearly all of a jammer's noise is the target's credit."""
    watch = radar("mobile-multi-mission")
    target = held("fighter", (60e3, 80e3, 6e3), (-150, -150, -10))
    plots = seen(watch, target, 20)
    quiet, jammed = (read(watch, plots, target, noise_db=noise_db) for noise_db in (0.0, 12.0))
    np.testing.assert_allclose(jammed.rcs_dbsm - quiet.rcs_dbsm, 11.7, atol=0.3)
    np.testing.assert_allclose(jammed.least_dbsm - quiet.least_dbsm, 11.7, atol=0.3)
