"""Identity of tracks from all evidence, by Bayes' rule, with reasons.

The idea is that of NATO's identification data combining process (STANAG 4162) as public papers
describe it: independent sources, each with a likelihood under each hypothesis, combined into a
posterior that thresholds turn into a word.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.core.tables import Bools, Bytes, Floats, Identity, Ints, Reply, Tracks
from sim.picture.classification import find_rows
from sim.picture.evidence import (
    FRIEND,
    HOSTILE,
    NEUTRAL,
    SOURCES,
    WORDS,
    Bits,
    Evidence,
    EvidenceModel,
    evidence_model,
    posterior,
)
from sim.picture.grounds import Grounds
from sim.picture.identity import REPLIES_NEEDED
from sim.scenario import identifying
from sim.scenario.identifying import Thresholds
from sim.world.frames import Frame

#: The hypothesis that each identity speaks of, and how strong a word it is.
_HYPOTHESIS = np.full(len(Identity), FRIEND, np.intp)
_HYPOTHESIS[[Identity.NEUTRAL, Identity.SUSPECT, Identity.HOSTILE]] = NEUTRAL, HOSTILE, HOSTILE
_STRENGTH = np.array([0, 0, 2, 1, 1, 1, 2], np.int8)
#: Mean; enough to tell level flight from a climb far from the frame's origin.
_EARTH_RADIUS_M = 6_371_000.0
_HYPOTHESES = ("friend", "neutral", "hostile")


@dataclass(frozen=True, slots=True)
class Findings:
    """What speaks on M tracks, with what a sentence needs; −1 or NaN where nothing does.

    Attributes
    ----------
    number : (M,) sorted
    bits : (M,) ``Evidence``
    probability : (M, 3) friend, neutral, hostile
    identity : (M,)
    silences : (M,) interrogations without a reply
    military, civil : (M,) replies
    toward, to_go_s : (M,) row of the protected object that it heads for, and when it is there
    inside, keeps_to : (M,) row of the restricted area, of the corridor
    target_class, class_probability : (M,)
    crossed : (M,) whether it has ever been beyond the border
    """

    number: Ints
    bits: Bits
    probability: Floats
    identity: Bytes
    silences: Floats
    military: Ints
    civil: Ints
    toward: Ints
    to_go_s: Floats
    inside: Ints
    keeps_to: Ints
    target_class: Ints
    class_probability: Floats
    crossed: Bools

    @classmethod
    def none(cls) -> Findings:
        """Return those on no tracks."""
        no_row, nothing = np.empty(0, np.int32), np.empty(0)
        return cls(
            number=no_row,
            bits=np.empty(0, np.uint32),
            probability=np.empty((0, 3)),
            identity=np.empty(0, np.uint8),
            silences=nothing,
            military=no_row,
            civil=no_row,
            toward=no_row,
            to_go_s=nothing,
            inside=no_row,
            keeps_to=no_row,
            target_class=no_row,
            class_probability=nothing,
            crossed=np.empty(0, np.bool_),
        )


@dataclass(frozen=True, slots=True)
class Identified:
    """A picture with identities, and what they rest on.

    Attributes
    ----------
    tracks : the picture
    evidence : (N,) ``Evidence`` on each track, 0 for tentative ones
    probability : (N, 3) friend, neutral, hostile; NaN for tentative ones
    reasons : number and sentence of each track whose identity is new or has changed
    """

    tracks: Tracks
    evidence: Bits = field(default_factory=lambda: np.empty(0, np.uint32))
    probability: Floats = field(default_factory=lambda: np.empty((0, 3)))
    reasons: tuple[tuple[int, str], ...] = ()


class Identification:
    """Identifies the confirmed tracks of one picture, step by step.

    Parameters
    ----------
    settings
        What the scenario says.
    grounds
        Areas, ways and border.
    frame
        The scenario's; heights above ground are those above its origin.
    reporters
        Bits of ``Tracks.sensors`` of sensors that report positions.
    class_names
        In the order of class probabilities.

    Notes
    -----
    Evidence is not summed over looks: each step weighs what speaks now, so that a state that
    lasts counts once. What is kept of a track is its identity (for the margin), and whether it
    was ever beyond the border. Replies stay for good: silence after them is no evidence.
    """

    def __init__(
        self,
        settings: identifying.Identification,
        grounds: Grounds,
        frame: Frame,
        reporters: np.uint64,
        class_names: tuple[str, ...] = (),
        model: EvidenceModel | None = None,
    ) -> None:
        self._grounds = grounds
        self._frame = frame
        self._reporters = reporters
        self._class_names = class_names
        self._thresholds = settings.thresholds
        self._model = model or evidence_model()
        given = settings.priors
        self._prior = (
            self._model.prior
            if given is None
            else np.array([given.friend, given.neutral, given.hostile])
        )
        self._silenced = {kind for kind, source in SOURCES.items() if source in settings.without}
        self._heard = np.uint32(sum(kind for kind in Evidence if kind not in self._silenced))
        self._last = Findings.none()

    def judge(
        self,
        tracks: Tracks,
        class_probabilities: Floats,
        silences: Floats,
        uncorroborated: Ints,
    ) -> Identified:
        """Identify a picture.

        Parameters
        ----------
        tracks : the picture, never older than the last one
        class_probabilities : (N, C), NaN where none is told; (N, 0) without classification
        silences : (N,) interrogations that brought nothing
        uncorroborated : (K, 2) as ``Snapshot.uncorroborated``
        """
        confirmed = np.flatnonzero(tracks.confirmed)
        rows = confirmed[np.argsort(tracks.number[confirmed])]
        own = tracks.take(rows)
        doubted = np.isin(own.number, uncorroborated[:, 0])
        classes = class_probabilities[rows]
        found = self._find(own, classes, silences[rows], doubted)
        at, known = find_rows(self._last.number, own.number)
        before = np.zeros(rows.size, np.uint8)
        before[known] = self._last.identity[at[known]]
        probability = posterior(found.bits, found.silences, classes, self._model, self._prior)
        military = (found.bits & Evidence.MILITARY_REPLY) != 0
        identity = decide(before, probability, military, self._thresholds)
        self._last = replace(found, probability=probability, identity=identity)

        evidence = np.zeros(len(tracks), np.uint32)
        every = np.full((len(tracks), 3), np.nan)
        words = np.full(len(tracks), Identity.PENDING, np.uint8)
        evidence[rows], every[rows], words[rows] = found.bits, probability, identity
        changed = np.flatnonzero(identity != before)
        return Identified(
            replace(tracks, identity=words),
            evidence,
            every,
            tuple((int(found.number[row]), self._sentence(row)) for row in changed),
        )

    def reasons(self, number: int) -> str | None:
        """Return why a confirmed track of the last picture is what it is, in one sentence."""
        at, known = find_rows(self._last.number, np.array([number], np.int32))
        return self._sentence(int(at[0])) if known[0] else None

    def _find(self, tracks: Tracks, classes: Floats, silences: Floats, doubted: Bools) -> Findings:
        """Look at confirmed tracks, sorted by number."""
        model, grounds, count = self._model, self._grounds, len(tracks)
        position, velocity = tracks.position_enu_m[:, :2], tracks.velocity_enu_mps[:, :2]
        height_m = self._frame.height_m_of(tracks.position_enu_m)
        # Up is not the frame's far from its origin: what goes level there, climbs here.
        outward_mps = (position * velocity).sum(axis=1) / _EARTH_RADIUS_M
        climb_mps = tracks.velocity_enu_mps[:, 2] + outward_mps
        civil, military = tracks.replies[:, Reply.CIVIL], tracks.replies[:, Reply.MILITARY]
        toward, to_go_s = grounds.protected.ahead(
            position, velocity, height_m, climb_mps, model.heads_speed_mps
        )
        far = to_go_s > model.heads_within_s
        toward[far], to_go_s[far] = -1, np.nan
        inside = grounds.restricted.holding(position, height_m)
        keeps_to, off = grounds.ways.followed(
            position, velocity, model.corridor_cosine, model.corridor_near_m
        )
        crossed = grounds.border.beyond(position, model.border_margin_m)
        at, known = find_rows(self._last.number, tracks.number)
        crossed[known] |= self._last.crossed[at[known]]
        told = np.isfinite(classes).all(axis=1) & (classes.shape[1] > 0)
        best = np.full(count, -1, np.int32)
        best[told] = classes[told].argmax(axis=1)
        probability = np.full(count, np.nan)
        probability[told] = classes[told, best[told]]

        # What its transponder or its reports say counts once: the first of these that holds.
        reports = ((tracks.sensors & self._reporters) != 0) & (tracks.hits > 0)
        cooperation = {
            Evidence.UNCORROBORATED: reports & doubted,
            Evidence.MILITARY_REPLY: (military >= REPLIES_NEEDED) & (military >= civil),
            Evidence.CIVIL_REPLY: (civil >= REPLIES_NEEDED) & (civil > military),
            Evidence.REPORT: reports,
            Evidence.SILENCE: (silences > 0) & (civil + military == 0),
        }
        speaks: dict[Evidence, Bools] = {}
        open_: Bools = np.ones(count, np.bool_)
        for kind, holds in cooperation.items():
            speaks[kind] = holds & open_
            if kind not in self._silenced:
                open_ = open_ & ~holds
        sigma_m = np.sqrt(np.maximum(tracks.position_covariance_m2[:, 2, 2], 0.0))
        low = (height_m - self._frame.height_m < model.low_m) & (sigma_m < model.low_m)
        fast = np.einsum("mx,mx->m", velocity, velocity) >= model.fast_mps**2
        speaks |= {
            Evidence.IN_CORRIDOR: keeps_to >= 0,
            Evidence.OFF_CORRIDOR: off,
            Evidence.HEADS_FOR: toward >= 0,
            Evidence.RESTRICTED: inside >= 0,
            Evidence.THREAT_SIDE: crossed,
            Evidence.CLASS: told,
            Evidence.LOW_FAST: low & fast & ~told,
        }
        bits = np.zeros(count, np.uint32)
        for kind, holds in speaks.items():
            bits[holds] |= np.uint32(kind)
        return Findings(
            number=tracks.number,
            bits=bits & self._heard,
            probability=np.empty((count, 3)),
            identity=np.empty(count, np.uint8),
            silences=silences,
            military=military,
            civil=civil,
            toward=toward,
            to_go_s=to_go_s,
            inside=inside,
            keeps_to=keeps_to,
            target_class=best,
            class_probability=probability,
            crossed=crossed,
        )

    def _sentence(self, row: int | np.intp) -> str:
        """Return word, probability and reasons of one row of the last findings."""
        one: dict[str, Any] = {f.name: getattr(self._last, f.name)[row] for f in fields(Findings)}
        identity, probability = Identity(int(one["identity"])), one["probability"]
        hypothesis = _HYPOTHESIS[identity]
        which = ""
        if identity == Identity.UNKNOWN:
            hypothesis = probability.argmax()
            which = f"{_HYPOTHESES[hypothesis]} "
        word = identity.name.lower().replace("_", " ")
        reasons = "; ".join(self._reason(kind, one) for kind in WORDS if one["bits"] & kind)
        head = f"{word} ({which}{_rounded(float(probability[hypothesis]))})"
        return f"{head}: {reasons or 'no evidence'}"

    def _reason(self, kind: Evidence, one: dict[str, Any]) -> str:
        grounds = self._grounds
        match kind:
            case Evidence.MILITARY_REPLY:
                return f"{one['military']} military replies"
            case Evidence.CIVIL_REPLY:
                return f"{one['civil']} civil replies"
            case Evidence.SILENCE:
                count = int(one["silences"])
                return f"no reply to {count} interrogation{'s' if count > 1 else ''}"
            case Evidence.IN_CORRIDOR:
                return f"keeps to {grounds.ways.ids[one['keeps_to']]}"
            case Evidence.RESTRICTED:
                return f"inside {grounds.restricted.ids[one['inside']]}"
            case Evidence.HEADS_FOR:
                name, to_go_s = grounds.protected.ids[one["toward"]], one["to_go_s"]
                return f"heads for {name}, {to_go_s:.0f} s to go" if to_go_s else f"over {name}"
            case Evidence.CLASS:
                name = self._class_names[one["target_class"]].replace("-", " ")
                name = name.replace("one way", "one-way")
                return f"{name} {_rounded(float(one['class_probability']))}"
            case _:
                return WORDS[kind]


def _rounded(probability: float) -> str:
    """Return two digits, and never certainty."""
    return f"{min(probability, 0.99):.2f}"


def decide(
    before: Bytes, probability: Floats, military: NDArray[np.bool_], thresholds: Thresholds
) -> Bytes:
    """Return the identities (M,) that posteriors (M, 3) give.

    An identity is given from its threshold on and kept until the posterior is a margin below
    it. A friend needs a military reply.

    Parameters
    ----------
    before : (M,) ``Identity``, PENDING for a new track
    military : (M,) whether a military reply speaks
    """
    needed = np.full(len(Identity), np.inf)
    needed[Identity.FRIEND] = thresholds.friend
    needed[Identity.ASSUMED_FRIEND] = thresholds.assumed_friend
    needed[Identity.NEUTRAL] = thresholds.neutral
    needed[Identity.SUSPECT] = thresholds.suspect
    needed[Identity.HOSTILE] = thresholds.hostile
    fresh = np.full(before.size, Identity.UNKNOWN, np.uint8)
    for word in (
        Identity.NEUTRAL,
        Identity.ASSUMED_FRIEND,
        Identity.SUSPECT,
        Identity.FRIEND,
        Identity.HOSTILE,
    ):
        reached = probability[:, _HYPOTHESIS[word]] >= needed[word]
        fresh[reached & military if word == Identity.FRIEND else reached] = word
    held = probability[np.arange(before.size), _HYPOTHESIS[before]]
    kept = held >= needed[before] - thresholds.margin
    kept &= military | (before != Identity.FRIEND)
    kept &= _STRENGTH[before] > _STRENGTH[fresh]
    return np.where(kept, before, fresh).astype(np.uint8)
