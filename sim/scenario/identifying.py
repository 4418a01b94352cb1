"""How tracks are told friend from foe: settings of the weighing of evidence."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim.world.environment import Place
from sim.world.spec import Identifier, Position, Spec

#: What may bear on an identity; ``sim.picture.evidence`` says how.
EvidenceSource = Literal[
    "replies", "silence", "reports", "corridors", "behaviour", "areas", "border", "class"
]

Probability = Annotated[float, Field(gt=0, lt=1)]
Threshold = Annotated[float, Field(gt=0.5, lt=1)]


class RestrictedArea(Spec):
    """A cylinder that nobody may enter without leave."""

    id: Identifier
    title: str | None = None
    position: Position
    radius_km: Annotated[float, Field(gt=0, le=1000)]
    ceiling_m: Annotated[
        float, Field(gt=0, le=100_000, description="top of the cylinder, above the position")
    ]


class Airway(Spec):
    """A published way that traffic keeps to; corridors under ``protect`` count too."""

    id: Identifier
    title: str | None = None
    path: Annotated[tuple[Place, ...], Field(min_length=2, description="centre line")]
    width_km: Annotated[float, Field(gt=0, le=1000, description="full width")]
    both_ways: bool = False


class Border(Spec):
    """A line with a side that threats come from: a protected line, or a path of its own."""

    line: Annotated[Identifier | None, Field(description="id of a protected line")] = None
    path: Annotated[tuple[Place, ...] | None, Field(min_length=2)] = None
    threat_from: Annotated[
        Literal["left", "right"] | None, Field(description="side of the path, along it")
    ] = None

    @model_validator(mode="after")
    def _one_line(self) -> Self:
        if (self.line is None) == (self.path is None):
            raise ValueError("give either line (id of a protected line) or path with threat_from")
        if self.path is not None and self.threat_from is None:
            raise ValueError("path needs threat_from: left or right, along the path")
        if self.line is not None and self.threat_from is not None:
            raise ValueError("a protected line has a threat_from of its own; leave it out here")
        return self


class Priors(Spec):
    """What a track is before anything is known of it."""

    friend: Probability
    neutral: Probability
    hostile: Probability

    @model_validator(mode="after")
    def _sum_to_one(self) -> Self:
        total = self.friend + self.neutral + self.hostile
        if abs(total - 1.0) > 1e-6:
            raise ValueError(f"priors must sum to 1, found {total:g}")
        return self


class Thresholds(Spec):
    """From which posterior probability on a track is given which identity."""

    hostile: Threshold = 0.95
    suspect: Threshold = 0.7
    friend: Threshold = 0.95
    assumed_friend: Threshold = 0.7
    neutral: Threshold = 0.7
    margin: Annotated[
        float, Field(ge=0, lt=0.2, description="an identity is lost only so far below its own")
    ] = 0.05

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for weak, strong in (("suspect", "hostile"), ("assumed_friend", "friend")):
            if getattr(self, weak) >= getattr(self, strong):
                raise ValueError(f"{weak} must be below {strong}")
        lowest = min(self.suspect, self.assumed_friend, self.neutral)
        if lowest - self.margin < 0.5:
            raise ValueError(
                f"margin {self.margin:g} leaves less than 0.5 of the threshold {lowest:g}: "
                "two identities could hold at once"
            )
        return self


class Identification(Spec):
    """Weigh all evidence on a track, instead of replies alone."""

    priors: Annotated[
        Priors | None, Field(description="left out: those of sim/picture/identification.yaml")
    ] = None
    thresholds: Thresholds = Thresholds()
    without: Annotated[
        tuple[EvidenceSource, ...], Field(description="evidence that is not to be weighed")
    ] = ()
    restricted: tuple[RestrictedArea, ...] = ()
    corridors: tuple[Airway, ...] = ()
    border: Border | None = None
