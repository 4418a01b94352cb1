"""Specifications of electronic attack: what jams, deceives or misleads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from sim.world.presets import trim_required, with_values_of_preset
from sim.world.spec import Identifier, Position, Spec
from sim.world.windows import Window

JAMMER_PRESETS = Path(__file__).with_name("jammers.yaml")

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Decibels = Annotated[float, Field(ge=-60, le=120)]
Band = tuple[Positive, Positive]
Vector = tuple[float, float, float]
_NO_WAY: Vector = (0.0, 0.0, 0.0)


class Transmitter(Spec):
    """What radiates: power and gain, or both in one, and when."""

    power_w: Annotated[Positive | None, Field(description="into the antenna")] = None
    gain_db: Annotated[Decibels, Field(description="of the antenna towards the victim")] = 0.0
    erp_dbw: Annotated[
        Decibels | None, Field(description="radiated, against an isotropic antenna")
    ] = None
    losses_db: Annotated[float, Field(ge=0, le=60)] = 0.0
    active_s: Annotated[
        tuple[Window, ...], Field(description="[from_s, to_s] of each time on; always if none")
    ] = ()

    @model_validator(mode="after")
    def _check_transmitter(self) -> Self:
        if (self.power_w is None) == (self.erp_dbw is None):
            raise ValueError("give either power_w (with gain_db) or erp_dbw")
        if self.erp_dbw is not None and self.gain_db:
            raise ValueError("gain_db has no meaning beside erp_dbw, which holds it")
        return self

    @property
    def erp_w(self) -> float:
        """Radiated power against an isotropic antenna, losses taken off."""
        decibels = self.erp_dbw if self.erp_dbw is not None else self.gain_db
        power_w = 1.0 if self.power_w is None else self.power_w
        return float(power_w * 10.0 ** ((decibels - self.losses_db) / 10.0))


class RadarAttack(Transmitter):
    """What attacks radars of certain frequencies."""

    frequency_ghz: Annotated[
        Band | tuple[Band, ...], Field(description="[low, high] of each band it reaches")
    ]
    polarisation_loss_db: Annotated[float, Field(ge=0, le=30)] = 0.0

    @model_validator(mode="after")
    def _check_bands(self) -> Self:
        if not self.bands_hz:
            raise ValueError("frequency_ghz: give one band or more")
        for low, high in self.bands_hz:
            if low >= high:
                raise ValueError(f"frequency_ghz: [{low / 1e9:g}, {high / 1e9:g}] must rise")
        return self

    @property
    def bands_hz(self) -> tuple[tuple[float, float], ...]:
        """Lowest and highest frequency of every band."""
        bands: Any = self.frequency_ghz
        if bands and not isinstance(bands[0], tuple):
            bands = (bands,)
        return tuple((low * 1e9, high * 1e9) for low, high in bands)


def _own_keys_only(schema: dict[str, Any]) -> None:
    trim_required(schema, ())


class NoiseJammer(RadarAttack):
    """Noise over a radar's frequency: ``bandwidth_mhz`` wide, or over all its bands at once."""

    model_config = ConfigDict(json_schema_extra=_own_keys_only)

    kind: Literal["noise"] = "noise"
    preset: str | None = None
    bandwidth_mhz: Annotated[
        Positive | None, Field(description="of the noise; all its bands together if left out")
    ] = None

    @model_validator(mode="before")
    @classmethod
    def _merge_preset(cls, given: Any) -> Any:
        replaced = {"power_w": ("erp_dbw",), "erp_dbw": ("power_w", "gain_db")}
        return with_values_of_preset(given, cls, JAMMER_PRESETS, "jammer", ("kind",), replaced)

    @property
    def bandwidth_hz(self) -> float:
        """How wide the noise is spread."""
        if self.bandwidth_mhz is not None:
            return self.bandwidth_mhz * 1e6
        return sum(high - low for low, high in self.bands_hz)


class FalseTargets(RadarAttack):
    """Echoes of nobody in a row behind (or before) the carrier, that move as it does."""

    kind: Literal["false-targets"]
    count: Annotated[int, Field(ge=1, le=100)] = 1
    spacing_m: Annotated[
        float, Field(description="from one to the next, the carrier first; below 0: before it")
    ]
    closing_mps: Annotated[
        float, Field(ge=-1000, le=1000, description="how much faster than the carrier they close")
    ] = 0.0

    @model_validator(mode="after")
    def _check_spacing(self) -> Self:
        if self.spacing_m == 0.0:
            raise ValueError("spacing_m must not be 0: the false targets would be the carrier")
        return self


class RangeGatePullOff(RadarAttack):
    """A stronger echo on the carrier's own, which walks away from it, again and again."""

    kind: Literal["range-gate-pull-off"]
    rate_mps: Annotated[float, Field(ge=-3000, le=3000, description="below 0: towards the radar")]
    dwell_s: Annotated[NotNegative, Field(description="on the carrier's echo")] = 2.0
    pull_s: Annotated[Positive, Field(description="walking away")] = 10.0
    hold_s: Annotated[NotNegative, Field(description="at the end, before it begins anew")] = 5.0


class GnssAttack(Transmitter):
    """A transmitter that denies satellite navigation, or gives receivers a wrong place."""

    kind: Literal["jammer", "spoofer"]
    offset_m: Annotated[Vector, Field(description="spoofer: east, north, up, at once")] = (
        0.0,
        0.0,
        0.0,
    )
    drift_mps: Annotated[Vector, Field(description="spoofer: east, north, up, growing")] = (
        0.0,
        0.0,
        0.0,
    )

    @model_validator(mode="after")
    def _check_spoofing(self) -> Self:
        spoofed = any(self.offset_m) or any(self.drift_mps)
        if self.kind == "spoofer" and not spoofed:
            raise ValueError("a spoofer needs offset_m or drift_mps")
        if self.kind == "jammer" and spoofed:
            raise ValueError("offset_m and drift_mps have no meaning for a jammer")
        return self


Deception = Annotated[FalseTargets | RangeGatePullOff, Field(discriminator="kind")]


class GroundEmitter(Spec):
    """An attacker that stays where it is."""

    id: Identifier
    position: Position
    jammer: NoiseJammer | None = None
    gnss: GnssAttack | None = None

    @model_validator(mode="after")
    def _check_emitter(self) -> Self:
        if self.jammer is None and self.gnss is None:
            raise ValueError("an emitter needs jammer or gnss")
        return self
