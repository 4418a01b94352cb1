"""What sharing buys: the same raid with every effector on its own sensors."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sim.core.tables import Snapshot
from sim.engine.build import build_spec
from sim.engine.judging import judge_recording
from sim.engine.recorder import record
from sim.engine.step import run
from sim.engine.world import World
from sim.record.recording import Recording

_TOLD = (
    "threats_came",
    "killed",
    "leakers",
    "hits",
    "leakage",
    "shots",
    "shots_at_dead",
    "shots_at_ghosts",
    "friends_engaged",
    "friends_killed",
    "cost_keur",
    "attack_cost_killed_keur",
    "exchange",
)


def sharing_gain(world: World, progress: Callable[[Snapshot], None]) -> dict[str, Any]:
    """Run a scenario once more without sharing; return what came of its defence.

    Chances are the same by name: targets fly as before, and the same shot at a target does the
    same.

    Parameters
    ----------
    world : of a scenario with a defence
    progress : told every snapshot
    """
    assert world.spec.defence is not None
    defence = world.spec.defence.model_copy(update={"sharing": "none"})
    spec = world.spec.model_copy(update={"defence": defence})
    apart = build_spec(spec, world.folder)
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "run"
        record(run(apart), spec, apart.setting, folder, {}, progress)
        metrics = judge_recording(Recording.open(folder), spec)
    return {"apart": {key: metrics["defence"][key] for key in _TOLD}}
