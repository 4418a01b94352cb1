"""Specifications of targets: what they are and where they fly."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Discriminator, Field, Tag, model_validator

from sim.world.electronic_attack import Deception, GnssAttack, NoiseJammer
from sim.world.presets import Preset, read_presets
from sim.world.spec import Identifier, Position, RelativePath, Spec

TARGET_CLASSES = Path(__file__).with_name("target_classes.yaml")

TargetClass = Literal[
    "mini-drone",
    "drone",
    "one-way-attack-drone",
    "cruise-missile",
    "fighter",
    "airliner",
    "light-aircraft",
    "helicopter",
    "ballistic-missile",
    "decoy",
    "bird",
    "bird-flock",
    "balloon",
    "patrol-boat",
    "uncrewed-surface-vessel",
]

#: The classes in the order of ``Plots.seen_class``.
CLASS_NAMES: tuple[str, ...] = get_args(TargetClass)

Positive = Annotated[float, Field(gt=0)]
Speed = Annotated[float, Field(gt=0, le=10_000)]


class Waypoint(Position):
    """A place to pass: turned by on the inside, unless a hold, hover, circle or the end is next.

    Without a height, the height before is kept. ``speed_mps`` holds from here on: a lower
    speed is reached on arrival, a higher one is built up afterwards. ``follow_terrain`` keeps
    ``height_agl_m`` above the ground from here to the next entry that gives another height.
    """

    kind: Literal["waypoint"] = "waypoint"
    speed_mps: Speed | None = None
    follow_terrain: bool = False

    @model_validator(mode="after")
    def _follows_at_a_height(self) -> Self:
        if self.follow_terrain and self.height_agl_m is None:
            raise ValueError("follow_terrain needs height_agl_m")
        return self


class Hold(Position):
    """A racetrack flown level, starting and ending over its fix.

    Without ``inbound_course_deg`` the course of arrival is the inbound course. With it,
    the target first flies to the start of the inbound leg. Straight legs last ``leg_s``.
    """

    kind: Literal["hold"]
    speed_mps: Speed | None = None
    inbound_course_deg: Annotated[float, Field(ge=0, le=360)] | None = None
    leg_s: Positive = 60.0
    turns: Annotated[int, Field(ge=1)] = 1
    direction: Literal["right", "left"] = "right"


class Hover(Spec):
    """Slow down to rest at the last place, and stay."""

    kind: Literal["hover"]
    duration_s: Positive


class Circle(Spec):
    """Circle on from the last place, which lies on the circle.

    The target slows down if its turn rate demands so; ``duration_s`` counts at that speed.
    """

    kind: Literal["circle"]
    radius_m: Positive
    turns: Positive | None = None
    duration_s: Positive | None = None
    direction: Literal["right", "left"] = "right"

    @model_validator(mode="after")
    def _one_extent(self) -> Self:
        if (self.turns is None) == (self.duration_s is None):
            raise ValueError("give exactly one of turns and duration_s")
        return self


def _kind_of(entry: Any) -> Any:
    if isinstance(entry, dict):
        return entry.get("kind", "waypoint")
    return getattr(entry, "kind", None)


RouteEntry = Annotated[
    Annotated[Waypoint, Tag("waypoint")]
    | Annotated[Hold, Tag("hold")]
    | Annotated[Hover, Tag("hover")]
    | Annotated[Circle, Tag("circle")],
    Discriminator(_kind_of),
]


class Motion(Spec):
    """Limits of motion; what is left out comes from the target's class."""

    speed_mps: Speed | None = None
    turn_rate_deg_per_s: Annotated[float, Field(gt=0, le=360)] | None = None
    climb_rate_mps: Positive | None = None
    acceleration_mps2: Positive | None = None


class Formation(Spec):
    """Places in formation. Trail follows the leader's path later; the others turn with it."""

    kind: Literal["trail", "line-abreast", "echelon", "wedge"]
    spacing_m: Positive


class Spread(Spec):
    """A swarm: random places in an upright cylinder, which turns with the path."""

    radius_m: Positive
    height_m: Annotated[float, Field(ge=0)] = 0.0


class Recorded(Spec):
    """A recorded flight, in OpenSky's state-vector columns.

    Scenario time is recorded time - first recorded time + ``offset_s``. Silences longer
    than ``gap_max_s`` stay gaps; rows that need more than ``speed_max_mps`` are dropped.
    """

    file: RelativePath
    icao24: str | None = None
    offset_s: float = 0.0
    height_offset_m: float = 0.0
    gap_max_s: Positive = 30.0
    speed_max_mps: Speed = 400.0


class Ballistic(Spec):
    """A ballistic arc; of least energy unless its apogee or its flight time is given.

    ``apogee_km`` is the greatest height above a sphere through the launch point.
    """

    launch: Position
    impact: Position
    apogee_km: Positive | None = None
    flight_time_s: Positive | None = None

    @model_validator(mode="after")
    def _one_shape(self) -> Self:
        if self.apogee_km is not None and self.flight_time_s is not None:
            raise ValueError("give apogee_km or flight_time_s, not both")
        return self


class Radio(Spec):
    """A radio link of its own; what is left out comes from the target's class."""

    power_dbm: Annotated[
        float | None, Field(ge=-60, le=90, description="radiated, antenna gain included")
    ] = None
    frequency_ghz: Annotated[float | None, Field(gt=0.01, le=300)] = None


