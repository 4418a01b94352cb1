"""Crossings of a line flown with simulator and tracker, beside their computed probability.

``python -m benchmarks.crossings`` prints the table of ``docs/design/crossings.md``.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sim.core.tables import TrackStatus
from sim.coverage.analysis import grid_of, rule_of
from sim.coverage.line import straight
from sim.coverage.network import compute
from sim.coverage.stage import Stage
from sim.engine.build import build
from sim.engine.step import run
from sim.scenario.loader import LoadedScenario, load

#: Degrees of longitude and latitude to a kilometre at 53° north.
_EAST_DEG, _NORTH_DEG = 1.0 / 67.09, 1.0 / 111.28
_LENGTH_KM = 40.0
#: A confirmed track so near to a target is one of it; targets are two kilometres apart or more.
_NEAR_M = 900.0

RADARS = """\
  - id: mast
    along: {line: border, every_km: 13, from_km: 1, inside_km: 1, height_agl_m: 18}
    sensors: [{kind: radar, preset: drone-radar, id: radar}]
"""
EARS = """\
  - id: node
    along: {line: border, every_km: 4, from_km: 1, inside_km: 1, height_agl_m: 5}
    sensors: [{kind: acoustic, preset: acoustic-node, id: ears}]
"""
FINDERS = """\
  - id: tower
    along: {line: border, every_km: 9, from_km: 2, inside_km: 3, height_agl_m: 25}
    sensors: [{kind: rf-direction-finder, preset: drone-link-finder, id: finder}]
"""
COUNTED = "{filter: imm, association: gnn, confirmation: m-of-n, confirm_hits: 3, confirm_looks: 5}"
HILLS = "{kind: fractal, seed: 5, size_km: 56, size_north_km: 24, relief_m: 250, roughness: 0.3}"


@dataclass(frozen=True, slots=True)
class Mix:
    """Sensors along a line of 40 km, and what crosses it.

    Attributes
    ----------
    sites : of the scenario, as YAML
    flies : class of target
    height_agl_m, depth_km : at which, and of the band
    tracker, terrain : as YAML
    apart_km : between flights; microphones hear a louder one far off, and it drowns others
    """

    sites: str
    flies: str
    height_agl_m: float = 120.0
    depth_km: float = 2.0
    tracker: str = COUNTED
    terrain: str = "{kind: flat}"
    apart_km: float = 2.0


MIXES: dict[str, Mix] = {
    "radars": Mix(RADARS, "mini-drone"),
    "radars, hills": Mix(RADARS, "mini-drone", 60.0, terrain=HILLS),
    "microphones": Mix(EARS, "one-way-attack-drone", apart_km=13.0),
    "direction finders": Mix(FINDERS, "mini-drone"),
    "all three": Mix(RADARS + EARS + FINDERS, "mini-drone"),
    "radars, score": Mix(
        RADARS, "mini-drone", tracker="{filter: imm, association: gnn, confirmation: score}"
    ),
    "radars, existence": Mix(RADARS, "mini-drone", tracker="{filter: imm, association: jipda}"),
}


@dataclass(frozen=True, slots=True)
class Crossings:
    """What was computed, and what was flown.

    Attributes
    ----------
    computed : (N,) probability of each place
    flown : (N,) share of its flights that were tracked
    runs : flights at each place
    cpu_s : that the flights took
    """

    computed: np.ndarray
    flown: np.ndarray
    runs: int
    cpu_s: float

    @property
    def sigma(self) -> float:
        """Of the mean share of all flights, if the computed probabilities are true."""
        spread = (self.computed * (1.0 - self.computed)).sum() / self.runs
        return math.sqrt(spread) / self.computed.size

    @property
    def off(self) -> float:
        """By how many such sigma more were tracked than computed."""
        return float(self.flown.mean() - self.computed.mean()) / max(self.sigma, 1e-9)


def scenario_of(mix: Mix, folder: Path) -> tuple[LoadedScenario, np.ndarray]:
    """Return a scenario and at which kilometres its targets cross."""
    speed_mps = {"mini-drone": 15.0, "one-way-attack-drone": 50.0}[mix.flies]
    along_km = np.arange(3.0, _LENGTH_KM - 2.0, mix.apart_km)
    lasts_s = 1e3 * mix.depth_km / speed_mps
    route = "latitude_deg: {:.6f}, longitude_deg: {:.6f}, height_agl_m: {:g}, follow_terrain: true"
    targets = ""
    for number, km in enumerate(along_km):
        east = 22.0 + km * _EAST_DEG
        first = route.format(53.0 + 1e-5, east, mix.height_agl_m)
        last = route.format(53.0 + mix.depth_km * _NORTH_DEG, east, mix.height_agl_m)
        targets += (
            f"  - id: flight-{number}\n    class: {mix.flies}\n    affiliation: hostile\n"
            f"    remote_id: absent\n    start_s: {2.0 + 0.37 * (number % 7):.2f}\n    route:\n"
            f"      - {{{first}, speed_mps: {speed_mps}}}\n      - {{{last}}}\n"
        )
    text = f"""\
