"""Sensors shared out among threads see what they see one after the other."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import stage

from sensors import observing
from sensors.observing import observe_all
from sensors.radar_spec import RadarSpec
from sensors.scene import Scene
from sim.core.tables import Plots
from sim.world.frames import Frame

FRAME = Frame.at(0.9, 0.1, 0.0)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_plots_are_the_same_on_any_number_of_threads(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observing, "_THREADED_FROM", 1)
    presets = ("drone-radar", "airport-surveillance", "ship-radar", "coastal-surveillance")
    sensors = [
        stage.build(
            RadarSpec.model_validate({"kind": "radar", "id": f"r{k}", "preset": preset}),
            FRAME,
            [900.0 * k, 0.0, 15.0],
            index=k,
        )
        for k, preset in enumerate(presets)
    ]
    place = np.random.default_rng(1).uniform([-40e3, -40e3, 300], [40e3, 40e3, 4000], (80, 3))
    targets = stage.fakes(lambda t, k: place[k] + t[:, None] * [90.0, -150.0, 0.0], 80)
    scene = Scene(targets, targets.truth(0.0), targets.truth(4.0))  # type: ignore[arg-type]

    def made(with_threads: int) -> Plots:
        calls = [partial(s.observe, scene, np.random.default_rng(s.index)) for s in sensors]
        return Plots.concatenate(observe_all(calls, 80, with_threads))

    one, more = made(1), made(threads)
    assert len(one) > 20
    assert one.sensor.tolist() == more.sensor.tolist()
    assert one.measurement.tobytes() == more.measurement.tobytes()
