"""What is expected of a target of each class: motion, echo, Doppler spread, transponder."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

import numpy as np

from sim.core.tables import Floats, Ints, Reply
from sim.world.presets import read_presets
from sim.world.targets import CLASS_NAMES, TARGET_CLASSES

CLASSES = Path(__file__).with_name("classes.yaml")

#: The class of whatever no class describes.
OTHER = "other"

#: Classes of ``sim.world`` that look like another one to the classifier.
_SAME = {"bird-flock": "bird"}

#: Features that keep their value for a while, in the order of the arrays below.
SPEED, HEIGHT, DOPPLER, CLIMB, TURN = range(5)
_LOG_NORMAL = slice(SPEED, CLIMB)
_STEADY = slice(CLIMB, TURN + 1)

#: Mean (dB) of one look's echo over its mean power, by Swerling case: of the logarithms of
#: exponential (1, 2) and of four-degree chi-squared power (3, 4).
_DB = 10.0 / math.log(10.0)
_LOOK_OFFSET_DB = np.array([0.0, -0.57722, -0.57722, -0.27036, -0.27036]) * _DB
#: Mean and deviation of exponential power's logarithm over its mean's.
FADING_DB = (-0.57722 * _DB, 1.28255 * _DB)

#: Chance that an interrogation of a transponder brings nothing, or the other kind's answer.
_UNANSWERED, _MISTAKEN = 0.1, 0.003
#: Silences beyond these tell nothing new: antennas are shadowed for long.
_SILENCES_MAX = 3


@dataclass(frozen=True, slots=True)
class ClassModels:
    """How targets of each class look; one column per class, ``OTHER`` last.

    Attributes
    ----------
    names : of the C classes
    log_median, log_deviation : (3, C) of ln(value + floor) of speed (m/s), height (m) and
        Doppler spread (m/s)
    floor : (3,) values well below it look alike
    steady_deviation : (2,) of climb rate (m/s) and turn acceleration (m/s²) in straight and
        level flight
    active_deviation : (2, C) of the same in climbs and in turns
    steady_share : share of time in straight and level flight
    correlation_s : (5,) time over which speed, height, Doppler spread, climb and turn keep
        their value
    rcs_dbsm, rcs_spread_db : (C,) mean echo over aspects and targets, and its deviation; looks
        fade exponentially about it, of all classes: how steady looks are tells more of
        threshold and averaging in the sensor than of the target. Where a class's own fading
        has another mean logarithm, that is in the mean
    rcs_error_db : deviation of what is expected of a look, at a place that is known
    rcs_correlation_s : time over which an aspect keeps its echo
    place_correlation_s : time over which a track errs alike in where the echo comes from
    rcs_aspect : (C, A) factor on the mean echo by the angle from the nose, as ``Signatures``
    rotor : (C,) row of each class in the next two
    rotor_rcs, rotor_tip_mps : (R,) of blades or wings, as in ``Signatures``
    transponder : (C, 3) share of targets that answer with each ``Reply``
    outlier_share : share of values that say nothing of the class
    """

    names: tuple[str, ...]
    log_median: Floats
    log_deviation: Floats
    floor: Floats
    steady_deviation: Floats
    active_deviation: Floats
    steady_share: float
    correlation_s: Floats
    rcs_dbsm: Floats
    rcs_spread_db: Floats
    rcs_error_db: float
    rcs_correlation_s: float
    place_correlation_s: float
    rcs_aspect: Floats
    rotor: Ints
    rotor_rcs: Floats
    rotor_tip_mps: Floats
    transponder: Floats
    outlier_share: float

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def generic(cls) -> Self:
        """Return the classes of ``classes.yaml``, on top of those of ``sim.world``.

        Climb and turn are given by their limits there: an active climb deviates by half
        the limit, an active turn by half of cruise speed times greatest turn rate.
        """
        flown, seen = read_presets(TARGET_CLASSES), read_presets(CLASSES)
        shared = {key: float(preset.value) for key, preset in seen["every-class"].items()}
        names = tuple(name for name in seen if name != "every-class")

        def column(key: str, missing: float = np.nan) -> Floats:
            entries = [{**flown.get(name, {}), **seen[name]}[key].value for name in names]
            return np.array([missing if value is None else value for value in entries], float)

        floor = np.array([shared[f"{key}_floor_{unit}"] for key, unit in _UNITS])
        medians = np.stack([column(key) for key in _MEDIANS])
        factors = np.stack([column(f"{key}_factor") for key, _ in _UNITS])
        steady = np.array([shared["climb_error_mps"], shared["turn_error_mps2"]])
        turn = column("speed_mps") * np.radians(column("turn_rate_deg_per_s"))
        active = 0.5 * np.stack([column("climb_rate_mps"), turn])
        swerling = column("swerling").astype(int)
        civil, military = column("civil_reply_share"), column("military_reply_share")
        blades = np.stack(
            [10.0 ** (0.1 * column("rotor_rcs_db", -np.inf)), column("rotor_tip_mps", 0.0)]
        )
        rotors, rotor = np.unique(blades, axis=1, return_inverse=True)
        times = ("speed", "height", "doppler", "climb", "turn")
        return cls(
            names=names,
            log_median=np.log(medians + floor[:, None]),
            log_deviation=np.log(factors),
            floor=floor,
            steady_deviation=steady,
            active_deviation=np.hypot(active, steady[:, None]),
            steady_share=shared["steady_share"],
            correlation_s=np.array([shared[f"{key}_correlation_s"] for key in times]),
            rcs_dbsm=column("rcs_dbsm") + _LOOK_OFFSET_DB[swerling] - _LOOK_OFFSET_DB[1],
            rcs_spread_db=column("rcs_spread_db"),
            rcs_error_db=shared["rcs_error_db"],
            rcs_correlation_s=shared["rcs_correlation_s"],
            place_correlation_s=shared["place_correlation_s"],
            rcs_aspect=10.0 ** (0.1 * column("rcs_aspect_db")),
            rotor=rotor.ravel().astype(np.int32),
            rotor_rcs=rotors[0],
            rotor_tip_mps=rotors[1],
            transponder=np.stack([1.0 - civil - military, civil, military], axis=1),
            outlier_share=shared["outlier_share"],
        )


_UNITS = (("speed", "mps"), ("height", "m"), ("doppler", "mps"))
_MEDIANS = ("speed_mps", "height_m", "doppler_spread_mps")


def classified_as(target_class: str, names: tuple[str, ...]) -> int:
    """Return the index of the class that is right for a class of ``sim.world``."""
    name = _SAME.get(target_class, target_class)
    return names.index(name if name in names else OTHER)


@cache
def generic_models() -> ClassModels:
    """Return ``ClassModels.generic``, read once."""
    return ClassModels.generic()


def feature_log_density(
    features: Floats, models: ClassModels, error: Floats | None = None
) -> Floats:
    """Return (N, 5, C) log-densities of features (N, 5), finite, under each class.

    Speed, height and Doppler spread count as logarithms above their floor; a common factor
    of all classes is left out. ``error`` (N, 5) is the deviation of each value from the
    true one; it widens the laws, of logarithms by its share of value and floor.
    """
    value = features[:, :, None]
    deviation = np.zeros_like(value) if error is None else error[:, :, None]
    log = np.empty((*features.shape, len(models)))
    above = np.maximum(value[:, _LOG_NORMAL], 0.0) + models.floor[:, None]
    log[:, _LOG_NORMAL] = normal_log_density(
        np.log(above) - models.log_median,
        np.hypot(models.log_deviation, deviation[:, _LOG_NORMAL] / above),
    )
    spread = deviation[:, _STEADY]
    steady = normal_log_density(
        value[:, _STEADY], np.hypot(models.steady_deviation[:, None], spread)
    )
    active = normal_log_density(value[:, _STEADY], np.hypot(models.active_deviation, spread))
    log[:, _STEADY] = np.logaddexp(
        steady + math.log(models.steady_share), active + math.log1p(-models.steady_share)
    )
    mixed: Floats = np.logaddexp(
        log + math.log1p(-models.outlier_share), log[:, :, -1:] + math.log(models.outlier_share)
    )
    return mixed


def reply_log_likelihood(counts: Floats, transponder: Floats) -> Floats:
    """Return (N, C) log-likelihoods of counts (N, 3) of each ``Reply``, given ``transponder``.

    A count of silences beyond three is cut to three.
    """
    answer = np.full((3, 3), _MISTAKEN)  # given what is carried, down; what comes, across
    np.fill_diagonal(answer, 1.0 - _UNANSWERED - _MISTAKEN)
    answer[:, Reply.NONE] = _UNANSWERED
    answer[Reply.NONE, Reply.NONE] = 1.0 - 2.0 * _MISTAKEN
    heard = counts.copy()
    heard[:, Reply.NONE] = np.minimum(heard[:, Reply.NONE], _SILENCES_MAX)
    given_carried = heard @ np.log(answer).T
    top = given_carried.max(axis=1, keepdims=True)
    likelihood: Floats = np.exp(given_carried - top) @ transponder.T
    log: Floats = np.log(likelihood) + top
    return log


def seen_log_likelihood(seen_class: Ints, confusion: Floats, names: tuple[str, ...]) -> Floats:
    """Return (K, C) log-likelihoods of being taken for a class by one who sees the shape.

    Who sees a shape tells one of ``CLASS_NAMES``: with probability ``confusion`` a wrong one,
    all of these being as likely. What no class describes may be taken for any.

    Parameters
    ----------
    seen_class : (K,) index of ``CLASS_NAMES``
    confusion : (K,)
    """
    words = len(CLASS_NAMES)
    means = np.array([classified_as(word, names) for word in CLASS_NAMES])
    own = means[:, None] == np.arange(len(names))
    count = np.maximum(own.sum(axis=0), 1)
    q = np.clip(confusion, 1e-3, 1.0)[:, None]
    likelihood = np.where(own[seen_class], (1.0 - q) / count, q / (words - count))
    likelihood[:, names.index(OTHER)] = 1.0 / words
    log: Floats = np.log(np.maximum(likelihood, 1e-6))
    return log


def normal_log_density(difference: Floats, deviation: Floats | float) -> Floats:
    """Return the log-density of N(0, deviation²), but for a constant of all classes."""
    log: Floats = -0.5 * (difference / deviation) ** 2 - np.log(deviation)
    return log


def log_over(least: Floats, mean: Floats | float, variance: Floats) -> Floats:
    """Return the logarithm of the probability that a normal variable exceeds ``least``."""
    from scipy.special import log_ndtr  # scipy is slow to import

    logarithm: Floats = log_ndtr((mean - least) / np.sqrt(variance))
    return logarithm
