"""What makes targets seen and heard: one row per target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sim.core.tables import Bools, Bytes, Floats, Ints, Reply, fill_left_out, no_class
from sim.world.targets import CLASS_NAMES, TargetSpec

#: Angles from the nose, in equal steps, for which ``rcs_aspect_db`` gives the echo.
ASPECTS = 5


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
    target_class : its shape, as index of ``CLASS_NAMES``, −1 if of none; may be left out
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
    target_class: Ints = field(default_factory=no_class)

    def __post_init__(self) -> None:
        fill_left_out(self, self.rcs_m2.size, target_class=-1)


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
        rf_dbm=column("rf_power_dbm", -np.inf),
        rf_hz=1e9 * column("rf_frequency_ghz", np.nan),
        optical_size_m=column("optical_size_m", 0.0),
        infrared_contrast_k=column("infrared_contrast_k", 0.0),
        ads_b_nacp=column("ads_b_nacp", 0).astype(np.uint8),
        remote_id=np.array([bool(spec.characteristic("remote_id")) for spec in specs]),
        target_class=np.array([CLASS_NAMES.index(spec.target_class) for spec in specs], np.int32),
    )


def _linear(decibels: Floats) -> Floats:
    power: Floats = 10.0 ** (decibels / 10.0)
    return power


def _rcs_dbsm(spec: TargetSpec) -> Any:
    return spec.characteristic("rcs_dbsm") if spec.rcs_dbsm is None else spec.rcs_dbsm


def _reply(spec: TargetSpec) -> Reply:
    return Reply[(spec.reply or spec.characteristic("reply")).upper()]
