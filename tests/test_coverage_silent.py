"""A condition under which targets send nothing: direction finders are of no use."""

from __future__ import annotations

from dataclasses import replace as changed
from pathlib import Path

import numpy as np
import pytest
from coverage_scenarios import TEXT, stage_of

from sim.coverage.analysis import square_of
from sim.coverage.network import compute
from sim.coverage.volume import Volume
from sim.scenario.coverage_spec import Condition

FINDERS = (
    TEXT[: TEXT.index("  - id: west")]
    + TEXT[TEXT.index("  - id: hill") : TEXT.index("protect:")]
    + "coverage: {side_km: 8, cell_m: 500, heights_agl_m: [100], classes: [mini-drone]}\n"
)


@pytest.mark.parametrize("radar", [False, True])
def test_silence_takes_finders_and_leaves_radars(tmp_path: Path, radar: bool) -> None:
    stage = stage_of(tmp_path, FINDERS)
    kind = "radar" if radar else "rf-direction-finder"
    stage = changed(stage, sensors=tuple(one for one in stage.sensors if one.kind == kind))

    def seen(condition: Condition) -> Volume:
        grid = square_of(stage)
        return compute(
            stage, grid, condition, heights_agl_m=[100.0], classes=["mini-drone"], headings=1
        )

    loud = seen(Condition(id="dry"))
    quiet = seen(Condition(id="silent", silent=True))
    assert loud.pd.max() > 0.5
    if radar:
        assert np.array_equal(loud.pd, quiet.pd)
    else:
        assert not quiet.pd.any()
        assert not quiet.inward_per_s.any()
