"""What does not change during a run, as a recording carries it and a viewer needs it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

Point = tuple[float, float, float]
Window = tuple[float, float]


@dataclass(frozen=True, slots=True)
class SensorFacts:
    """One sensor: where it stands (scenario ENU, m), how far and how often it looks.

    ``first_azimuth_rad`` is where a turning sensor looks at t = 0, None for a staring one;
    ``measured`` the name of the ``Measured`` that its plots hold. ``carrier`` is the target
    that carries it, None on the ground; its place is then that where the carrier's path
    begins, and later ones are in the snapshots.
    """

    id: str
    kind: str
    site: str
    position_enu_m: Point
    range_max_m: float
    period_s: float
    first_azimuth_rad: float | None = None
    carrier: str | None = None
    measured: str = "polar"


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """One target: identifier, the scenario group it came from, class and affiliation.

    ``judged_as`` names the object of the picture that it belongs to: itself, or its group.
    """

    id: str
    group: str
    target_class: str
    affiliation: str
    judged_as: str


@dataclass(frozen=True, slots=True)
class ProtectedFacts:
    """One protected thing: a point (one-point path), a corridor or a line, scenario ENU.

    ``radius_m`` is the warning radius of a point, the half width of a corridor or the depth of a
    line's band. Of a line, ``path_enu_m`` is the outer edge and ``inner_enu_m`` the inner one,
    point for point.
    """

    id: str
    kind: str
    path_enu_m: tuple[Point, ...]
    radius_m: float
    inner_enu_m: tuple[Point, ...] = ()
    value: float = 1.0


@dataclass(frozen=True, slots=True)
class EffectorFacts:
    """An effector: what it is, where it stands, what it reaches and holds.

    ``layer`` is its preset's name, or its kind; heights count from the effector; ``magazine``
    is None if it never runs out. ``position_enu_m`` of one that is carried is where its
    carrier starts. ``cost_keur`` is of a shot, ``assessment_s`` from its effect to a judgement.
    """

    id: str
    kind: str
    layer: str
    nation: str
    node: str
    position_enu_m: Point
    carrier: str | None
    range_min_m: float
    range_max_m: float
    height_min_m: float
    height_max_m: float
    channels: int
    magazine: int | None
    cost_keur: float
    assessment_s: float = 0.0


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """A site's link that is down at times: windows [from, to] in seconds.

    ``outages`` are those that the scenario gives, ``jammed`` those that noise jammers cause;
    ``loss`` is the share of what is sent then that never arrives.
    """

    site: str
    outages: tuple[Window, ...]
    jammed: tuple[Window, ...]
    loss: float


@dataclass(frozen=True, slots=True)
class Setting:
    """The stage of a run: frame, span, sensors, targets and what is protected.

    ``start`` is the ISO 8601 time of t = 0; latitude and longitude of the frame's
    origin are in radians, its height in metres above the ellipsoid. ``classes`` are those
    that the picture tells tracks from, none without classification; ``links`` only those that
    are ever down.
    """

    scenario: str
    title: str
    start: str
    duration_s: float
    origin_latitude_rad: float
    origin_longitude_rad: float
    origin_height_m: float
    sensors: tuple[SensorFacts, ...]
    targets: tuple[TargetFacts, ...]
    protected: tuple[ProtectedFacts, ...]
    classes: tuple[str, ...] = ()
    links: tuple[LinkFacts, ...] = ()
    effectors: tuple[EffectorFacts, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the setting as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Setting:
        """Rebuild a setting from ``to_json``.

        Raises
        ------
        KeyError, TypeError
            If a field is missing or unknown.
        """
        return cls(
            **{
                **data,
                "sensors": tuple(
                    SensorFacts(**{**s, "position_enu_m": tuple(s["position_enu_m"])})
                    for s in data["sensors"]
                ),
                "targets": tuple(TargetFacts(**t) for t in data["targets"]),
                "protected": tuple(
                    ProtectedFacts(
                        **{
                            **p,
                            "path_enu_m": tuple(tuple(q) for q in p["path_enu_m"]),
                            "inner_enu_m": tuple(tuple(q) for q in p.get("inner_enu_m", ())),
                        }
                    )
                    for p in data["protected"]
                ),
                "classes": tuple(data.get("classes", ())),
                "effectors": tuple(
                    EffectorFacts(**{**e, "position_enu_m": tuple(e["position_enu_m"])})
                    for e in data.get("effectors", ())
                ),
                "links": tuple(
                    LinkFacts(
                        **{
                            **link,
                            "outages": tuple(tuple(window) for window in link["outages"]),
                            "jammed": tuple(tuple(window) for window in link["jammed"]),
                        }
                    )
                    for link in data.get("links", ())
                ),
            }
        )
