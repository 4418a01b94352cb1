"""Small defences for tests: effectors with every number given, and what they are shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import yaml

from sim.core.tables import Floats, Identity, Tracks, TrackStatus
from sim.engine.build import build
from sim.engine.world import World
from sim.scenario.loader import load

#: About a degree of latitude at 52 degrees north.
M_PER_DEG = 111_270.0


def north(km: float, height_agl_m: float = 0.0) -> dict[str, float]:
    """Return a place so far north of the scenes' origin."""
    latitude = 52.0 + 1e3 * km / M_PER_DEG
    return {"latitude_deg": latitude, "longitude_deg": 5.0, "height_agl_m": height_agl_m}


def effector(**changed: Any) -> dict[str, Any]:
    """Return an effector whose shots are there at once and always judged right."""
    plain: dict[str, Any] = {
        "id": "e",
        "kind": "missile",
        "position": north(0.0),
        "range_max_km": 10.0,
        "height_min_m": -1000,
        "height_max_m": 20_000,
        "channels": 1000,
        "kill_probability": {"other": 0.7},
    }
    return plain | changed


def scene(
    *effectors: dict[str, Any],
    count: int = 1,
    spread_m: float = 0.0,
    start_km: float = 30.0,
    speed_mps: float = 100.0,
    duration_s: float = 300.0,
    source: str = "truth",
    planner: dict[str, Any] | None = None,
    **defence: Any,
) -> dict[str, Any]:
    """Return a scenario in which one-way attack drones fly from the north to the origin."""
    target: dict[str, Any] = {
        "id": "raid",
        "class": "one-way-attack-drone",
        "affiliation": "hostile",
        "count": count,
        "route": [
            north(start_km, 500.0) | {"speed_mps": speed_mps},
            north(0.0, 500.0),
        ],
    }
    if count > 1:
        target["spread"] = {"radius_m": spread_m or 1.0, "height_m": 0.0}
    plan = {"interval_s": 1.0, "cost_weight": 0.0, "method": "greedy"} | (planner or {})
    return {
        "schema": 1,
        "name": "scene",
        "time": {"start": "2026-01-01T00:00:00Z", "duration_s": duration_s},
        "area": {"latitude_deg": 52.0, "longitude_deg": 5.0},
        "nations": [{"id": "AAA"}, {"id": "BBB"}],
        "networks": [{"id": "net", "latency_s": 1.0}],
        "sites": [
            {
                "id": "site",
                "nation": "AAA",
                "network": "net",
                "position": north(0.0, 20.0),
                "sensors": [{"kind": "radar", "preset": "mobile-multi-mission", "id": "radar"}],
            }
        ],
        "targets": [target],
        "protect": [
            {
                "id": "base",
                "kind": "point",
                "position": north(0.0),
                "radius_km": 0.5,
                "ceiling_m": 5000,
            }
        ],
        "picture": {"source": source},
        "defence": {"effectors": list(effectors), "planner": plan, **defence},
    }


def written(data: dict[str, Any], folder: Path) -> Path:
    """Return a file that holds a scenario."""
    path = folder / f"{data['name']}.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return path


def world_of(data: dict[str, Any], folder: Path) -> World:
    """Return a compiled scene."""
    return build(load(written(data, folder)))


def tracks_at(
    position_enu_m: Floats,
    velocity_enu_mps: Floats,
    identity: Identity = Identity.HOSTILE,
    time_s: float = 0.0,
) -> Tracks:
    """Return confirmed tracks numbered from 1."""
    n = len(position_enu_m)
    return Tracks(
        time_s=time_s,
        number=np.arange(1, n + 1, dtype=np.int32),
        position_enu_m=np.asarray(position_enu_m, float),
        velocity_enu_mps=np.asarray(velocity_enu_mps, float),
        position_covariance_m2=np.tile(np.eye(3), (n, 1, 1)),
        status=np.full(n, TrackStatus.CONFIRMED, np.uint8),
        last_plot_s=np.full(n, time_s),
        hits=np.full(n, 5, np.int32),
        sensors=np.ones(n, np.uint64),
        replies=np.zeros((n, 3), np.int32),
        identity=np.full(n, identity, np.uint8),
    )
