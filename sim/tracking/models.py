"""Motion models as a user states them."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim.world.spec import Spec

KINDS = (
    "constant-velocity",
    "constant-acceleration",
    "singer",
    "coordinated-turn",
    "ballistic",
)


class MotionModel(Spec):
    """One model of how a target moves; the noises' units depend on the kind."""

    kind: Literal[
        "constant-velocity",
        "constant-acceleration",
        "singer",
        "coordinated-turn",
        "ballistic",
    ] = "constant-velocity"
    noise: Annotated[
        float,
        Field(
            gt=0,
            le=1e6,
            description="horizontal. White-noise acceleration in m²/s³; constant-acceleration: "
            "white-noise jerk in m²/s⁵; singer: rms acceleration in m/s²",
        ),
    ]
    vertical_noise: Annotated[
        float | None, Field(gt=0, le=1e6, description="the same, up; default: a tenth")
    ] = None
    time_constant_s: Annotated[
        float | None, Field(gt=0, le=1e4, description="singer: how long a manoeuvre lasts")
    ] = None
    turn_noise_rad2ps3: Annotated[
        float | None,
        Field(gt=0, le=10, description="coordinated-turn: white noise of the turn rate"),
    ] = None
    drag_noise: Annotated[
        float | None,
        Field(gt=0, le=10, description="ballistic: white noise of the drag's logarithm, 1/s"),
    ] = None
    sojourn_s: Annotated[
        float, Field(gt=0, le=1e6, description="mean time before the target changes models")
    ] = 60.0

    @property
    def parameters(self) -> tuple[float, float, float, float]:
        """The four numbers that ``sim.core.motion.predict`` takes."""
        vertical = 0.1 * self.noise if self.vertical_noise is None else self.vertical_noise
        third = self.time_constant_s or self.turn_noise_rad2ps3 or self.drag_noise or 0.0
        return self.noise, vertical, third, 0.0

    @model_validator(mode="after")
    def _third_parameter(self) -> Self:
        needed = {
            "singer": "time_constant_s",
            "coordinated-turn": "turn_noise_rad2ps3",
            "ballistic": "drag_noise",
        }
        own = needed.get(self.kind)
        for name in needed.values():
            if (getattr(self, name) is None) != (name != own):
                raise ValueError(f"{self.kind} {'needs' if name == own else 'has no'} {name}")
        return self


def manoeuvring() -> list[MotionModel]:
    """Return the default bank for manoeuvring targets: straight, weaving, turning."""
    return [
        MotionModel(noise=1.0, vertical_noise=0.5, sojourn_s=60.0),
        MotionModel(noise=500.0, vertical_noise=50.0, sojourn_s=15.0),
        MotionModel(
            kind="coordinated-turn",
            noise=10.0,
            vertical_noise=5.0,
            turn_noise_rad2ps3=1e-3,
            sojourn_s=20.0,
        ),
    ]
