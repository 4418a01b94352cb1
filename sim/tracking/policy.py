"""Sensors, motion models and settings as kernels take them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sim.core.motion import DIMENSION
from sim.core.tables import Bools, Floats, Indices, Measured
from sim.tracking.config import TrackerConfig
from sim.tracking.models import KINDS
from sim.tracking.sensor_models import SensorModels


class SensorColumns(NamedTuple):
    """``SensorModels`` as kernels take them.

    Attributes
    ----------
    cartesian : (S,) the filter takes this sensor's plots as positions
    log_clutter : (S,) logarithm of the clutter density
    others : as in ``SensorModels``
    """

    origin_enu_m: Floats
    enu_R_sensor: Floats
    height_m: Floats
    period_s: Floats
    measures: Bools
    kind: Indices
    other_enu_m: Floats
    rotates: Bools
    cartesian: Bools
    log_clutter: Floats
    resolution: Floats
    range_min_m: Floats
    range_max_m: Floats
    elevation_min_rad: Floats
    elevation_max_rad: Floats
    snr_range_m: Floats
    false_alarm_probability: Floats
    horizon: Bools
    ground_m: Floats
    mask_rad: Floats
    noise: Floats
    listens: Bools


class Models(NamedTuple):
    """The motion models, one row each.

    Attributes
    ----------
    kind, parameters, sojourn_s : (M,), (M, 4), (M,) as ``sim.core.motion`` takes them
    dimension : (M,) of the state
    mean_row, covariance_row : (M + 1,) where each model's rows begin in a track's columns
    """

    kind: Indices
    parameters: Floats
    sojourn_s: Floats
    dimension: Indices
    mean_row: Indices
    covariance_row: Indices


class Policy(NamedTuple):
    """``TrackerConfig`` as kernels take it.

    Attributes
    ----------
    gates : (5,) squared distance that holds ``gate_probability``, by measured components
    cubature : plots are taken by cubature points instead of derivatives
    rule : 0 M of N, 1 score, 2 existence
    start_score, confirm_score, drop_score : log odds of a track at birth, and where it is
        confirmed and dropped
    others : as in ``TrackerConfig``
    """

    gates: Floats
    cubature: bool
    detection_probability: float
    start_height_m: float
    start_height_sigma_m: float
    start_speed_sigma_mps: float
    start_climb_sigma_mps: float
    rule: int
    confirm_hits: int
    confirm_looks: int
    start_score: float
    confirm_score: float
    drop_score: float
    lifetime_s: float
    coast_max_s: float
    coast_hidden_max_s: float
    position_variance_max_m2: float


def sensor_columns(config: TrackerConfig, sensors: SensorModels) -> SensorColumns:
    """Return the sensors, with what the filter does to their plots."""
    three_d = (sensors.kind == Measured.POLAR) & sensors.measures[:, :3].all(axis=1)
    return SensorColumns(
        sensors.origin_enu_m,
        sensors.enu_R_sensor,
        sensors.height_m,
        sensors.period_s,
        sensors.measures,
        sensors.kind.astype(np.int64),
        sensors.other_enu_m,
        sensors.rotates,
        (sensors.kind == Measured.POSITION) | (three_d & (config.filter == "kf")),
        np.log(sensors.clutter_density),
        sensors.resolution,
        sensors.range_min_m,
        sensors.range_max_m,
        sensors.elevation_min_rad,
        sensors.elevation_max_rad,
        sensors.snr_range_m,
        sensors.false_alarm_probability,
        sensors.horizon,
        sensors.ground_m,
        np.ascontiguousarray(sensors.mask_rad.reshape(*sensors.mask_rad.shape[:2], -1)),
        np.ascontiguousarray(sensors.noise),
        sensors.listens,
    )


def model_rows(config: TrackerConfig) -> Models:
    """Return the motion models of a configuration."""
    chosen = config.motion_models
    kind = np.array([KINDS.index(model.kind) for model in chosen], np.int64)
    dimension = np.array(DIMENSION, np.int64)[kind]
    return Models(
        kind,
        np.array([model.parameters for model in chosen]),
        np.array([model.sojourn_s for model in chosen]),
        dimension,
        np.append(0, np.cumsum(dimension)).astype(np.int64),
        np.append(0, np.cumsum(dimension * (dimension + 1) // 2)).astype(np.int64),
    )


def policy_of(config: TrackerConfig) -> Policy:
    """Return the settings in the kernels' units."""
    rule = config.confirmation_rule
    if rule == "score":
        # Wald's thresholds; Blackman and Popoli 1999, 6.2.3.
        start = 0.0
        confirm = math.log((1.0 - config.missed_confirmation) / config.false_confirmation)
        drop = math.log(config.missed_confirmation / (1.0 - config.false_confirmation))
    else:
        start, confirm, drop = (
            math.log(p / (1.0 - p))
            for p in (config.start_existence, config.confirm_existence, config.drop_existence)
        )
    return Policy(
        gates=gates(config.gate_probability),
        cubature=config.filter == "ckf",
        detection_probability=config.detection_probability,
        start_height_m=config.start_height_m,
        start_height_sigma_m=config.start_height_sigma_m,
        start_speed_sigma_mps=config.start_speed_sigma_mps,
        start_climb_sigma_mps=config.start_climb_sigma_mps,
        rule=("m-of-n", "score", "existence").index(rule),
        confirm_hits=config.confirm_hits,
        confirm_looks=config.confirm_looks,
        start_score=start,
        confirm_score=confirm,
        drop_score=drop,
        lifetime_s=config.lifetime_s,
        coast_max_s=config.coast_max_s,
        coast_hidden_max_s=config.coast_hidden_max_s,
        position_variance_max_m2=config.position_sigma_max_m**2,
    )


def gates(probability: float) -> Floats:
    """Return the squared distance that holds this share of true plots, for 0 … 4 components."""
    from scipy.special import gammaincinv

    result: Floats = np.zeros(5)
    result[1:] = 2.0 * gammaincinv(np.arange(1, 5) / 2.0, probability)
    return result
