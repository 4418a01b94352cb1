"""What bears on a track's identity, and what it is worth.

Three hypotheses: friend, neutral, hostile. Each source of evidence enters once, with the state
it is in now, by its likelihood under each; ``identification.yaml`` holds these. Sources are
taken as independent given the hypothesis; those that are plainly not, count once together.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from functools import cache
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from sim.core.tables import Floats, Reply
from sim.picture.class_models import generic_models
from sim.scenario.identifying import EvidenceSource
from sim.world.presets import read_presets

LIKELIHOODS = Path(__file__).with_name("identification.yaml")

Bits = NDArray[np.uint32]

#: The hypotheses, in the order of all columns.
FRIEND, NEUTRAL, HOSTILE = range(3)


class Evidence(IntFlag):
    """What speaks on a track now."""

    MILITARY_REPLY = 1
    CIVIL_REPLY = 2
    SILENCE = 4
    REPORT = 8
    UNCORROBORATED = 16
    IN_CORRIDOR = 32
    OFF_CORRIDOR = 64
    HEADS_FOR = 128
    RESTRICTED = 256
    THREAT_SIDE = 512
    CLASS = 1024
    LOW_FAST = 2048


#: Evidence by the word that switches it off, and in words where nothing more is known of it.
SOURCES: dict[Evidence, EvidenceSource] = {
    Evidence.MILITARY_REPLY: "replies",
    Evidence.CIVIL_REPLY: "replies",
    Evidence.SILENCE: "silence",
    Evidence.REPORT: "reports",
    Evidence.UNCORROBORATED: "reports",
    Evidence.IN_CORRIDOR: "corridors",
    Evidence.OFF_CORRIDOR: "corridors",
    Evidence.HEADS_FOR: "behaviour",
    Evidence.RESTRICTED: "areas",
    Evidence.THREAT_SIDE: "border",
    Evidence.CLASS: "class",
    Evidence.LOW_FAST: "behaviour",
}
WORDS: dict[Evidence, str] = {
    Evidence.MILITARY_REPLY: "military replies",
    Evidence.CIVIL_REPLY: "civil replies",
    Evidence.SILENCE: "no reply to interrogation",
    Evidence.REPORT: "reports itself",
    Evidence.UNCORROBORATED: "reports that nothing corroborates",
    Evidence.IN_CORRIDOR: "keeps to a corridor",
    Evidence.OFF_CORRIDOR: "off every corridor",
    Evidence.HEADS_FOR: "heads for what is protected",
    Evidence.RESTRICTED: "in a restricted area",
    Evidence.THREAT_SIDE: "came across the border",
    Evidence.CLASS: "by its class",
    Evidence.LOW_FAST: "low and fast",
}
_KINDS = np.array(list(Evidence), np.uint32)


@dataclass(frozen=True, slots=True)
class EvidenceModel:
    """The numbers of ``identification.yaml``.

    Attributes
    ----------
    prior : (3,)
    log_likelihood : (E, 3) of each ``Evidence`` in its order; 0 for silence and class, which
        depend on more than that they speak
    silent_share : (3,) without a working transponder, of kinds that carry one
    unanswered : chance that a working transponder does not answer
    silences_max : silences that count
    of_class : (C, 3) share of each class, in the order of ``ClassModels``
    answers : (C,) share of each class that answers interrogations
    """

    prior: Floats
    log_likelihood: Floats
    silent_share: Floats
    unanswered: float
    silences_max: float
    of_class: Floats
    answers: Floats
    corridor_cosine: float
    corridor_near_m: float
    heads_within_s: float
    heads_speed_mps: float
    border_margin_m: float
    fast_mps: float
    low_m: float

    @classmethod
    def generic(cls) -> Self:
        """Return the numbers of ``identification.yaml``, for the generic classes."""
        told = read_presets(LIKELIHOODS)
        shared = {key: preset.value for key, preset in told["every-track"].items()}
        silence = {key: preset.value for key, preset in told["silence"].items()}
        names = (kind.name or "" for kind in Evidence)
        rows = [told.get(name.lower().replace("_", "-"), {}).get("likelihood") for name in names]
        classes = generic_models()
        return cls(
            prior=np.array(shared["prior"], float),
            log_likelihood=np.log([[1.0] * 3 if row is None else row.value for row in rows]),
            silent_share=np.array(silence["silent_share"], float),
            unanswered=float(silence["unanswered"]),
            silences_max=float(silence["silences_max"]),
            of_class=np.array(
                [told[f"class-{name}"]["likelihood"].value for name in classes.names], float
            ),
            answers=1.0 - classes.transponder[:, Reply.NONE],
            corridor_cosine=float(np.cos(np.radians(shared["corridor_heading_deg"]))),
            corridor_near_m=1e3 * shared["corridor_near_km"],
            heads_within_s=float(shared["heads_within_s"]),
            heads_speed_mps=float(shared["heads_speed_mps"]),
            border_margin_m=1e3 * shared["border_margin_km"],
            fast_mps=float(shared["fast_mps"]),
            low_m=float(shared["low_m"]),
        )


@cache
def evidence_model() -> EvidenceModel:
    """Return ``EvidenceModel.generic``, read once."""
    return EvidenceModel.generic()


def posterior(
    bits: Bits, silences: Floats, classes: Floats, model: EvidenceModel, prior: Floats
) -> Floats:
    """Return the probability (M, 3) that each track is a friend, neutral, hostile.

    Parameters
    ----------
    bits : (M,) ``Evidence`` that speaks
    silences : (M,) interrogations that brought nothing
    classes : (M, C) probability of each class; NaN or (M, 0) where none is told
    prior : (3,)

    Notes
    -----
    Bayes' rule with independent sources: log p(H | e) = log p(H) + Σ log p(e_i | H) + const.
    A restricted area counts instead of a course towards something. k silences have
    p = 1 − a + a (s + (1 − s) uᵏ): a, probability that it is of a kind that answers; s, share
    of these without a working transponder; u, chance of no answer. The class is not certain:
    p = Σ_c p(c) p(c | H), the classifier's priors being nearly equal.
    """
    speaks = (bits[:, None] & _KINDS) != 0
    on = {kind: speaks[:, row] for row, kind in enumerate(Evidence)}
    weight = speaks.astype(float)
    weight[:, list(Evidence).index(Evidence.HEADS_FOR)] *= ~on[Evidence.RESTRICTED]
    log = np.log(prior) + weight @ model.log_likelihood
    told = on[Evidence.CLASS]
    answers = np.ones(bits.size)
    if told.any():
        log[told] += np.log(classes[told] @ model.of_class)
        answers[told] = classes[told] @ model.answers
    silent = on[Evidence.SILENCE]
    if silent.any():
        share = answers[silent, None]
        missed = model.unanswered ** np.minimum(silences[silent], model.silences_max)[:, None]
        quiet = model.silent_share + (1.0 - model.silent_share) * missed
        log[silent] += np.log(1.0 - share + share * quiet)
    likelihood = np.exp(log - log.max(axis=1, keepdims=True, initial=-np.inf))
    found: Floats = likelihood / likelihood.sum(axis=1, keepdims=True)
    return found


def in_words(bits: int) -> list[str]:
    """Return what speaks on a track, where no more than that is known."""
    return [words for kind, words in WORDS.items() if bits & kind]
