"""Hard scenes for `quality`: small, seen by one or two 3-D radars, each hard in one way.

A scene hands over its plots scan by scan, as a tracker would get them, and the truth at the
end of every scan. ``settings`` are what an operator would tell the tracker of the scene.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from benchmarks.radar_scenes import polar
from sim.core.tables import FALSE_ALARM, Floats, Plots
from sim.tracking import SensorModels

#: c of GOSPA where nothing else is said.
CUTOFF_M = 500.0


@dataclass(frozen=True, slots=True)
class HardScene:
    """Plots, truth and what the tracker is told.

    Attributes
    ----------
    sensors : as the tracker knows them
    time_s : (K,) ends of the scans
    plots : K tables, what has come in by then
    position_enu_m : (K, N, 3) truth
    settings : of the tracker, beside filter and association
    cutoff_m : c of GOSPA
    """

    sensors: SensorModels
    time_s: Floats
    plots: list[Plots]
    position_enu_m: Floats
    settings: dict[str, Any] = field(default_factory=dict)
    cutoff_m: float = CUTOFF_M


@dataclass(frozen=True, slots=True)
class Radar:
    """A staring 3-D radar.

    Attributes
    ----------
    sigma : standard deviations of range (m), azimuth and elevation (rad)
    false_per_scan : false plots, even over the volume (or about every target: ``false_box``)
    volume : bounds of range, azimuth and elevation
    false_box : half extent of the box around every true plot in which the false ones lie,
        instead of the volume
    bias : added to every measurement
    """

    origin_enu_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    sigma: tuple[float, float, float] = (25.0, 1.5e-3, 1.5e-3)
    pd: float = 0.9
    false_per_scan: int = 10
    volume: tuple[tuple[float, float], ...] = ((5e3, 50e3), (0.0, 2 * np.pi), (0.0, 0.4))
    false_box: tuple[float, float, float] | None = None
    bias: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def clutter_density(self) -> float:
        """False plots of a scan in a unit of range times azimuth times elevation."""
        if self.false_box is not None:
            return self.false_per_scan / (8.0 * float(np.prod(self.false_box)))
        return self.false_per_scan / float(np.prod([high - low for low, high in self.volume]))

    def look(
        self, rng: np.random.Generator, sensor: int, time_s: float, position_enu_m: Floats
    ) -> Plots:
        """Return the plots of one scan, in no order."""
        exact = polar(position_enu_m - np.array(self.origin_enu_m))
        seen = np.flatnonzero(rng.random(len(exact)) < self.pd)
        sigma = np.array(self.sigma)
        true = exact[seen] + np.array(self.bias) + sigma * rng.standard_normal((seen.size, 3))
        if self.false_box is None:
            low, high = np.array(self.volume).T
            false = rng.uniform(low, high, (self.false_per_scan, 3))
        else:
            box = np.array(self.false_box)
            around = np.repeat(exact, self.false_per_scan, axis=0)
            false = around + rng.uniform(-box, box, around.shape)
        n = seen.size + len(false)
        measurement = np.full((n, 4), np.nan)
        measurement[:, :3] = np.concatenate([true, false])
        measurement[:, 1] %= 2 * np.pi
        truth_id = np.append(seen, np.full(len(false), FALSE_ALARM)).astype(np.int32)
        order = rng.permutation(n)
        return Plots(
            time_s=np.full(n, time_s),
            sensor=np.full(n, sensor, np.int32),
            measurement=measurement[order],
            sigma=np.tile(np.append(sigma, np.nan), (n, 1)),
            snr_db=np.full(n, 15.0),
            reply=np.zeros(n, np.uint8),
            truth_id=truth_id[order],
        )


def known(radars: list[Radar], period_s: float) -> SensorModels:
    """Return what the tracker is told of the radars: all but their biases."""
    n = len(radars)
    return SensorModels(
        origin_enu_m=np.array([radar.origin_enu_m for radar in radars]),
        enu_R_sensor=np.stack([np.eye(3)] * n),
        height_m=np.array([radar.origin_enu_m[2] for radar in radars]),
        period_s=np.full(n, period_s),
        measures=np.tile([True, True, True, False], (n, 1)),
        clutter_density=np.array([radar.clutter_density for radar in radars]),
    )


def seen_by(
    radars: list[Radar],
    period_s: float,
    position_enu_m: Floats,
    rng: np.random.Generator,
    late_scans: tuple[int, ...] = (),
    **rest: Any,
) -> HardScene:
    """Let all radars look at once in every scan; radar s hands over ``late_scans[s]`` later."""
    scans = len(position_enu_m)
    plots = [Plots.empty() for _ in range(scans)]
    late_scans = late_scans or (0,) * len(radars)
    for k in range(scans):
        for s, radar in enumerate(radars):
            found = radar.look(rng, s, period_s * k, position_enu_m[k])
            if k + late_scans[s] < scans:
                due = k + late_scans[s]
                plots[due] = Plots.concatenate([plots[due], found])
    return HardScene(
        known(radars, period_s),
        period_s * np.arange(scans, dtype=np.float64),
        plots,
        position_enu_m,
        **rest,
    )


def flown(
    start_enu_m: Floats,
    speed_mps: Floats,
    heading_rad: Floats,
    turn_radps: Floats,
    period_s: float,
) -> Floats:
    """Return the level tracks (K, N, 3) of aircraft with turn rates (K, N), clockwise."""
    steps = 20
    rate = np.repeat(turn_radps, steps, axis=0)
    dt = period_s / steps
    heading = heading_rad + np.cumsum(rate, axis=0) * dt - 0.5 * rate * dt
    velocity = np.stack(
        [speed_mps * np.sin(heading), speed_mps * np.cos(heading), np.zeros_like(heading)], axis=2
    )
    moved = np.cumsum(velocity * dt, axis=0)
    ends = np.concatenate([np.zeros_like(moved[:1]), moved[steps - 1 :: steps]])
    track: Floats = start_enu_m + ends[:-1]
    return track


def crossing(seed: int) -> HardScene:
    """Six pairs meet at one point of the sky each, at one moment, under 15 degrees."""
    rng = np.random.default_rng(seed)
    scans, period_s, pairs = 50, 2.0, 6
    azimuth = 2 * np.pi * np.arange(pairs) / pairs + rng.uniform(0, 1)
    meeting = np.column_stack([30e3 * np.sin(azimuth), 30e3 * np.cos(azimuth), np.full(pairs, 5e3)])
    base = rng.uniform(0, 2 * np.pi, pairs)
    heading = np.concatenate([base, base + np.radians(15.0)])
    velocity = 200.0 * np.column_stack([np.sin(heading), np.cos(heading), np.zeros(2 * pairs)])
    since = period_s * (np.arange(scans) - scans // 2)
    position = np.concatenate([meeting, meeting]) + since[:, None, None] * velocity
    return seen_by([Radar()], period_s, position, rng)


def formation_split(seed: int) -> HardScene:
    """Two formations of four, 400 m apart, fly as one for a minute and then break away."""
    rng = np.random.default_rng(seed)
    scans, period_s = 60, 2.0
    slots = 400.0 * np.array([[0, 0, 0], [-1, -1, 0], [1, -1, 0], [0, -2, 0]])
    leaders = np.array([[-8e3, 15e3, 4e3], [12e3, -22e3, 6e3]])
    start = (leaders[:, None] + slots).reshape(-1, 3)
    turn = np.zeros((scans, 8))
    # 2 g at 220 m/s, for a quarter turn or half of it, to either side.
    rate = 2 * 9.80665 / 220.0
    for k, angle in enumerate(np.radians([-90.0, -45.0, 45.0, 90.0] * 2)):
        lasts = round(abs(angle) / (rate * period_s))
        turn[30 : 30 + lasts, k] = np.sign(angle) * rate
    position = flown(start, np.full(8, 220.0), np.zeros(8), turn, period_s)
    return seen_by([Radar()], period_s, position, rng)


def manoeuvre(seed: int) -> HardScene:
    """Six fast jets weave: straight legs, and turns of 4 g to either side."""
    rng = np.random.default_rng(seed)
    scans, period_s, jets = 60, 2.0, 6
    azimuth = 2 * np.pi * np.arange(jets) / jets
    start = np.column_stack([20e3 * np.sin(azimuth), 20e3 * np.cos(azimuth), np.full(jets, 5e3)])
    turn = np.zeros((scans, jets))
    for k in range(jets):
        at, side = int(rng.integers(8, 14)), float(rng.choice([-1.0, 1.0]))
        while at < scans:
            turn[at : at + 6, k] = side * 4 * 9.80665 / 250.0
            at, side = at + 6 + int(rng.integers(5, 10)), -side
    heading = rng.uniform(0, 2 * np.pi, jets)
    position = flown(start, np.full(jets, 250.0), heading, turn, period_s)
    return seen_by([Radar()], period_s, position, rng, settings={"process_noise_m2ps3": 200.0})


def dense_clutter(seed: int) -> HardScene:
    """Two slow targets fly from clear air into about ten false plots in a settled gate."""
    rng = np.random.default_rng(seed)
    scans, clear, period_s = 50, 12, 1.0
    start = np.array([[-6e3, 8e3, 800.0], [5e3, 9e3, 1000.0]])
    position = flown(
        start,
        np.array([30.0, 25.0]),
        rng.uniform(0, 2 * np.pi, 2),
        np.zeros((scans, 2)),
        period_s,
    )
    box = (400.0, 0.04, 0.008)
    sigma = np.array(Radar().sigma)
    # The gate of a settled track: an ellipsoid whose innovation is 1.3 σ on every axis.
    gate = 4 / 3 * np.pi * 17.73**1.5 * float(np.prod(1.3 * sigma))
    false = round(10 * 8 * float(np.prod(box)) / gate)
    radar = Radar(pd=0.95, false_box=box, false_per_scan=false)
    scene = seen_by([radar], period_s, position, rng)
    clean = [plots.take(plots.truth_id != FALSE_ALARM) for plots in scene.plots[:clear]]
    return replace(
        scene,
        plots=clean + scene.plots[clear:],
        settings={
            # The air was clear before, so what the radar's model says does not hold throughout.
            "clutter": "estimated",
            "process_noise_m2ps3": 0.5,
            "start_speed_sigma_mps": 20.0,
            "start_climb_sigma_mps": 2.0,
            "detection_probability": 0.95,
        },
    )


def low_pd(seed: int) -> HardScene:
    """Twenty straight flights of which a scan sees every other."""
    rng = np.random.default_rng(seed)
    scans, period_s, n = 60, 2.0, 20
    start = np.column_stack([rng.uniform(-25e3, 25e3, (n, 2)), rng.uniform(2e3, 8e3, n)])
    start[:, :2] += 6e3 * np.sign(start[:, :2])
    position = flown(
        start,
        rng.uniform(100, 250, n),
        rng.uniform(0, 2 * np.pi, n),
        np.zeros((scans, n)),
        period_s,
    )
    settings = {"detection_probability": 0.5, "confirm_hits": 3, "confirm_looks": 8}
    return seen_by([Radar(pd=0.5)], period_s, position, rng, settings=settings)


def swarm(seed: int) -> HardScene:
    """Two hundred drones in a square kilometre, wandering, seen from three kilometres."""
    rng = np.random.default_rng(seed)
    scans, period_s, n = 60, 1.0, 200
    start = np.column_stack(
        [rng.uniform(-500, 500, n), 3000 + rng.uniform(-500, 500, n), rng.uniform(50, 200, n)]
    )
    turn = np.repeat(rng.normal(0.0, 0.15, (scans // 5, n)), 5, axis=0)
    position = flown(start, rng.uniform(8, 15, n), rng.uniform(0, 2 * np.pi, n), turn, period_s)
    radar = Radar(sigma=(4.0, 2e-3, 2e-3), volume=((2000.0, 4000.0), (-0.3, 0.3), (0.0, 0.1)))
    settings = {
        "process_noise_m2ps3": 4.0,
        "vertical_process_noise_m2ps3": 0.1,
        "start_speed_sigma_mps": 10.0,
        "start_climb_sigma_mps": 1.0,
    }
    return seen_by([radar], period_s, position, rng, settings=settings, cutoff_m=30.0)


def _two_radars(
    seed: int, bias: tuple[float, float, float], late: int, **settings: Any
) -> HardScene:
    rng = np.random.default_rng(seed)
    scans, period_s, n = 80, 2.0, 10
    start = np.column_stack([rng.uniform(-20e3, 20e3, (n, 2)), rng.uniform(2e3, 8e3, n)])
    start[:, 1] += 25e3
    position = flown(
        start,
        rng.uniform(100, 250, n),
        rng.uniform(0, 2 * np.pi, n),
        np.zeros((scans, n)),
        period_s,
    )
    radars = [Radar(), Radar(origin_enu_m=(30e3, 0.0, 0.0), bias=bias)]
    return seen_by(radars, period_s, position, rng, (0, late), settings=settings)


def bias(seed: int) -> HardScene:
    """Two radars, one of them 150 m and 6 mrad off, and the tracker unaware."""
    return _two_radars(seed, (150.0, 6e-3, 0.0), 0)


def bias_registered(seed: int) -> HardScene:
    """The same with registration."""
    return _two_radars(seed, (150.0, 6e-3, 0.0), 0, registration=True)


def late_plots(seed: int) -> HardScene:
    """Two radars, one of which delivers four seconds late: too late, plots are dropped."""
    return _two_radars(seed, (0.0, 0.0, 0.0), 2)


def late_plots_taken(seed: int) -> HardScene:
    """The same, with a tracker that still takes them in."""
    return _two_radars(seed, (0.0, 0.0, 0.0), 2, lag_s=5.0)


SCENES: dict[str, Callable[[int], HardScene]] = {
    "crossing": crossing,
    "formation split": formation_split,
    "manoeuvre": manoeuvre,
    "dense clutter": dense_clutter,
    "low Pd": low_pd,
    "drone swarm": swarm,
    "bias": bias,
    "bias, registered": bias_registered,
    "late plots": late_plots,
    "late plots, taken in": late_plots_taken,
}
