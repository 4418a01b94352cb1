"""What a scenario file may say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from sim.scenario.coverage_spec import CoverageSpec
from sim.scenario.defending import Defence
from sim.scenario.identifying import Identification
from sim.scenario.protecting import ProtectSpec
from sim.scenario.sites import Nation, Network, Site
from sim.tracking.config import TrackerConfig
from sim.world.electronic_attack import GroundEmitter
from sim.world.environment import Environment
from sim.world.spec import Height, Identifier, Latitude, Longitude, Spec
from sim.world.targets import TargetSpec
from sim.world.terrain import FlatTerrain, TerrainSpec

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


class Picture(Spec):
    """What the picture says of its tracks beside where they are."""

    classification: Annotated[
        bool, Field(description="tell of every confirmed track what it probably is")
    ] = True
    source: Annotated[
        Literal["tracker", "truth"],
        Field(description="truth: a perfect picture, to see what better sensors could bring"),
    ] = "tracker"
    identification: Annotated[
        Identification | None,
        Field(description="weigh all evidence on whose a track is; left out: replies alone tell"),
    ] = None


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
    sharing: Annotated[
        bool,
        Field(description="run once more with every effector on its own sensors: what is bought"),
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
    coverage: CoverageSpec = CoverageSpec()
    defence: Defence | None = None
    tracker: TrackerConfig = TrackerConfig()
    picture: Picture = Picture()
    record: Record = Record()
    judge: Judge = Judge()
    criteria: tuple[Criterion, ...] = ()

    @property
    def identification(self) -> Identification | None:
        """How evidence on identities is weighed; None where replies alone tell them.

        Who acts on the picture weighs it in any case.
        """
        if self.picture.identification is None and self.defence is not None:
            return Identification()
        return self.picture.identification
