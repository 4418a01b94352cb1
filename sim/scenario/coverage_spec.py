"""What coverage is computed for, and what might be bought."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim.scenario.sites import Site
from sim.world.spec import Identifier, Spec
from sim.world.targets import TargetClass

HeightAgl = Annotated[float, Field(gt=0, le=50_000)]
Cost = Annotated[float, Field(ge=0, le=1e9)]


class Condition(Spec):
    """Weather, jamming and radio silence that coverage is computed under."""

    id: Identifier
    rain_mm_per_h: Annotated[
        float | None, Field(ge=0, le=150, description="left out: as environment says")
    ] = None
    jammed: Annotated[bool, Field(description="the scenario's jammers and spoofers work")] = False
    silent: Annotated[
        bool, Field(description="targets send nothing: no radio link for finders to hear")
    ] = False


class Candidate(Site):
    """A site that might be built: coverage leaves it out, placement may choose it.

    Candidates with the same ``place`` exclude each other: kinds of sensors for one place.
    """

    place: Annotated[Identifier | None, Field(description="of several options, one at most")] = None
    cost_keur: Annotated[
        tuple[Cost, Cost] | None,
        Field(description="[lowest, highest], thousands of euros; left out: by its sensors"),
    ] = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.cost_keur and self.cost_keur[0] > self.cost_keur[1]:
            raise ValueError("cost_keur: the lowest cost comes first")
        if self.position is None:
            raise ValueError("a candidate stands at one place on the ground: give position")
        return self


class CoverageSpec(Spec):
    """Settings of ``airpicture coverage`` and ``airpicture place``."""

    cell_m: Annotated[float, Field(ge=10, le=20_000, description="width of a cell")] = 200.0
    side_km: Annotated[
        float, Field(gt=0, le=2000, description="of the square, where no line is protected")
    ] = 40.0
    heights_agl_m: Annotated[tuple[HeightAgl, ...], Field(min_length=1, max_length=20)] = (
        50.0,
        100.0,
        200.0,
        500.0,
        1000.0,
        3000.0,
    )
    classes: Annotated[tuple[TargetClass, ...], Field(min_length=1, max_length=15)] = (
        "mini-drone",
        "one-way-attack-drone",
        "cruise-missile",
    )
    conditions: Annotated[tuple[Condition, ...], Field(min_length=1, max_length=8)] = (
        Condition(id="as-is"),
    )
    headings: Annotated[
        Literal[1, 4, 8, 16], Field(description="in which Pd is computed for the weakest path")
    ] = 8
    track_within_s: Annotated[
        float, Field(gt=0, le=3600, description="time that a track may take to be confirmed")
    ] = 30.0
    required: Annotated[
        float, Field(gt=0, lt=1, description="probability from which a place counts as covered")
    ] = 0.9
    candidates: tuple[Candidate, ...] = ()

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if list(self.heights_agl_m) != sorted(set(self.heights_agl_m)):
            raise ValueError("heights_agl_m must rise")
        if len(set(self.classes)) < len(self.classes):
            raise ValueError("classes: one is named twice")
        ids = [condition.id for condition in self.conditions]
        if len(set(ids)) < len(ids):
            raise ValueError("conditions: an id is given twice")
        return self
