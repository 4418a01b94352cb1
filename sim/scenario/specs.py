"""What a scenario file may say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from sensors.registry import SensorSpec
from sim.tracking.config import TrackerConfig
from sim.world.electronic_attack import GroundEmitter
from sim.world.environment import Environment
from sim.world.spec import Height, Identifier, Latitude, Longitude, Position, Spec
from sim.world.targets import TargetSpec
from sim.world.terrain import FlatTerrain, TerrainSpec
from sim.world.windows import Window

_START_EXAMPLE = "2025-10-13T14:00:00Z"


def _aware_time(value: object) -> datetime:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(f"expected a time such as {_START_EXAMPLE}") from None
    if not isinstance(value, datetime):
        raise ValueError(f"expected a time such as {_START_EXAMPLE}")
    if value.tzinfo is None:
        raise ValueError(f"expected a time with its zone, such as {_START_EXAMPLE}: Z is UTC")
    if not 1900 <= value.year <= 2200:
        raise ValueError("expected a year from 1900 to 2200")
    return value.astimezone(UTC)


class Time(Spec):
    """When the scenario plays."""

    start: Annotated[
        datetime,
        BeforeValidator(_aware_time),
        Field(description=f"time zero, with its zone: {_START_EXAMPLE}"),
    ]
    duration_s: Annotated[float, Field(gt=0, le=2_592_000, description="length of the scenario")]


class Area(Spec):
    """Where the scenario plays: origin of its east-north-up frame, and the ground."""

    latitude_deg: Latitude
    longitude_deg: Longitude
    height_m: Annotated[Height, Field(description="ground at the origin, above the ellipsoid")] = (
        0.0
    )
    terrain: TerrainSpec = FlatTerrain()


class Nation(Spec):
    """A contributor of sensors."""

    id: Identifier
    title: str | None = None


class LinkRadio(Spec):
    """The radio of a link, which a noise jammer of its frequency may drown."""

    receiver: Annotated[Position, Field(description="the end that a jammer has to reach")]
    length_km: Annotated[float, Field(gt=0, le=2000, description="from sender to receiver")]
    frequency_ghz: Annotated[float, Field(gt=0.001, le=300)]
    bandwidth_mhz: Annotated[float, Field(gt=0, le=10_000)]
    erp_dbw: Annotated[float, Field(ge=-60, le=120, description="of the sender, at the receiver")]
    off_axis_db: Annotated[
        float,
        Field(ge=-80, le=0, description="receiving gain towards jammers, less that to the sender"),
    ] = 0.0
    jam_to_signal_max_db: Annotated[
        float, Field(ge=-40, le=60, description="more noise than this and nothing arrives")
    ] = -10.0


class Network(Spec):
    """A link from sites to where the picture is built."""

    id: Identifier
    latency_s: Annotated[
        float, Field(ge=0, le=3600, description="from the look or the report to its arrival")
    ] = 0.0
    loss: Annotated[
        float,
        Field(
            ge=0,
            lt=1,
            description="share of plots that never arrive; of reports if tracker.architecture "
            "is distributed",
        ),
    ] = 0.0
    outages: Annotated[
        tuple[Window, ...], Field(description="[from_s, to_s] of each time with outage_loss")
    ] = ()
    outage_loss: Annotated[float, Field(gt=0, le=1)] = 1.0
    radio: Annotated[
        LinkRadio | None, Field(description="lets noise jammers cause outages of their own")
    ] = None


class Site(Spec):
    """A place or a target with sensors, of one nation, on one network."""

    id: Identifier
    title: str | None = None
    nation: Annotated[Identifier | None, Field(description="id of one of the nations")] = None
    network: Annotated[
        Identifier | None,
        Field(description="id of one of the networks; without one, everything arrives at once"),
    ] = None
    position: Position | None = None
    aboard: Annotated[
        Identifier | None, Field(description="id of the target that carries the sensors")
    ] = None
    mast_m: Annotated[
        float, Field(ge=-100, le=1000, description="height of the sensors above their carrier")
    ] = 0.0
    sensors: Annotated[tuple[SensorSpec, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if (self.position is None) == (self.aboard is None):
            raise ValueError("give either position or aboard (id of the target that carries it)")
        if self.mast_m and self.aboard is None:
            raise ValueError("mast_m needs aboard; on the ground, position gives the height")
        return self


class Separation(Spec):
    """How far other traffic must stay from arrivals: violated if closer in both."""

    horizontal_km: Annotated[float, Field(gt=0, le=1000)]
    vertical_m: Annotated[float, Field(gt=0, le=50_000)]


class Corridor(Spec):
    """A way in that is to be watched along its length."""

    id: Identifier
    title: str | None = None
    kind: Literal["corridor"]
    path: Annotated[tuple[Position, ...], Field(min_length=2, description="centre line, inbound")]
    width_km: Annotated[float, Field(gt=0, le=1000, description="full width")]
    arrivals: Annotated[
        tuple[Identifier, ...], Field(description="ids of the targets that are to arrive here")
    ] = ()
    separation: Separation | None = None


class Point(Spec):
    """A place that is to be watched: a cylinder over a position."""

    id: Identifier
    title: str | None = None
    kind: Literal["point"]
    position: Position
    radius_km: Annotated[float, Field(gt=0, le=1000)]
    ceiling_m: Annotated[
        float, Field(gt=0, le=100_000, description="top of the cylinder, above the position")
    ]


ProtectSpec = Annotated[Corridor | Point, Field(discriminator="kind")]


class Picture(Spec):
    """What the picture says of its tracks beside where they are."""

    classification: Annotated[
        bool, Field(description="tell of every confirmed track what it probably is")
    ] = True


class Record(Spec):
    """How often the picture is recorded."""

    interval_s: Annotated[float, Field(ge=0.01, le=3600)] = 1.0


class Judge(Spec):
    """How the picture is compared with the truth."""

    cutoff_m: Annotated[
        float, Field(gt=0, le=1e6, description="a track farther from a target is not its track")
    ] = 1000.0
    interval_s: Annotated[float, Field(ge=0.01, le=3600)] = 1.0
    contributions: Annotated[
        bool,
        Field(description="make the picture once more without each sensor: what would be lost"),
    ] = False


class Criterion(Spec):
    """A bound on one of the run's metrics."""

    metric: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z0-9_/-]+(\.[A-Za-z0-9_/-]+)*$",
            max_length=200,
            description="dotted path into metrics.json",
        ),
    ]
    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min must not exceed max")
        return self


class Scenario(Spec):
    """A scenario: who watches which traffic, where, when, and what counts as good."""

    schema_version: Annotated[
        Literal[1], Field(alias="schema", description="version of this file format")
    ]
    name: Identifier
    title: str = ""
    description: str = ""
    time: Time
    seed: Annotated[
        int, Field(ge=0, le=2**63 - 1, description="same seed, same run, to the last bit")
    ] = 0
    area: Area
    environment: Environment = Environment()
    nations: tuple[Nation, ...] = ()
    networks: tuple[Network, ...] = ()
    sites: Annotated[tuple[Site, ...], Field(min_length=1)]
    targets: tuple[TargetSpec, ...] = ()
    emitters: Annotated[
        tuple[GroundEmitter, ...], Field(description="jammers and spoofers on the ground")
    ] = ()
    protect: tuple[ProtectSpec, ...] = ()
    tracker: TrackerConfig = TrackerConfig()
    picture: Picture = Picture()
    record: Record = Record()
    judge: Judge = Judge()
    criteria: tuple[Criterion, ...] = ()
