"""From a transmitter's power to whether a receiver hears it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from sensors.detection import (
    SPEED_OF_LIGHT_MPS,
    detection_probability,
    detection_threshold,
    draw_echo_power,
    required_snr,
)

if TYPE_CHECKING:
    from sim.core.tables import Bools, Floats


def free_space_loss_db(range_m: ArrayLike, frequency_hz: ArrayLike) -> Floats:
    """Return 20 log₁₀(4π R f / c): Friis, A Note on a Simple Transmission Formula, 1946."""
    ratio = 4.0 * np.pi * np.asarray(range_m, float) * np.asarray(frequency_hz) / SPEED_OF_LIGHT_MPS
    loss: Floats = 20.0 * np.log10(ratio)
    return loss


def two_ray_loss_db(
    range_m: ArrayLike, frequency_hz: ArrayLike, height_m: ArrayLike, other_height_m: ArrayLike
) -> Floats:
    """Return the loss between two low antennas over plane ground.

    Near, that of free space; beyond 4π h₁ h₂ / λ the ray off the ground all but cancels the
    direct one, and the loss is 40 log₁₀ R − 20 log₁₀(h₁ h₂), whatever the frequency
    (Rappaport, Wireless Communications, 2nd ed., 4.6). The lobes before are left out. Heights
    below 0.3 m count as that.
    """
    lifted = np.maximum(height_m, 0.3) * np.maximum(other_height_m, 0.3)
    plane = 40.0 * np.log10(range_m) - 20.0 * np.log10(lifted)
    loss: Floats = np.maximum(free_space_loss_db(range_m, frequency_hz), plane)
    return loss


@dataclass(frozen=True, slots=True)
class Receiver:
    """A radio receiver: an energy detector of known sensitivity.

    Attributes
    ----------
    sensitivity_dbm : power at which half of all steady emissions are noticed
    gain_db : of its antenna
    pfa : chance that a look at noise alone is taken for an emission
    pulses : samples of power that it sums
    two_ray : loss over plane ground beyond the break point, else that of free space
    """

    sensitivity_dbm: float
    gain_db: float
    pfa: float
    pulses: int
    two_ray: bool

    def snr(
        self,
        power_dbm: ArrayLike,
        frequency_hz: ArrayLike,
        range_m: Floats,
        height_m: float,
        other_height_m: Floats,
    ) -> Floats:
        """Return the SNR (K,) of each sample of emissions.

        The sensitivity calibrates it: there the SNR is what a detection probability of one
        half takes.
        """
        if self.two_ray:
            loss_db = two_ray_loss_db(range_m, frequency_hz, height_m, other_height_m)
        else:
            loss_db = free_space_loss_db(range_m, frequency_hz)
        above_db = np.asarray(power_dbm) + self.gain_db - loss_db - self.sensitivity_dbm
        snr: Floats = _least_snr(self.pfa, self.pulses) * 10.0 ** (np.minimum(above_db, 200) / 10.0)
        return snr

    def pd(self, snr: Floats) -> Floats:
        """Return the probability (K,) that emissions are noticed."""
        return detection_probability(snr, self.pfa, self.pulses)

    def draw(self, snr: Floats, rng: np.random.Generator) -> tuple[Bools, Floats]:
        """Draw which emissions are noticed, and how strong (SNR of a sample) they seem then."""
        steady = np.zeros(snr.size, np.uint8)
        power = draw_echo_power(snr, self.pulses, steady, rng)
        noticed: Bools = power > detection_threshold(self.pfa, self.pulses)
        return noticed, power / self.pulses - 1.0


@lru_cache(maxsize=64)
def _least_snr(pfa: float, pulses: int) -> float:
    return required_snr(0.5, pfa, pulses)
