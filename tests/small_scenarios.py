"""A small scenario with a little of everything, for tests of whole runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sim.core.tables import Snapshot
from sim.engine.build import build
from sim.engine.recorder import Outcome
from sim.engine.session import record_run
from sim.engine.world import World
from sim.scenario.loader import load

#: Two flushes: one on the way, one at the end.
DURATION_S = 75.0

#: A radar that measures everything, and a slower one without height that interrogates. Of
#: the targets, one leaves half-way, so that its track is dropped before the end.
TEXT = """\
schema: 1
name: small
time: {start: 2025-06-01T12:00:00Z, duration_s: 75}
seed: 7
area: {latitude_deg: 52.0, longitude_deg: 5.0, height_m: 40}
networks:
  - {id: fast}
  - {id: slow}
sites:
  - id: hill
    network: fast
    position: {latitude_deg: 52.02, longitude_deg: 5.01, height_agl_m: 15}
    sensors:
      - {kind: radar, preset: mobile-multi-mission, id: mobile}
  - id: airport
    network: slow
    position: {latitude_deg: 51.95, longitude_deg: 4.90, height_agl_m: 20}
    sensors:
      - {kind: radar, preset: airport-surveillance, id: approach-radar}
targets:
  - id: airliner
    class: airliner
    affiliation: neutral
    route:
      - {latitude_deg: 52.15, longitude_deg: 4.80, height_m: 6000, speed_mps: 200}
      - {latitude_deg: 51.70, longitude_deg: 5.30, height_m: 6000}
  - id: pair
    class: fighter
    affiliation: friend
    count: 2
    formation: {kind: trail, spacing_m: 4000}
    route:
      - {latitude_deg: 52.05, longitude_deg: 4.60, height_m: 3000, speed_mps: 200}
      - {latitude_deg: 52.00, longitude_deg: 5.20, height_m: 2500}
  - id: leaver
    class: light-aircraft
    affiliation: neutral
    route:
      - {latitude_deg: 51.90, longitude_deg: 5.10, height_m: 1500, speed_mps: 60}
      - {latitude_deg: 51.918, longitude_deg: 5.10, height_m: 1500}
  - id: visitor
    class: mini-drone
    count: 2
    spread: {radius_m: 800, height_m: 20}
    route:
      - {latitude_deg: 52.06, longitude_deg: 4.98, height_agl_m: 150, speed_mps: 15}
      - {latitude_deg: 52.00, longitude_deg: 5.00, height_agl_m: 150}
protect:
  - id: approach
    kind: corridor
    path:
      - {latitude_deg: 52.05, longitude_deg: 4.60, height_m: 3000}
      - {latitude_deg: 52.00, longitude_deg: 5.00, height_m: 2000}
    width_km: 10
    arrivals: [pair]
    separation: {horizontal_km: 5.5, vertical_m: 300}
  - id: base
    kind: point
    position: {latitude_deg: 52.0, longitude_deg: 5.0, height_agl_m: 0}
    radius_km: 8
    ceiling_m: 3000
tracker: {coast_max_s: 12}
criteria:
  - {metric: siap.completeness, min: 0.1}
"""

THIRD_SITE = """\
  - id: shore
    position: {latitude_deg: 52.10, longitude_deg: 5.05, height_agl_m: 25}
    sensors:
      - {kind: radar, preset: ship-radar, id: third}
"""

FURTHER_TARGET = """\
  - id: helicopter
    class: helicopter
    affiliation: friend
    count: 2
    spread: {radius_m: 500, height_m: 50}
    route:
      - {latitude_deg: 52.00, longitude_deg: 4.95, height_agl_m: 300, speed_mps: 50}
      - {latitude_deg: 52.06, longitude_deg: 5.05, height_agl_m: 300}
"""


def changed(*changes: tuple[str, str], text: str = TEXT) -> str:
    """Return the scenario with parts replaced, each of which must be there once."""
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
        text = text.replace(old, new)
    return text


def without_targets() -> str:
    """Return the scenario with nobody in the air and radars that never raise a false alarm."""
    head, rest = TEXT.split("targets:\n")
    quiet = head.replace("preset: ", "pfa: 1.0e-15, preset: ")
    rest = rest[rest.index("protect:") :].replace("    arrivals: [pair]\n", "")
    return quiet + "targets: []\n" + rest


def world_of(folder: Path, text: str = TEXT) -> World:
    """Compile a scenario; its file is written to the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "small.yaml"
    path.write_text(text, encoding="utf-8")
    return build(load(path))


@dataclass(frozen=True)
class Run:
    """A recorded run, and what was handed to the recorder."""

    world: World
    outcome: Outcome
    snapshots: list[Snapshot]

    @property
    def folder(self) -> Path:
        return self.outcome.folder


def recorded(folder: Path, text: str = TEXT) -> Run:
    """Run a scenario into ``folder / "run"``."""
    world = world_of(folder, text)
    snapshots: list[Snapshot] = []
    outcome = record_run(world, folder / "run", snapshots.append)
    return Run(world, outcome, snapshots)
