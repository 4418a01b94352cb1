"""How the tracker is set: the scenario's ``tracker:`` block and the library's argument."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim.world.spec import Spec


class TrackerConfig(Spec):
    """Settings of the tracker; the defaults suit a mixed air picture."""

    engine: Annotated[
        Literal["numba", "filterpy"],
        Field(description="numba: compiled kernels; filterpy: slow, readable, same results"),
    ] = "numba"
    filter: Annotated[
        Literal["ekf"],
        Field(description="extended Kalman filter, nearly constant velocity, polar plots"),
    ] = "ekf"
    association: Annotated[
        Literal["gnn"], Field(description="global nearest neighbour, optimal in every cluster")
    ] = "gnn"
    architecture: Annotated[
        Literal["centralised"], Field(description="all sensors' plots go to one tracker")
    ] = "centralised"
    cycle_s: Annotated[
        float, Field(ge=0.05, le=60, description="plots of one cycle are associated together")
    ] = 1.0
    process_noise_m2ps3: Annotated[
        float, Field(gt=0, le=1e6, description="white-noise acceleration, horizontal axes")
    ] = 50.0
    vertical_process_noise_m2ps3: Annotated[
        float, Field(gt=0, le=1e6, description="white-noise acceleration, vertical axis")
    ] = 5.0
    gate_probability: Annotated[
        float, Field(gt=0.5, lt=1, description="share of true plots that the gate lets in")
    ] = 0.9995
    detection_probability: Annotated[
        float, Field(gt=0, lt=1, description="assumed for a look at a track, in association")
    ] = 0.9
    start_speed_sigma_mps: Annotated[
        float, Field(gt=0, le=10_000, description="horizontal velocity of a new track")
    ] = 150.0
    start_climb_sigma_mps: Annotated[
        float, Field(gt=0, le=10_000, description="vertical velocity of a new track")
    ] = 20.0
    start_height_m: Annotated[
        float, Field(ge=-500, le=100_000, description="assumed where no sensor measures elevation")
    ] = 3000.0
    start_height_sigma_m: Annotated[
        float, Field(gt=0, le=100_000, description="uncertainty of start_height_m")
    ] = 3000.0
    confirm_hits: Annotated[
        int, Field(ge=1, le=20, description="M of the M-of-N rule that confirms a track")
    ] = 3
    confirm_looks: Annotated[
        int, Field(ge=1, le=32, description="N of that rule, in looks of the starting sensor")
    ] = 5
    coast_max_s: Annotated[
        float, Field(gt=0, le=3600, description="a confirmed track without plots is dropped")
    ] = 30.0
    position_sigma_max_m: Annotated[
        float, Field(gt=0, description="a track less certain than this horizontally is dropped")
    ] = 5000.0

    @model_validator(mode="after")
    def _m_of_n(self) -> Self:
        if self.confirm_hits > self.confirm_looks:
            raise ValueError("confirm_hits must not exceed confirm_looks")
        return self
