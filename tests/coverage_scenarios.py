"""A small line of sensors over relief, for tests of coverage."""

from __future__ import annotations

from pathlib import Path

from sim.coverage.stage import Stage
from sim.scenario.loader import LoadedScenario, load

TEXT = """\
schema: 1
name: small-line
time: {start: 2025-06-01T22:00:00Z, duration_s: 600}
seed: 3
area:
  latitude_deg: 53.0
  longitude_deg: 22.1
  height_m: 100
  terrain: {kind: fractal, seed: 5, size_km: 40, cell_m: 100, relief_m: 120, roughness: 0.3}
sites:
  - id: west
    position: {latitude_deg: 53.02, longitude_deg: 22.03, height_agl_m: 4}
    sensors: [{kind: acoustic, preset: acoustic-node, id: ears-west}]
  - id: middle
    position: {latitude_deg: 53.03, longitude_deg: 22.06, height_agl_m: 4}
    sensors: [{kind: acoustic, preset: acoustic-node, id: ears-middle}]
  - id: hill
    position: {latitude_deg: 53.05, longitude_deg: 22.10, height_agl_m: 15}
    sensors:
      - {kind: radar, preset: drone-radar, id: radar-hill}
      - {kind: rf-direction-finder, preset: drone-link-finder, id: finder-hill}
      - {kind: infrared, preset: cooled-medium-wave, id: thermal-hill, cued_by: picture}
  - id: east
    position: {latitude_deg: 53.02, longitude_deg: 22.16, height_agl_m: 10}
    sensors: [{kind: rf-direction-finder, preset: drone-link-finder, id: finder-east}]
protect:
  - id: border
    kind: line
    path:
      - {latitude_deg: 53.0, longitude_deg: 22.0}
      - {latitude_deg: 53.005, longitude_deg: 22.1}
      - {latitude_deg: 53.0, longitude_deg: 22.2}
    threat_from: right
    depth_km: 8
coverage:
  cell_m: 500
  heights_agl_m: [50, 300]
  classes: [mini-drone, one-way-attack-drone]
  headings: 4
"""


def small_line(folder: Path, text: str = TEXT) -> LoadedScenario:
    """Return the scenario, loaded from a file in the folder."""
    path = folder / "small-line.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def stage_of(folder: Path, text: str = TEXT) -> Stage:
    """Return the stage of the scenario."""
    return Stage.of(small_line(folder, text))
