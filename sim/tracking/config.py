"""How the tracker is set: the scenario's ``tracker:`` block and the library's argument."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from sim.tracking.models import MotionModel, manoeuvring
from sim.world.spec import Identifier, Spec


class TrackerConfig(Spec):
    """Settings of the tracker; the defaults suit a mixed air picture."""

    engine: Annotated[
        Literal["numba", "filterpy"],
        Field(description="numba: compiled kernels; filterpy: slow, readable, same results"),
    ] = "numba"
    filter: Annotated[
        Literal["kf", "ekf", "ckf", "imm"],
        Field(
            description="kf: Kalman filter on plots converted to positions; ekf: extended; "
            "ckf: cubature; imm: ekf with interacting models for manoeuvring targets"
        ),
    ] = "ekf"
    models: Annotated[
        list[MotionModel],
        Field(max_length=8, description="motion models; more than one interact (IMM)"),
    ] = Field(default_factory=list)
    association: Annotated[
        Literal["gnn", "jpda", "jipda", "mht"],
        Field(
            description="gnn: global nearest neighbour; jpda: joint probabilities; jipda: with "
            "probability of existence; mht: several hypotheses over several scans"
        ),
    ] = "gnn"
    architecture: Annotated[
        Literal["centralised", "distributed", "stove-piped"],
        Field(
            description="centralised: all plots go to one tracker; distributed: every site "
            "tracks and tracks are fused; stove-piped: every site for itself"
        ),
    ] = "centralised"
    cycle_s: Annotated[
        float, Field(ge=0.05, le=60, description="plots of one cycle are associated together")
    ] = 1.0
    lag_s: Annotated[
        float, Field(ge=0, le=600, description="plots that come late by less are still taken in")
    ] = 0.0
    registration: Annotated[
        bool, Field(description="estimate and remove the sensors' biases while running")
    ] = False
    reference_sensors: Annotated[
        list[Identifier],
        Field(max_length=1000, description="registration: ids of sensors without any bias"),
    ] = Field(default_factory=list)
    range_bias_sigma_m: Annotated[
        float, Field(gt=0, le=1e5, description="registration: of a sensor's bias, beforehand")
    ] = 100.0
    azimuth_bias_sigma_deg: Annotated[
        float, Field(gt=0, le=90, description="registration: of a sensor's bias, beforehand")
    ] = 0.57
    elevation_bias_sigma_deg: Annotated[
        float, Field(gt=0, le=90, description="registration: of a sensor's bias, beforehand")
    ] = 0.57
    clock_bias_sigma_s: Annotated[
        float, Field(gt=0, le=3600, description="registration: of a sensor's clock, beforehand")
    ] = 0.5
    process_noise_m2ps3: Annotated[
        float,
        Field(gt=0, le=1e6, description="white-noise acceleration, horizontal, without models"),
    ] = 50.0
    vertical_process_noise_m2ps3: Annotated[
        float,
        Field(gt=0, le=1e6, description="white-noise acceleration, vertical, without models"),
    ] = 5.0
    gate_probability: Annotated[
        float, Field(gt=0.5, lt=1, description="share of true plots that the gate lets in")
    ] = 0.9995
    detection_probability: Annotated[
        float,
        Field(gt=0, lt=1, description="of a look at a target, where the sensor's model is silent"),
    ] = 0.9
    clutter: Annotated[
        Literal["assumed", "estimated"],
        Field(description="false alarms: as the sensor's model says, or learned from the plots"),
    ] = "assumed"
    start: Annotated[
        Literal["one-point", "two-point"],
        Field(description="a track starts from one plot, or from two of successive looks"),
    ] = "one-point"
    start_speed_sigma_mps: Annotated[
        float, Field(gt=0, le=10_000, description="horizontal velocity of a new track")
    ] = 150.0
    start_speed_max_mps: Annotated[
        float, Field(gt=0, le=20_000, description="fastest target, for two-point starts")
    ] = 800.0
    start_climb_sigma_mps: Annotated[
        float, Field(gt=0, le=10_000, description="vertical velocity of a new track")
    ] = 20.0
    start_height_m: Annotated[
        float, Field(ge=-500, le=100_000, description="assumed where no sensor measures elevation")
    ] = 5000.0
    start_height_sigma_m: Annotated[
        float, Field(gt=0, le=100_000, description="uncertainty of start_height_m")
    ] = 4000.0
    confirmation: Annotated[
        Literal["m-of-n", "score", "existence"] | None,
        Field(
            description="m-of-n looks; score: sequential probability ratio test; existence: "
            "probability of existence. Default: existence for jipda, m-of-n else"
        ),
    ] = None
    confirm_hits: Annotated[
        int, Field(ge=1, le=20, description="M of the M-of-N rule that confirms a track")
    ] = 3
    confirm_looks: Annotated[
        int, Field(ge=1, le=32, description="N of that rule, in looks of the starting sensor")
    ] = 5
    false_confirmation: Annotated[
        float, Field(gt=0, lt=0.5, description="score: accepted share of false tracks confirmed")
    ] = 1e-3
    missed_confirmation: Annotated[
        float, Field(gt=0, lt=0.5, description="score: accepted share of true tracks refused")
    ] = 1e-2
    start_existence: Annotated[
        float, Field(gt=0, lt=1, description="existence: probability of a new track")
    ] = 0.2
    confirm_existence: Annotated[
        float, Field(gt=0, lt=1, description="existence: confirmed from here")
    ] = 0.98
    drop_existence: Annotated[float, Field(gt=0, lt=1, description="existence: dropped below")] = (
        0.02
    )
    lifetime_s: Annotated[
        float, Field(gt=0, description="existence: mean time that a target stays")
    ] = 3600.0
    coast_max_s: Annotated[
        float, Field(gt=0, le=3600, description="a confirmed track without plots is dropped")
    ] = 30.0
    coast_hidden_max_s: Annotated[
        float,
        Field(gt=0, le=3600, description="the same where no sensor could have seen the target"),
    ] = 120.0
    position_sigma_max_m: Annotated[
        float, Field(gt=0, description="a track less certain than this horizontally is dropped")
    ] = 5000.0
    merge_distance: Annotated[
        float,
        Field(ge=0, description="two tracks closer than this many sigmas are one; 0: never"),
    ] = 1.0
    hypotheses: Annotated[
        int, Field(ge=1, le=1000, description="mht: global hypotheses kept per cluster")
    ] = 50
    scans_back: Annotated[
        int, Field(ge=1, le=10, description="mht: scans after which an association is final")
    ] = 3

    @property
    def motion_models(self) -> list[MotionModel]:
        """The models in use: those given, or what ``filter`` and the noises ask for."""
        if self.models:
            return self.models
        if self.filter == "imm":
            return manoeuvring()
        return [
            MotionModel(
                kind="constant-velocity",
                noise=self.process_noise_m2ps3,
                vertical_noise=self.vertical_process_noise_m2ps3,
            )
        ]

    @property
    def confirmation_rule(self) -> Literal["m-of-n", "score", "existence"]:
        """The rule in use."""
        return self.confirmation or ("existence" if self.association == "jipda" else "m-of-n")

    @model_validator(mode="before")
    @classmethod
    def _filterpy_defaults(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("engine") == "filterpy":
            return {"merge_distance": 0.0, **given}
        return given

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.confirm_hits > self.confirm_looks:
            raise ValueError("confirm_hits must not exceed confirm_looks")
        if self.drop_existence >= self.confirm_existence:
            raise ValueError("drop_existence must be below confirm_existence")
        if self.reference_sensors and not self.registration:
            raise ValueError("reference_sensors serve registration, which is off")
        if self.filter == "imm" and len(self.models) == 1:
            raise ValueError("filter imm needs two models or more")
        if self.association == "mht" and self.start != "one-point":
            raise ValueError("association mht starts tracks from one plot (start: one-point)")
        if self.association == "jipda" and self.confirmation_rule != "existence":
            raise ValueError("association jipda confirms by existence")
        return self

    @model_validator(mode="after")
    def _filterpy_engine(self) -> Self:
        if self.engine == "filterpy":
            plain: dict[str, object] = {
                "filter": "ekf",
                "models": [],
                "association": "gnn",
                "architecture": "centralised",
                "start": "one-point",
                "clutter": "assumed",
                "registration": False,
                "lag_s": 0.0,
            }
            for name, only in plain.items():
                if getattr(self, name) != only:
                    raise ValueError(f"engine filterpy knows {name}: {only} only")
            if self.merge_distance > 0.0:
                raise ValueError("engine filterpy never merges tracks (merge_distance: 0)")
            if self.confirmation_rule != "m-of-n":
                raise ValueError("engine filterpy confirms by m-of-n only")
        return self