class Offset(Spec):
    """How far beside the target its reports place it, along the scenario's axes."""

    east_m: Annotated[float, Field(ge=-1e6, le=1e6)] = 0.0
    north_m: Annotated[float, Field(ge=-1e6, le=1e6)] = 0.0
    up_m: Annotated[float, Field(ge=-1e5, le=1e5)] = 0.0


class Spoofed(Spec):
    """Reports that lie about the place."""

    spoofed: Offset


def _word_or(kind: str) -> Any:
    """Return what tells a word from a mapping, so that errors speak of one of them."""
    return Discriminator(lambda given: "word" if isinstance(given, str) else kind)


RadioLink = Annotated[
    Annotated[Literal["silent"], Tag("word")] | Annotated[Radio, Tag("radio")], _word_or("radio")
]
Reports = Annotated[
    Annotated[Literal["honest", "absent"], Tag("word")] | Annotated[Spoofed, Tag("spoofed")],
    _word_or("spoofed"),
]


class TargetSpec(Spec):
    """One target, or ``count`` of them in formation or as a swarm."""

    id: Identifier
    target_class: TargetClass = Field(alias="class")
    affiliation: Literal["friend", "neutral", "unknown", "hostile"] = "unknown"
    count: Annotated[int, Field(ge=1, le=100_000)] = 1
    formation: Formation | None = None
    spread: Spread | None = None
    start_s: float = 0.0
    motion: Motion = Motion()
    at_end: Literal["vanish", "stay"] = "vanish"
    rcs_dbsm: Annotated[float, Field(ge=-80, le=80)] | None = None
    reply: Literal["none", "civil", "military"] | None = None
    radio: Annotated[RadioLink | None, Field(description="its own link, or silent")] = None
    ads_b: Annotated[
        Reports | None, Field(description="whether it tells its place, and whether truly")
    ] = None
    remote_id: Annotated[
        Reports | None, Field(description="whether a drone tells its place, and whether truly")
    ] = None
    ghost: Annotated[
        bool, Field(description="exists in its reports alone: somebody else invents them")
    ] = False
    judged: Annotated[
        Literal["each", "group"],
        Field(description="whether the picture owes a track to every member or to the group"),
    ] = "each"
    jammer: Annotated[NoiseJammer | None, Field(description="noise that every member makes")] = None
    deception: Annotated[Deception | None, Field(description="echoes of nobody")] = None
    gnss: Annotated[
        GnssAttack | None, Field(description="jams or spoofs satellite navigation around it")
    ] = None
    route: Annotated[list[RouteEntry], Field(min_length=1)] | None = None
    recorded: Recorded | None = None
    ballistic: Ballistic | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        paths = [key for key in ("route", "recorded", "ballistic") if getattr(self, key)]
        if len(paths) != 1:
            found = " and ".join(paths) or "none"
            raise ValueError(f"give exactly one of route, recorded and ballistic (found {found})")
        if self.formation and self.spread:
            raise ValueError("give formation or spread, not both")
        if self.count > 1 and not (self.formation or self.spread):
            raise ValueError("count above 1 needs formation or spread")
        if self.recorded and self.count > 1:
            raise ValueError("a recorded flight is one target: count must be 1")
        if self.recorded and self.start_s:
            raise ValueError("a recorded flight starts by recorded.offset_s, not by start_s")
        if self.ballistic and self.formation and self.formation.kind != "trail":
            raise ValueError("ballistic targets take spread, or a formation in trail")
        if not self.route:
            if self.motion != Motion():
                raise ValueError(f"motion has no meaning for a {paths[0]} path")
            if self.at_end != "vanish":
                raise ValueError(f"at_end: {self.at_end} needs a route")
        elif self.route[0].kind != "waypoint":
            raise ValueError("a route begins with a waypoint")
        if isinstance(self.radio, Radio):
            for key in ("power_dbm", "frequency_ghz"):
                if getattr(self.radio, key) is None and self.characteristic(f"rf_{key}") is None:
                    raise ValueError(f"radio: class {self.target_class} has none; give {key} too")
        if self.ghost and not self.tells("ads_b", "ads_b_nacp") | self.tells("remote_id"):
            raise ValueError("a ghost exists in its reports alone: give ads_b or remote_id")
        return self

    def tells(self, key: str, of_class: str | None = None) -> bool:
        """Tell whether it sends reports of a kind: ``ads_b`` or ``remote_id``."""
        given = getattr(self, key)
        if given is None:
            return bool(self.characteristic(of_class or key))
        return bool(given != "absent")

    def reported_offset_m(self, key: str) -> tuple[float, float, float]:
        """Return how far east, north and up of the truth its reports of a kind lie."""
        given = getattr(self, key)
        if not isinstance(given, Spoofed):
            return 0.0, 0.0, 0.0
        return given.spoofed.east_m, given.spoofed.north_m, given.spoofed.up_m

    def characteristic(self, key: str) -> Any:
        """Return the value of the target's class for a key of ``target_classes.yaml``."""
        return target_classes()[self.target_class][key].value


@cache
def target_classes() -> dict[str, dict[str, Preset]]:
    """Return the characteristics of all target classes, with their provenance."""
    return {name: dict(entries) for name, entries in read_presets(TARGET_CLASSES).items()}