schema: 1
name: crossings
time: {{start: 2025-06-01T22:00:00Z, duration_s: {math.ceil(lasts_s + 6.0)}}}
seed: 17
area: {{latitude_deg: 53.0, longitude_deg: 22.3, height_m: 100, terrain: {mix.terrain}}}
sites:
{mix.sites}targets:
{targets}protect:
  - id: border
    kind: line
    path:
      - {{latitude_deg: 53.0, longitude_deg: 22.0}}
      - {{latitude_deg: 53.0, longitude_deg: {22.0 + _LENGTH_KM * _EAST_DEG:.5f}}}
    threat_from: right
    depth_km: {mix.depth_km}
coverage: {{cell_m: 100, heights_agl_m: [{mix.height_agl_m}], classes: [{mix.flies}]}}
tracker: {mix.tracker}
"""
    path = folder / "crossings.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path), along_km


def computed(loaded: LoadedScenario, along_km: np.ndarray) -> np.ndarray:
    """Return the probability (N,) that a crossing at each of the kilometres is tracked."""
    stage = Stage.of(loaded)
    settings = stage.spec.coverage
    volume = compute(
        stage,
        grid_of(stage),
        settings.conditions[0],
        heights_agl_m=settings.heights_agl_m,
        classes=settings.classes,
        headings=1,
        keep_looks=True,
    )
    tracked = straight(volume, rule_of(stage.spec.tracker), settings.required).tracked[0, 0]
    return np.interp(along_km, volume.grid.along_km, tracked)


def flown(loaded: LoadedScenario, runs: int) -> np.ndarray:
    """Return the share (N,) of flights that a confirmed track held before they were through."""
    world = build(loaded)
    held = np.zeros((runs, len(world.targets)), bool)
    for number in range(runs):
        for snapshot in run(world, world.start(number)):
            tracks = snapshot.tracks
            sure = tracks.status != TrackStatus.TENTATIVE
            apart = tracks.position_enu_m[sure][None, :, :2]
            apart = apart - snapshot.truth.position_enu_m[:, None, :2]
            near = (np.hypot(apart[..., 0], apart[..., 1]) < _NEAR_M).any(axis=1)
            held[number] |= near & snapshot.truth.present
    return held.mean(axis=0)


def compare(mix: Mix, runs: int) -> Crossings:
    """Compute a mix's crossings, and fly them."""
    with tempfile.TemporaryDirectory() as folder:
        loaded, along_km = scenario_of(mix, Path(folder))
        expected = computed(loaded, along_km)
        began = time.process_time()
        share = flown(loaded, runs)
        return Crossings(expected, share, runs, time.process_time() - began)


def main() -> None:
    """Print a row for every mix."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("mix", nargs="*", default=list(MIXES))
    asked = parser.parse_args()
    print("| mix | flights | computed | flown | sigma | off | within ¼ | CPU s |")
    print("|---|---|---|---|---|---|---|---|")
    for name in asked.mix:
        got = compare(MIXES[name], asked.runs)
        alike = (np.abs(got.flown - got.computed) < 0.25).mean()
        print(
            f"| {name} | {got.computed.size * got.runs} | {got.computed.mean():.3f} "
            f"| {got.flown.mean():.3f} | {got.sigma:.3f} | {got.off:+.1f} | {alike:.0%} "
            f"| {got.cpu_s:.0f} |",
            flush=True,
        )
        print(
            "  ", " ".join(f"{p:.2f}/{q:.2f}" for p, q in zip(got.computed, got.flown, strict=True))
        )


if __name__ == "__main__":
    main()
