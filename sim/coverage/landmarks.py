"""What a map shows beside its values: sensors' sites, and what is protected."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Self

from sim.core.tables import Floats
from sim.coverage.grid import Grid
from sim.coverage.stage import Stage
from sim.scenario.protecting import Point

Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Landmarks:
    """In a grid's plane, metres east and north of its middle.

    Attributes
    ----------
    sites : name and place of each site with sensors
    protected : name, place and radius (m) of each protected point
    """

    sites: tuple[tuple[str, Place], ...] = ()
    protected: tuple[tuple[str, Place, float], ...] = ()

    @classmethod
    def of(cls, stage: Stage, grid: Grid, built: Collection[str] = ()) -> Self:
        """Return those of a scenario, candidate sites only where they are named as built."""
        sites = {
            one.site: one.position_enu_m
            for one in stage.sensors
            if not one.candidate or one.site in built
        }
        points = [thing for thing in stage.spec.protect if isinstance(thing, Point)]
        return cls(
            tuple((name, plane_of(grid, place)) for name, place in sites.items()),
            tuple(
                (one.id, plane_of(grid, stage.enu_m(one.position)), 1e3 * one.radius_km)
                for one in points
            ),
        )


def plane_of(grid: Grid, position_enu_m: Floats) -> Place:
    """Return east and north of a place (3,) in a grid's plane."""
    middle = tuple(size // 2 for size in grid.shape)
    east, north = (position_enu_m - grid.ground_enu_m[middle]) @ grid.axes[middle][:, :2]
    return float(east), float(north)
