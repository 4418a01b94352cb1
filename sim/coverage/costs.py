"""What sensors cost: always a range."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sensors.registry import SensorSpec
from sim.scenario.coverage_spec import Candidate
from sim.scenario.sites import Site
from sim.world.presets import read_presets

COSTS = Path(__file__).with_name("costs.yaml")
#: Entry for what has none of its own.
_OTHER = "other"

Range = tuple[float, float]


def cost_of_sensor(sensor: SensorSpec) -> Range:
    """Return the lowest and highest cost (thousands of euros) of a sensor of that preset."""
    costs = read_presets(COSTS)
    entry = costs.get(getattr(sensor, "preset", None) or _OTHER, costs[_OTHER])["cost_keur"]
    return entry.sweep or (float(entry.value), float(entry.value))


def cost_of_site(site: Site) -> Range:
    """Return the lowest and highest cost of a site: its own if it says so, else its sensors'."""
    if isinstance(site, Candidate) and site.cost_keur is not None:
        return site.cost_keur
    return total(cost_of_sensor(sensor) for sensor in site.sensors)


def total(ranges: Iterable[Range]) -> Range:
    """Return the sum of ranges: all low, and all high."""
    low, high = 0.0, 0.0
    for one in ranges:
        low, high = low + one[0], high + one[1]
    return low, high


def in_words(cost_keur: Range) -> str:
    """Return a range of thousands of euros as a report says it."""
    if cost_keur[1] >= 1000.0:
        return f"{cost_keur[0] / 1000:.3g} to {cost_keur[1] / 1000:.3g} million euros"
    return f"{cost_keur[0]:.3g} to {cost_keur[1]:.3g} thousand euros"
