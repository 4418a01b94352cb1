"""Whether the targets' paths can be flown, told with their place in the file."""

from __future__ import annotations

import re

import numpy as np

from sim.scenario.errors import Problem, ScenarioError
from sim.scenario.ground import check_ground
from sim.scenario.loader import LoadedScenario, problem_at
from sim.scenario.source import KeyPath
from sim.world.recorded import read_recorded
from sim.world.surroundings import FlatGround
from sim.world.truth import build_targets

_ENTRY = re.compile(r"route entry (\d+)")


def check_paths(loaded: LoadedScenario) -> None:
    """Build the ground, and plan every target's path, a group's leader's only.

    Raises
    ------
    ScenarioError
        Naming terrain that cannot be used, or every place that it does not fit, every path that
        cannot be flown and every recording that cannot be read.
    """
    spec = loaded.spec
    frame, ground = check_ground(loaded)
    problems: list[Problem] = []
    for index, target in enumerate(spec.targets):
        leader = target.model_copy(update={"count": 1, "formation": None, "spread": None})
        try:
            if target.recorded and isinstance(ground, FlatGround):
                # Smoothing it would cost a second and finds next to nothing more.
                read_recorded(loaded.folder / target.recorded.file, target.recorded)
            else:
                build_targets(
                    [leader],
                    frame,
                    ground,
                    loaded.folder,
                    lambda _: np.random.default_rng(0),
                    spec.time.duration_s,
                )
        except ValueError as error:
            key = next(k for k in ("route", "recorded", "ballistic") if getattr(target, k))
            where: KeyPath = ("targets", index, key)
            entry = _ENTRY.search(str(error))
            if entry is not None:
                where = (*where, int(entry[1]) - 1)
            problems.append(problem_at(loaded, where, str(error)))
    if problems:
        raise ScenarioError(problems)
