"""Identification in whole runs: recorded, told in events, judged, and blind to the truth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_scenarios import changed, recorded, world_of

import sim.engine.step
from sim.core.tables import Plots
from sim.engine.judging import judge_recording
from sim.engine.step import run
from sim.record.recording import Recording

ON = changed(("tracker: {", "picture: {identification: {}}\ntracker: {"))


def test_what_is_weighed_is_recorded_told_and_judged(tmp_path: Path) -> None:
    done = recorded(tmp_path, ON)
    recording = Recording.open(done.folder)
    for written in done.snapshots[9::10]:
        found = recording.snapshot(written.time_s)
        np.testing.assert_array_equal(found.evidence, written.evidence)
        np.testing.assert_allclose(
            found.identity_probability, written.identity_probability, rtol=1e-6
        )
    told = [e for e in recording.table("events").to_pylist() if e["event"] == "track-identified"]
    assert any(e["detail"].startswith("friend (0.9") and "replies" in e["detail"] for e in told)
    metrics = judge_recording(recording, done.world.spec)["identification"]
    assert metrics["right"] > 0.8
    assert {t["id"]: t for t in metrics["targets"]}["pair/1"]["friendly_after_s"] is not None


def test_identification_cannot_read_the_truth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = world_of(tmp_path, ON)
    honest = [s for s, _ in zip(run(world), range(40), strict=False)]
    observe_all, targets = sim.engine.step.observe_all, len(world.targets)

    def permuted(*given: Any) -> list[Plots]:
        return [
            replace(made, truth_id=(targets - 1 - made.truth_id).astype(np.int32))
            for made in observe_all(*given)
        ]

    monkeypatch.setattr(sim.engine.step, "observe_all", permuted)
    for one, other in zip(honest, run(world), strict=False):
        np.testing.assert_array_equal(one.evidence, other.evidence)
        np.testing.assert_array_equal(one.identity_probability, other.identity_probability)
        np.testing.assert_array_equal(one.tracks.identity, other.tracks.identity)
        assert one.identity_reasons == other.identity_reasons


def test_without_the_key_nothing_is_weighed(tmp_path: Path) -> None:
    snapshot = next(run(world_of(tmp_path)))
    assert snapshot.evidence.size == 0
    assert snapshot.identity_probability.shape == (0, 3)
