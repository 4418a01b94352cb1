"""What makes targets seen and heard: one row per target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sim.core.tables import Bools, Bytes, Floats, Ints, Reply, fill_left_out, no_class
from sim.world.targets import CLASS_NAMES, Radio, TargetSpec

#: Angles from the nose, in equal steps, for which ``rcs_aspect_db`` gives the echo.
ASPECTS = 5

#: Accuracy category of a target that is told to report, and whose class does not.
_USUAL_NACP = 8


@dataclass(frozen=True, slots=True, eq=False)
class Signatures:
    """What sensors of any kind may notice of targets (N,).

    Attributes
    ----------
    rcs_m2 : mean radar cross section
    swerling : fluctuation model: 0, 1 or 3
    rcs_aspect : (N, 5) factor on ``rcs_m2`` at 0, 45, 90, 135 and 180 degrees from the nose
    rotor_rcs : echo of rotor, propeller or wings against ``rcs_m2``, 0 without
    rotor_tip_mps : speed of their tips, NaN without
    reply : ``Reply`` that an interrogation brings
    acoustic_db : sound pressure level at 1 m, dB re 20 µPa, A-weighted; −inf if silent
    acoustic_hz : frequency that stands for the sound
    rf_dbm : radiated power of its own radio link; −inf if it has none
    rf_hz : frequency of the link
    optical_size_m : critical dimension, root of the area seen
    infrared_contrast_k : temperature above the background
    ads_b_nacp : accuracy category of the position that it tells, 0 if it tells none
    remote_id : whether it tells its identity and position
    ads_b_offset_enu_m, remote_id_offset_enu_m : (N, 3) how far beside the truth it says it is
    ghost : whether it exists in these reports alone
    target_class : its shape, as index of ``CLASS_NAMES``, −1 if of none

    The last four may be left out: honest, and real, of no class.
    """

    rcs_m2: Floats
    swerling: Bytes
    rcs_aspect: Floats
    rotor_rcs: Floats
    rotor_tip_mps: Floats
    reply: Bytes
    acoustic_db: Floats
    acoustic_hz: Floats
    rf_dbm: Floats
    rf_hz: Floats
    optical_size_m: Floats
    infrared_contrast_k: Floats
    ads_b_nacp: Bytes
    remote_id: Bools
    ads_b_offset_enu_m: Floats = field(default_factory=lambda: np.empty((0, 3)))
    remote_id_offset_enu_m: Floats = field(default_factory=lambda: np.empty((0, 3)))
    ghost: Bools = field(default_factory=lambda: np.empty(0, np.bool_))
    target_class: Ints = field(default_factory=no_class)

    def __post_init__(self) -> None:
        n = self.rcs_m2.size
        fill_left_out(self, n, ghost=False, target_class=-1)
        for name in ("ads_b_offset_enu_m", "remote_id_offset_enu_m"):
            if getattr(self, name).shape != (n, 3):
                object.__setattr__(self, name, np.zeros((n, 3)))


def signatures_of(specs: Sequence[TargetSpec]) -> Signatures:
    """Return the signatures of single targets, one specification each."""

    def column(key: str, missing: float) -> Floats:
        values = [spec.characteristic(key) for spec in specs]
        return np.array([missing if value is None else value for value in values], float)

    aspect_db = np.array([spec.characteristic("rcs_aspect_db") for spec in specs], float)
    rcs_dbsm = np.array([_rcs_dbsm(spec) for spec in specs], float)
    return Signatures(
        rcs_m2=_linear(rcs_dbsm),
        swerling=np.array([spec.characteristic("swerling") for spec in specs], np.uint8),
        rcs_aspect=_linear(aspect_db.reshape(-1, ASPECTS)),
        rotor_rcs=_linear(column("rotor_rcs_db", -np.inf)),
        rotor_tip_mps=column("rotor_tip_mps", np.nan),
        reply=np.array([_reply(spec) for spec in specs], np.uint8),
        acoustic_db=column("acoustic_level_db", -np.inf),
        acoustic_hz=column("acoustic_frequency_hz", np.nan),
        rf_dbm=np.array([_radio(spec)[0] for spec in specs], float),
        rf_hz=1e9 * np.array([_radio(spec)[1] for spec in specs], float),
        optical_size_m=column("optical_size_m", 0.0),
        infrared_contrast_k=column("infrared_contrast_k", 0.0),
        ads_b_nacp=np.array([_nacp(spec) for spec in specs], np.uint8),
        remote_id=np.array([spec.tells("remote_id") for spec in specs], np.bool_),
        ads_b_offset_enu_m=_offsets(specs, "ads_b"),
        remote_id_offset_enu_m=_offsets(specs, "remote_id"),
        ghost=np.array([spec.ghost for spec in specs], np.bool_),
        target_class=np.array([CLASS_NAMES.index(spec.target_class) for spec in specs], np.int32),
    )


def _radio(spec: TargetSpec) -> tuple[float, float]:
    """Return power (dBm) and frequency (GHz) of a target's link; −inf and NaN without."""
    power, frequency = (spec.characteristic(key) for key in ("rf_power_dbm", "rf_frequency_ghz"))
    if isinstance(spec.radio, Radio):
        power = power if spec.radio.power_dbm is None else spec.radio.power_dbm
        frequency = frequency if spec.radio.frequency_ghz is None else spec.radio.frequency_ghz
    if spec.radio == "silent" or power is None or frequency is None:
        return -np.inf, np.nan
    return float(power), float(frequency)


def _nacp(spec: TargetSpec) -> int:
    if not spec.tells("ads_b", "ads_b_nacp"):
        return 0
    return int(spec.characteristic("ads_b_nacp") or _USUAL_NACP)


def _offsets(specs: Sequence[TargetSpec], key: str) -> Floats:
    return np.array([spec.reported_offset_m(key) for spec in specs], float).reshape(-1, 3)


def _linear(decibels: Floats) -> Floats:
    power: Floats = 10.0 ** (decibels / 10.0)
    return power


def _rcs_dbsm(spec: TargetSpec) -> Any:
    return spec.characteristic("rcs_dbsm") if spec.rcs_dbsm is None else spec.rcs_dbsm


def _reply(spec: TargetSpec) -> Reply:
    """Return what is said of it, else what its class answers: military modes only to its own."""
    if spec.reply:
        return Reply[spec.reply.upper()]
    usual = Reply[spec.characteristic("reply").upper()]
    stranger = spec.affiliation in ("hostile", "unknown")
    return Reply.NONE if usual == Reply.MILITARY and stranger else usual
