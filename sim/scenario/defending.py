"""Who may act on the picture, how, and by whose orders."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sim.scenario.effector_spec import Caveat, EffectorSpec
from sim.world.environment import Place
from sim.world.spec import Identifier, Spec
from sim.world.windows import Window

#: What may be engaged: nothing but in self-defence; what is held hostile; all but friends.
Weapons = Literal["hold", "tight", "free"]
Sharing = Literal["none", "national", "bilateral", "alliance"]


class Territory(Spec):
    """Where a nation's own ground is, and what its effectors may do."""

    nation: Identifier
    area: Annotated[
        tuple[Place, ...], Field(description="corners of its territory, in order; left out: none")
    ] = ()
    caveats: Annotated[tuple[Caveat, ...], Field(description="of all its effectors")] = ()


class Node(Spec):
    """Where it is decided what effectors do."""

    id: Identifier
    title: str | None = None
    nation: Identifier | None = None
    delay_s: Annotated[
        float, Field(ge=0, le=3600, description="from the picture to the order at the effector")
    ] = 0.0
    decisions_per_min: Annotated[
        float | None, Field(gt=0, le=6000, description="left out: no limit")
    ] = None
    weapons: Annotated[Weapons | None, Field(description="left out: as the escalation says")] = None
    lost_s: Annotated[tuple[Window, ...], Field(description="when it is out of action")] = ()
    takeover: Annotated[
        Identifier | None, Field(description="node that commands its effectors then")
    ] = None
    takeover_s: Annotated[float, Field(ge=0, le=3600, description="until that node does")] = 30.0


class Level(Spec):
    """A level of escalation: what holds once the picture shows so many hostile tracks."""

    id: Identifier
    hostile_tracks: Annotated[int, Field(ge=0, le=100_000)] = 0
    weapons: Weapons


class Restricted(Spec):
    """A place over which nothing is to be hit: a town, a works."""

    id: Identifier
    title: str | None = None
    position: Place
    radius_km: Annotated[float, Field(gt=0, le=500)]
    ceiling_m: Annotated[
        float | None, Field(gt=0, le=100_000, description="above it is allowed; left out: never")
    ] = None


class Planner(Spec):
    """How shots are given to tracks."""

    method: Annotated[
        Literal["best", "greedy", "one-each"],
        Field(
            description="best: several shots per track, to the bound; greedy: by the next best "
            "shot; one-each: the best pairs, one shot each"
        ),
    ] = "best"
    interval_s: Annotated[float, Field(gt=0, le=600, description="between two plans")] = 2.0
    doctrine: Annotated[
        Literal["shoot-look-shoot", "salvo"],
        Field(description="look before the next shot while there is time, or shoot at once"),
    ] = "shoot-look-shoot"
    shots_max: Annotated[int, Field(ge=1, le=20, description="under way to one track at once")] = 2
    hold_back: Annotated[
        float,
        Field(ge=0, lt=1, description="share of a magazine kept for tracks worth more than keep"),
    ] = 0.0
    keep_for_value: Annotated[
        float, Field(ge=0, description="value of a threat from which held back shots may be used")
    ] = 0.5
    cost_weight: Annotated[
        float,
        Field(ge=0, description="value that a million euros of shots has; 0: cost is no object"),
    ] = 0.02


class Doubt(Spec):
    """The price of an error about a track, in the units of what is protected."""

    engaged: Annotated[float, Field(ge=0, description="of engaging one that is not hostile")] = 1.0
    hostile_if_unknown: Annotated[
        float,
        Field(ge=0, le=1, description="chance that an unknown track is hostile, if nothing tells"),
    ] = 0.5


class Defence(Spec):
    """Effectors, who commands them, and what they may do."""

    sharing: Annotated[
        Sharing,
        Field(description="whose sensors make the picture that an effector and its node see"),
    ] = "alliance"
    bilateral: Annotated[
        tuple[tuple[Identifier, Identifier], ...],
        Field(description="pairs of nations that share, if sharing is bilateral"),
    ] = ()
    territories: tuple[Territory, ...] = ()
    nodes: tuple[Node, ...] = ()
    effectors: Annotated[tuple[EffectorSpec, ...], Field(min_length=1)]
    escalation: Annotated[
        tuple[Level, ...], Field(description="from the lowest to the highest; left out: tight")
    ] = ()
    calm_s: Annotated[
        float, Field(ge=0, description="without enough hostile tracks, until a level is left")
    ] = 120.0
    restricted: tuple[Restricted, ...] = ()
    friend_clearance_km: Annotated[
        float, Field(ge=0, le=100, description="no shot meets its target nearer to a friend")
    ] = 0.0
    self_defence_km: Annotated[
        float, Field(ge=0, le=100, description="what comes so near may be engaged in any case")
    ] = 0.0
    alone: Annotated[
        Weapons, Field(description="of an effector that neither node nor network reaches")
    ] = "tight"
    planner: Planner = Planner()
    doubt: Doubt = Doubt()
