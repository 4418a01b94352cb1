"""What can act on a target: effectors by generic parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from sim.world.presets import trim_required, with_values_of_preset
from sim.world.spec import Identifier, Position, Spec
from sim.world.targets import CLASS_NAMES, TargetClass

EFFECTOR_PRESETS = Path(__file__).with_name("effectors.yaml")

#: Whom and where a nation's or an effector's orders let it engage.
Caveat = Literal[
    "own-territory", "own-sensor", "only-crewed", "only-uncrewed", "only-hostile", "no-soft-kill"
]
CREWED = frozenset({"fighter", "airliner", "light-aircraft", "helicopter", "patrol-boat"})

Probability = Annotated[float, Field(ge=0, lt=1)]
_OWN_KEYS = (
    "id",
    "nation",
    "node",
    "network",
    "position",
    "positions",
    "aboard",
    "sensors",
    "caveats",
)


def _own_keys_only(schema: dict[str, Any]) -> None:
    trim_required(schema, ("id",))


class EffectorSpec(Spec):
    """One effector, or the same at several places.

    Heights count from the effector. ``speed_mps`` left out, its effect is there at once.
    """

    model_config = ConfigDict(json_schema_extra=_own_keys_only)

    id: Identifier
    title: str | None = None
    preset: str | None = None
    nation: Annotated[Identifier | None, Field(description="id of one of the nations")] = None
    node: Annotated[Identifier | None, Field(description="id of the node that commands it")] = None
    network: Annotated[
        Identifier | None,
        Field(description="link by which picture and orders come; down, it fights on its own"),
    ] = None
    position: Position | None = None
    positions: Annotated[
        tuple[Position, ...], Field(description="the same effector at each: id-1, id-2 …")
    ] = ()
    aboard: Annotated[Identifier | None, Field(description="id of the target that carries it")] = (
        None
    )
    sensors: Annotated[tuple[Identifier, ...], Field(description="ids of its own sensors")] = ()
    caveats: tuple[Caveat, ...] = ()

    kind: Literal["missile", "gun", "interceptor-drone", "jammer", "laser"]
    range_min_km: Annotated[float, Field(ge=0, le=1000)] = 0.0
    range_max_km: Annotated[float, Field(gt=0, le=2000)]
    height_min_m: Annotated[float, Field(ge=-20_000, le=100_000)] = 0.0
    height_max_m: Annotated[float, Field(gt=0, le=200_000)]
    speed_mps: Annotated[float | None, Field(gt=0, le=10_000)] = None
    dwell_s: Annotated[float, Field(ge=0, le=600, description="on the target, before it tells")] = (
        0.0
    )
    channels: Annotated[int, Field(ge=1, le=100_000, description="engagements at once")]
    magazine: Annotated[int | None, Field(ge=0, le=100_000, description="left out: no end")] = None
    reload_s: Annotated[
        float | None, Field(gt=0, description="from empty to full; left out: never")
    ] = None
    interval_s: Annotated[float, Field(ge=0, le=3600, description="between two shots")] = 0.0
    reaction_s: Annotated[float, Field(ge=0, le=3600, description="from order to shot")] = 0.0
    assessment_s: Annotated[
        float, Field(ge=0, le=3600, description="from effect to a judgement of it")
    ] = 0.0
    track_sigma_max_m: Annotated[
        float, Field(gt=0, description="worst horizontal deviation of a track it can use")
    ] = 500.0
    basket_m: Annotated[
        float, Field(gt=0, description="from the track, in which it finds its target")
    ] = 500.0
    line_of_sight: Annotated[bool, Field(description="must see the target from where it is")] = (
        False
    )
    listens_only: Annotated[bool, Field(description="works on targets with a radio link only")] = (
        False
    )
    kill_probability: Annotated[
        dict[TargetClass | Literal["other"], Probability],
        Field(description="of one shot, by class; other: classes that are not named"),
    ]
    cost_keur: Annotated[float, Field(ge=0, description="of a shot, thousands of euros")] = 0.0

    @model_validator(mode="before")
    @classmethod
    def _from_preset(cls, given: Any) -> Any:
        return with_values_of_preset(given, cls, EFFECTOR_PRESETS, "effector", _OWN_KEYS, {})

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        places = [k for k in ("position", "positions", "aboard") if getattr(self, k)]
        if len(places) != 1:
            found = " and ".join(places) or "none"
            raise ValueError(f"give exactly one of position, positions and aboard, found {found}")
        if self.range_min_km >= self.range_max_km:
            raise ValueError("range_min_km must be below range_max_km")
        if self.height_min_m >= self.height_max_m:
            raise ValueError("height_min_m must be below height_max_m")
        return self

    def probabilities(self) -> list[float]:
        """Return its kill probability for each of ``CLASS_NAMES``."""
        other = self.kill_probability.get("other", 0.0)
        return [self.kill_probability.get(name, other) for name in CLASS_NAMES]  # type: ignore[call-overload]
