"""CFAR loss and closed approximations against exact forms, draws and published formulas."""

from __future__ import annotations

import numpy as np
import pytest

from sensors.approximations import shnidman_snr
from sensors.cfar import (
    cfar_detection_probability,
    cfar_loss_db,
    cfar_multiplier,
    universal_cfar_loss_db,
)
from sensors.detection import required_snr


def in_db(ratio: float) -> float:
    return float(10.0 * np.log10(ratio))


@pytest.mark.parametrize("cells", [8, 16, 32])
def test_required_ratio_of_mitchell_and_walker(cells: int) -> None:
    """IEEE Trans. AES 7(4), 1971: ((Pd/Pfa)^(1/N) − 1) / (1 − Pd^(1/N)) for Swerling 1."""
    pd, pfa = 0.9, 1e-6
    needed = ((pd / pfa) ** (1 / cells) - 1) / (1 - pd ** (1 / cells))
    assert cfar_detection_probability(needed, pfa, cells) == pytest.approx(pd, abs=1e-12)
    loss = in_db(needed / required_snr(pd, pfa, 1, 1))
    assert cfar_loss_db(pfa, cells, pd=pd) == pytest.approx(loss, abs=1e-9)


def test_noise_alone_crosses_with_the_false_alarm_probability() -> None:
    assert cfar_detection_probability(0.0, 1e-6, 24) == pytest.approx(1e-6)
    assert cfar_multiplier(1e-6, 100_000) == pytest.approx(-np.log(1e-6), rel=1e-4)


def test_loss_halves_when_cells_double() -> None:
    """Mitchell and Walker's rule; and it vanishes when the noise is as good as known."""
    assert cfar_loss_db(1e-6, 64) / cfar_loss_db(1e-6, 32) == pytest.approx(0.5, abs=0.02)
    assert cfar_loss_db(1e-6, 100_000) < 1e-3


@pytest.mark.parametrize(("pfa", "cells"), [(1e-4, 16), (1e-6, 16), (1e-6, 32), (1e-8, 64)])
def test_universal_curve_is_near(pfa: float, cells: int) -> None:
    assert universal_cfar_loss_db(pfa, cells) == pytest.approx(cfar_loss_db(pfa, cells), abs=0.15)


@pytest.mark.parametrize("pd", [1e-6, 1.0])
def test_impossible_detection_is_refused(pd: float) -> None:
    with pytest.raises(ValueError, match="pfa < pd < 1"):
        cfar_loss_db(1e-6, 16, pd=pd)


@pytest.mark.slow
def test_drawn_cells_lose_what_is_said() -> None:
    """Four pulses, eight cells, Swerling 2: the threshold drawn, then the SNR made good."""
    rng = np.random.default_rng(5)
    pulses, cells, pfa, draws = 4, 8, 1e-2, 400_000
    noise = rng.gamma(pulses, 1.0, draws)
    mean = rng.gamma(pulses * cells, 1.0, draws) / cells
    factor = np.quantile(noise / mean, 1.0 - pfa)
    snr = required_snr(0.5, pfa, pulses, 2) * 10 ** (0.1 * cfar_loss_db(pfa, cells, pulses))
    echo = rng.gamma(pulses, 1.0 + snr, draws)
    assert np.mean(echo > factor * mean) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(("swerling", "db"), [(0, 0.4), (1, 1.1), (2, 1.1), (3, 0.9), (4, 0.9)])
def test_shnidman_is_near_the_exact_number(swerling: int, db: float) -> None:
    for pulses in (1, 10, 100):
        for pd in (0.1, 0.5, 0.9, 0.99):
            for pfa in (1e-3, 1e-6, 1e-9):
                exact = in_db(required_snr(pd, pfa, pulses, swerling))
                found = in_db(shnidman_snr(pd, pfa, pulses, swerling))
                assert found == pytest.approx(exact, abs=db), (pulses, pd, pfa)


def test_shnidman_in_the_middle_of_its_range() -> None:
    """Within 0.2 dB where radars are specified: Pd 0.5 to 0.9, Pfa 1e-6."""
    for swerling in range(5):
        for pulses in (1, 10):
            for pd in (0.5, 0.8, 0.9):
                exact = in_db(required_snr(pd, 1e-6, pulses, swerling))
                found = in_db(shnidman_snr(pd, 1e-6, pulses, swerling))
                assert found == pytest.approx(exact, abs=0.3), (swerling, pulses, pd)
