"""Who watches: nations, links, and sites with sensors."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from sensors.registry import SensorSpec
from sim.world.spec import Identifier, Position, Spec
from sim.world.windows import Window


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


class Along(Spec):
    """Places along a protected line: the site stands at each, numbered from 1."""

    line: Annotated[Identifier, Field(description="id of a protected line")]
    every_km: Annotated[float, Field(gt=0, le=1000)]
    from_km: Annotated[float, Field(ge=0, description="along the line, of the first")] = 0.0
    to_km: Annotated[float | None, Field(gt=0, description="left out: to the line's end")] = None
    inside_km: Annotated[
        float, Field(ge=-200, le=200, description="from the line's outer edge, inwards")
    ]
    jitter_km: Annotated[
        float, Field(ge=0, le=50, description="both ways at most; the scenario's seed decides")
    ] = 0.0
    height_agl_m: Annotated[float, Field(ge=0, le=1000)]

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if self.to_km is not None and self.to_km < self.from_km:
            raise ValueError(f"to_km ({self.to_km:g}) lies before from_km ({self.from_km:g})")
        return self


class Site(Spec):
    """A place, several along a line, or a target; with sensors, of one nation, on one network."""

    id: Identifier
    title: str | None = None
    nation: Annotated[Identifier | None, Field(description="id of one of the nations")] = None
    network: Annotated[
        Identifier | None,
        Field(description="id of one of the networks; without one, everything arrives at once"),
    ] = None
    position: Position | None = None
    along: Annotated[
        Along | None, Field(description="the same site at places along a line: id-1, id-2 …")
    ] = None
    aboard: Annotated[
        Identifier | None, Field(description="id of the target that carries the sensors")
    ] = None
    mast_m: Annotated[
        float, Field(ge=-100, le=1000, description="height of the sensors above their carrier")
    ] = 0.0
    sensors: Annotated[tuple[SensorSpec, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        given = [key for key in ("position", "along", "aboard") if getattr(self, key) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise ValueError(
                "give exactly one of position, along and aboard (id of the target that carries "
                f"it), found {found}"
            )
        if self.mast_m and self.aboard is None:
            raise ValueError("mast_m needs aboard; on the ground, position gives the height")
        return self
