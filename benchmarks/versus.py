"""The same plots through this tracker and through others: time per scan and GOSPA side by side.

Scene: a 3-D radar, 2 s a scan, detection probability .9, 20 false plots a scan, errors of
25 m and 1.5 mrad, targets of 100–250 m/s at 10–60 km. A scan's time is that of taking its
plots and reading the confirmed tracks; the median over the scans once tracks can be confirmed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean, median

import numpy as np

from benchmarks import own, radar_scenes, report, told
from benchmarks.compiling import compile_rows
from benchmarks.judge import CUTOFF_M, Score, score
from benchmarks.suite import Column, Options, Result, Row, say
from sim.core.tables import Floats

SIZES, QUICK_SIZES = (10, 50, 100, 200, 1000), (10, 50)
SEEDS, QUICK_SEEDS = 5, 2
#: The scans before have no or few confirmed tracks, and are faster.
SETTLED = told.CONFIRM_LOOKS
#: How this tracker is set here: with its own rule of confirmation, and with that of the others.
OWN = {"filter": "kf", "association": "gnn", "confirmation": "score"}
AIRPICTURE = "airpicture"
TOLD = {"filter": "kf", "association": "gnn"}
AIRPICTURE_TOLD = "airpicture, 3 of 5"

COLUMNS = (
    Column("tracker", "tracker"),
    Column("targets", "targets", ",d"),
    Column("scan_ms", "ms a scan", ",.3f"),
    Column("times_own", "× airpicture", ",.0f"),
    Column("gospa_m", "GOSPA m", ",.1f"),
    Column("gospa_own_m", "airpicture's", ",.1f"),
    Column("localisation_m", "rms m", ",.1f"),
    Column("missed", "missed", ",.2f"),
    Column("false", "false", ",.2f"),
    Column("seeds", "seeds", "d"),
    Column("scans", "scans", "d"),
    Column("start_s", "s to a picture", ",.1f"),
    Column("compile_s", "of it compiling", ",.1f"),
)


@dataclass(frozen=True, slots=True)
class Peer:
    """A contestant.

    Attributes
    ----------
    start : makes one
    needs : module that must be installed
    package : that brings it
    judged : whether the aims compare with it
    pair_s, track_s : a scan takes about so many seconds per target and plot, and per
        target, on the reference machine; only for the estimate beforehand
    """

    start: Callable[[], told.Contestant]
    needs: str
    package: str
    judged: bool
    pair_s: float
    track_s: float

    def scan_s(self, targets: int) -> float:
        """Return how long a scan should take."""
        plots = radar_scenes.PD * targets + radar_scenes.FALSE_PER_SCAN
        return self.pair_s * targets * plots + self.track_s * plots

    def missing(self) -> str | None:
        """Return how to install the peer, if it is not."""
        if find_spec(self.needs) is not None:
            return None
        return f"{self.package} is not installed: pip install 'airpicture[versus]'"


def _stone_soup(associator: str, *, positions: bool = False) -> Callable[[], told.Contestant]:
    def start() -> told.Contestant:
        from benchmarks.stone_soup import StoneSoup

        return StoneSoup(associator, positions=positions)  # type: ignore[arg-type]

    return start


def _nrl() -> told.Contestant:
    from benchmarks.nrl import NrlTracker

    return NrlTracker()


def _filterpy() -> told.Contestant:
    from benchmarks.filterpy_loop import FilterpyLoop

    return FilterpyLoop()


_SOUP = ("stonesoup", "stonesoup", True)

PEERS = {
    "filterpy, Python loop": Peer(_filterpy, "filterpy", "filterpy", False, 1e-8, 2.5e-4),
    "nrl-tracker, GNN": Peer(_nrl, "pytcl", "nrl-tracker", True, 1.6e-5, 1.2e-3),
    "Stone Soup, KD-tree GNN, positions": Peer(
        _stone_soup("kd-tree", positions=True), *_SOUP, 1e-6, 2.5e-3
    ),
    "Stone Soup, KD-tree GNN, EKF": Peer(_stone_soup("kd-tree"), *_SOUP, 3e-5, 5e-3),
    "Stone Soup, GNN 2-D, EKF": Peer(_stone_soup("gnn"), *_SOUP, 2e-4, 7e-3),
    "Stone Soup, JPDA-LBP, EKF": Peer(_stone_soup("jpda"), *_SOUP, 2e-4, 1.2e-2),
}


@dataclass(slots=True)
class Measured:
    """Runs of one contestant over scenes of one size."""

    scan_s: list[float] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    scans: int = 0

    def row(self, name: str, targets: int) -> Row:
        """Return the means; GOSPA only where all scans were taken."""
        found: Row = {
            "tracker": name,
            "targets": targets,
            "scan_ms": 1e3 * median(self.scan_s),
            "scans": self.scans,
            "seeds": max(len(self.scores), 1),
        }
        for key in ("gospa_m", "localisation_m", "missed", "false") if self.scores else ():
            found[key] = fmean(getattr(score, key) for score in self.scores)
        return found


def follow(
    start: Callable[[], told.Contestant], targets: int, seeds: int, patience_s: float = 0.0
) -> Measured:
    """Run a contestant over scenes; it stops when ``patience_s`` (0: never) is used up.

    At least a few scans of the first scene are taken. A scene that was begun and not
    finished counts for time, and for GOSPA not at all.
    """
    measured, begin = Measured(), time.perf_counter()

    def tired() -> bool:
        return bool(patience_s) and time.perf_counter() - begin > patience_s

    for seed in range(1, seeds + 1):
        if seed > 1 and tired():
            break
        scene, contestant = radar_scenes.straight_flights(targets, seed), start()
        found: list[Floats] = []
        for time_s, plots in zip(scene.time_s, scene.plots, strict=True):
            if len(found) > SETTLED and tired():
                break
            before = time.perf_counter()
            contestant.scan(float(time_s), plots)
            positions = contestant.confirmed()[1]
            seconds = time.perf_counter() - before
            found.append(np.asarray(positions, np.float64))
            if len(found) > SETTLED:
                measured.scan_s.append(seconds)
        measured.scans = max(measured.scans, len(found))
        if len(found) == len(scene.plots):
            measured.scores.append(score(list(scene.position_enu_m), found))
    return measured


def run(options: Options) -> Result:
    """Measure all contestants at all sizes."""
    sizes = options.pick_sizes(SIZES, QUICK_SIZES)
    seeds = options.pick_seeds(SEEDS, QUICK_SEEDS)
    patience_s = min(options.patience_s, 5.0) if options.quick else options.patience_s
    result = Result(
        settings={
            "scans": radar_scenes.SCANS,
            "seeds": seeds,
            "GOSPA": f"c {CUTOFF_M:g} m, p 2, α 2, mean over all scans",
            "patience_s": patience_s,
        },
        notes=[
            "× airpicture: time against this tracker's, measured right before, in the same run; "
            "airpicture's: its GOSPA over the same scenes. It confirms by score, all others "
            "by 3 plots in 5 scans, as its second row does."
        ],
    )
    for name, peer in PEERS.items():
        if reason := peer.missing():
            result.skip(name, reason)
    present = {name: peer for name, peer in PEERS.items() if not peer.missing()}
    _estimate(present, sizes, seeds, patience_s)

    def airpicture() -> told.Contestant:
        return own.Airpicture(**OWN)

    for start in (airpicture, *(peer.start for peer in present.values())):
        warm = start()
        scene = radar_scenes.straight_flights(10, 1, SETTLED)
        for time_s, plots in zip(scene.time_s, scene.plots, strict=True):
            warm.scan(float(time_s), plots)
        warm.confirmed()
    result.rows += compile_rows(**OWN) if not options.quick else []
    for targets in sizes:
        follow(airpicture, targets, 1)
        ours = follow(airpicture, targets, seeds)
        result.rows.append(ours.row(AIRPICTURE, targets))
        told_rules = follow(lambda: own.Airpicture(**TOLD), targets, seeds)
        result.rows.append(told_rules.row(AIRPICTURE_TOLD, targets))
        for name, peer in present.items():
            needed_s = (SETTLED + 1) * peer.scan_s(targets)
            if patience_s and needed_s > patience_s:
                result.skip(
                    f"{name}, {targets} targets",
                    f"about {peer.scan_s(targets):.0f} s a scan; --patience 0 waits for it",
                )
                continue
            say(f"{name}, {targets} targets …")
            result.rows.append(_beside(name, peer, airpicture, ours, targets, seeds, patience_s))
    _aims(result)
    return result


def _beside(
    name: str,
    peer: Peer,
    airpicture: Callable[[], told.Contestant],
    ours: Measured,
    targets: int,
    seeds: int,
    patience_s: float,
) -> Row:
    """Return a peer's row with this tracker's figures of the same moment and scenes."""
    now = median(follow(airpicture, targets, 1).scan_s)
    theirs = follow(peer.start, targets, seeds, patience_s)
    row = theirs.row(name, targets)
    row["times_own"] = median(theirs.scan_s) / now
    if theirs.scores:
        row["gospa_own_m"] = fmean(s.gospa_m for s in ours.scores[: len(theirs.scores)])
    return row


def _estimate(
    present: dict[str, Peer], sizes: tuple[int, ...], seeds: int, patience_s: float
) -> None:
    """Say how long it will take."""
    total = 0.0
    for peer in present.values():
        for targets in sizes:
            scan_s = peer.scan_s(targets)
            whole = seeds * radar_scenes.SCANS * scan_s
            least = (SETTLED + 1) * scan_s
            if not patience_s:
                total += whole
            elif least <= patience_s:
                total += min(whole, patience_s + scan_s)
    say(f"the peers take about {max(total / 60, 1):.0f} minutes")
    if patience_s:
        say("rows that take long are cut short or left out; --patience 0 measures all of them")


def _aims(result: Result) -> None:
    judged = {name for name, peer in PEERS.items() if peer.judged}
    for targets, least in ((1000, 1000.0), (200, 500.0)):
        rows = [
            row for row in result.rows if row.get("targets") == targets and row["tracker"] in judged
        ]
        fastest = min((row["times_own"] for row in rows), default=None)
        result.aim(
            f"{targets} targets, time of the fastest of Stone Soup and nrl-tracker ÷ airpicture's",
            fastest,
            least=least,
        )
    worst = max(
        (
            row["gospa_own_m"] / row["gospa_m"]
            for row in result.rows
            if row["tracker"] in judged and "gospa_own_m" in row
        ),
        default=None,
    )
    result.aim("GOSPA, airpicture's ÷ the best peer's, worst row", worst, most=1.0)


def plot(result: Result, folder: Path) -> list[Path]:
    """Draw time per scan over the number of targets."""
    figure, axes = report.new_axes("targets", "ms a scan", "Time per scan, same plots")
    for name in (AIRPICTURE, AIRPICTURE_TOLD, *PEERS):
        rows = [row for row in result.rows if row["tracker"] == name and "scan_ms" in row]
        if rows:
            axes.plot(
                [row["targets"] for row in rows],
                [row["scan_ms"] for row in rows],
                "o-",
                label=name,
            )
    axes.legend(fontsize=8)
    return [report.save(figure, folder / "versus.png")]
