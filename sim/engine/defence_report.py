"""Recording → what its defence came to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sim.core.tables import FALSE_ALARM, Affiliation
from sim.defence.threats import attack_cost_keur, damage_of
from sim.metrics.defence import Armament, Fired, Worth, judge_defence
from sim.metrics.facts import Facts
from sim.metrics.history import TrackHistory, TruthHistory
from sim.record.defence import REASONS, effects_of
from sim.record.recording import Recording
from sim.record.tables import EFFECTOR_STATES, SHOTS, THREATS, Vocabulary
from sim.scenario.specs import Scenario
from sim.world.targets import CLASS_NAMES


def defence_report(
    recording: Recording,
    spec: Scenario,
    truth: TruthHistory,
    tracks: TrackHistory,
    protected: Sequence[Any],
) -> dict[str, Any]:
    """Return the part of a run's metrics that is about its defence.

    Parameters
    ----------
    truth, tracks : what is judged, of single targets
    protected : corridors, points and lines
    """
    setting = recording.setting
    vocabulary = Vocabulary.of(setting)
    threats, states = recording.columns(THREATS), recording.columns(EFFECTOR_STATES)
    classes = [CLASS_NAMES.index(target.target_class) for target in setting.targets]
    effectors = setting.effectors
    plots = recording.plots
    seen = plots.take(plots.truth_id != FALSE_ALARM)
    detected_s = np.full(len(classes), np.inf)
    np.minimum.at(detected_s, seen.truth_id, seen.time_s)
    return judge_defence(
        truth,
        tracks,
        Facts(
            target_ids=vocabulary.targets,
            target_groups=tuple(target.group for target in setting.targets),
            target_classes=tuple(target.target_class for target in setting.targets),
            affiliation=np.array(
                [Affiliation[target.affiliation.upper()] for target in setting.targets], np.uint8
            ),
            sensor_ids=vocabulary.sensors,
            sensor_position_enu_m=np.zeros((len(vocabulary.sensors), 3)),
        ),
        protected,
        Fired(
            effects=effects_of(recording.columns(SHOTS), vocabulary),
            threat_time_s=threats.numbers("time_s"),
            threat_number=threats.numbers("number"),
            threat_why=threats.codes("why", REASONS).astype(np.uint8),
            state_time_s=states.numbers("time_s"),
            state_effector=states.codes("effector", vocabulary.effectors),
            state_rounds=states.numbers("rounds"),
            state_saturated=np.asarray(states.numbers("saturated"), np.bool_),
        ),
        Armament(
            id=vocabulary.effectors,
            layer=tuple(effector.layer for effector in effectors),
            nation=tuple(effector.nation for effector in effectors),
            magazine=tuple(effector.magazine for effector in effectors),
            cost_keur=np.array([effector.cost_keur for effector in effectors]),
            assessment_s=np.array([effector.assessment_s for effector in effectors]),
        ),
        Worth(
            value=[thing.value for thing in spec.protect],
            damage=damage_of(CLASS_NAMES)[classes],
            attack_cost_keur=attack_cost_keur(CLASS_NAMES)[classes],
        ),
        detected_s,
        spec.judge.cutoff_m,
        float(recording.manifest["recorded_until_s"]),
    )
