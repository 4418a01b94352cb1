"""Many targets are summed up by class."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from sim.cli.raid_summary import targets_by_class


def target(name: str, **changed: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "class": name,
        "first_track_s": 5.0,
        "range_at_first_track_m": 12_000.0,
        "continuity": 0.5,
        "track_numbers": 1,
        "class_correctness": 1.0,
        "identity_correctness": None,
        "position_rms_m": 30.0,
    }
    return plain | changed


def test_classes_are_counted_and_averaged() -> None:
    never = {"first_track_s": None, "range_at_first_track_m": None, "continuity": 0.0}
    table = targets_by_class(
        [target("decoy"), target("decoy", **never), target("fighter", track_numbers=3)]
    )
    console = Console(width=120, record=True, file=None, force_terminal=False)
    with console.capture() as shown:
        console.print(table)
    lines = [line.split() for line in shown.get().splitlines()]
    assert lines[1] == ["decoy", "2", "1", "12.0", "25.0", "%", "1.0", "100", "%", "–", "30"]
    assert lines[2][:5] == ["fighter", "1", "1", "12.0", "50.0"]
    assert "3.0" in lines[2]
