"""Layered defence: closed forms, and a weapon assignment whose best value is known."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from sim.defence.assignment import Problem
from sim.defence.assignment_programme import parts_programme
from sim.defence.closed_forms import (
    engagement_opportunities,
    erlang_b,
    layered_leakage,
    no_leaker,
    salvo,
    shoot_look_shoot,
)
from sim.verification.check import Check

_DATA = Path(__file__).with_name("weapons.csv")
_SHOTS = "product of independent misses, by hand"
_ERLANG = "Erlang's B formula, tables of 1917"
_STEPS = "steps of intercept and assessment, by hand"
_WEAPONS = "PrincetonLib, weapon; GAMS model library, WEAPONS; Himmelblau 1972, problem 23"
_WEAPONS_BEST = 1735.56957986


def weapons() -> Problem:
    """Return the problem of 5 weapons and 20 targets; its source is in the file."""
    rows = np.loadtxt(_DATA, delimiter=",")
    return Problem.of(rows[:5, 1:], rows[5, 1:], rows[:5, 0], least=rows[6, 1:])


@cache
def _in_parts() -> tuple[float, float]:
    """Return what the best shots in parts gain, and the bound counted from prices."""
    problem = weapons()
    found = parts_programme(problem)
    return float("nan") if found.shots is None else problem.gained(found.shots), found.bound


def _opportunities(
    detection_km: float, threat_mps: float, assessment_s: float, inner_km: float, outer_km: float
) -> float:
    way = engagement_opportunities(
        1e3 * detection_km, threat_mps, 800.0, 10.0, assessment_s, 1e3 * inner_km, 1e3 * outer_km
    )
    return float(len(way))


CHECKS = (
    Check("salvo of two, single-shot .7", "", 0.91, lambda: salvo(0.7, 2), 1e-12, _SHOTS),
    Check("shoot-look-shoot, kill", "", 0.91, lambda: shoot_look_shoot(0.7, 1)[0], 1e-12, _SHOTS),
    Check("shoot-look-shoot, shots", "", 1.3, lambda: shoot_look_shoot(0.7, 1)[1], 1e-12, _SHOTS),
    Check("looked twice, kill", "", 0.973, lambda: shoot_look_shoot(0.7, 2)[0], 1e-12, _SHOTS),
    Check("looked twice, shots", "", 1.39, lambda: shoot_look_shoot(0.7, 2)[1], 1e-12, _SHOTS),
    Check(
        "leakage of layers .5, .6, .7",
        "",
        0.06,
        lambda: layered_leakage((0.5, 0.6, 0.7)),
        1e-12,
        _SHOTS,
    ),
    Check("no leaker of 10 at .06 each", "", 0.5386, lambda: no_leaker(0.06, 10), 5e-5, _SHOTS),
    *(
        Check(
            f"blocked, 4 erlang on {channels} channels",
            "",
            printed,
            lambda channels=channels: erlang_b(4.0, channels),  # type: ignore[misc]
            5e-5,
            _ERLANG,
        )
        for channels, printed in ((4, 0.3107), (6, 0.1172), (8, 0.0304))
    ),
    Check(
        "opportunities, 50 m/s seen at 20 km, zone 1–10 km",
        "",
        12.0,
        lambda: _opportunities(20.0, 50.0, 10.0, 1.0, 10.0),
        0.0,
        _STEPS,
    ),
    Check(
        "opportunities, 250 m/s seen at 30 km, zone 1–20 km",
        "",
        5.0,
        lambda: _opportunities(30.0, 250.0, 8.0, 1.0, 20.0),
        0.0,
        _STEPS,
    ),
    Check(
        "WEAPONS, best shots in parts",
        "",
        _WEAPONS_BEST,
        lambda: _in_parts()[0],
        1e-6 * _WEAPONS_BEST,
        _WEAPONS,
    ),
    Check(
        "WEAPONS, bound by Lagrange's prices",
        "",
        _WEAPONS_BEST,
        lambda: _in_parts()[1],
        1e-6 * _WEAPONS_BEST,
        _WEAPONS,
    ),
)
