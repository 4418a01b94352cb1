"""What is to be watched over: corridors, points and lines."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sim.world.environment import Place
from sim.world.spec import Identifier, Position, Spec

Worth = Annotated[float, Field(ge=0, le=1e6, description="to those who defend it")]


class Separation(Spec):
    """How far other traffic must stay from arrivals: violated if closer in both."""

    horizontal_km: Annotated[float, Field(gt=0, le=1000)]
    vertical_m: Annotated[float, Field(gt=0, le=50_000)]


class Corridor(Spec):
    """A way in that is to be watched along its length."""

    id: Identifier
    title: str | None = None
    kind: Literal["corridor"]
    value: Worth = 1.0
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
    value: Worth = 1.0
    position: Position
    radius_km: Annotated[float, Field(gt=0, le=1000)]
    ceiling_m: Annotated[
        float, Field(gt=0, le=100_000, description="top of the cylinder, above the position")
    ]


class Line(Spec):
    """A line that nothing shall cross unnoticed: a band along it, from the line inwards."""

    id: Identifier
    title: str | None = None
    kind: Literal["line"]
    value: Worth = 1.0
    path: Annotated[tuple[Place, ...], Field(min_length=2, description="the outer edge")]
    threat_from: Annotated[
        Literal["left", "right"], Field(description="side of the path, along it, of intruders")
    ]
    depth_km: Annotated[float, Field(gt=0, le=200, description="of the band, inwards")]

    @property
    def vertices_deg(self) -> list[tuple[float, float]]:
        """Latitude and longitude of the path's places."""
        return [(place.latitude_deg, place.longitude_deg) for place in self.path]


ProtectSpec = Annotated[Corridor | Point | Line, Field(discriminator="kind")]
