"""The radar equation in its search form, and in its bistatic one.

The form for a dwell on one target is ``sensors.detection.radar_snr``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from sensors.detection import BOLTZMANN_J_PER_K, SPEED_OF_LIGHT_MPS

if TYPE_CHECKING:
    from sim.core.tables import Floats


def solid_angle_sr(width_rad: float, low_rad: float, high_rad: float) -> float:
    """Return the solid angle of a sector between two elevations, Δaz (sin high − sin low)."""
    return float(width_rad * (np.sin(high_rad) - np.sin(low_rad)))


def effective_aperture_m2(gain: float, frequency_hz: float) -> float:
    """Return the area of an antenna that collects, G λ² / 4π."""
    return float(gain * (SPEED_OF_LIGHT_MPS / frequency_hz) ** 2 / (4.0 * np.pi))


def search_snr(
    range_m: ArrayLike,
    rcs_m2: ArrayLike,
    *,
    power_aperture_w_m2: float,
    search_time_s: float,
    solid_angle_sr: float,
    system_temperature_k: float,
    losses: float = 1.0,
) -> Floats:
    """Return the SNR of a whole dwell of a radar that searches a volume.

    SNR = P̄ A t σ / (4π k Ts L Ω R⁴): neither frequency nor beam shows in it (Skolnik,
    Introduction to Radar Systems, 3rd ed., chapter 2; Barton, Radar Equations for Modern
    Radar).

    Parameters
    ----------
    range_m, rcs_m2
        Slant range and radar cross-section; any shapes that broadcast.
    power_aperture_w_m2
        Mean power times effective aperture.
    search_time_s, solid_angle_sr
        The volume, and the time in which it is looked at once.
    losses
        Linear.
    """
    at_one_metre = power_aperture_w_m2 * search_time_s
    at_one_metre /= 4.0 * np.pi * BOLTZMANN_J_PER_K * system_temperature_k * losses * solid_angle_sr
    snr: Floats = at_one_metre * np.asarray(rcs_m2) / np.asarray(range_m, float) ** 4
    return snr


def power_aperture_w_m2(
    range_m: float,
    rcs_m2: float,
    snr: float,
    *,
    search_time_s: float,
    solid_angle_sr: float,
    system_temperature_k: float,
    losses: float = 1.0,
) -> float:
    """Return the mean power times aperture that searches a volume with an SNR (linear)."""
    of_one = search_snr(
        range_m,
        rcs_m2,
        power_aperture_w_m2=1.0,
        search_time_s=search_time_s,
        solid_angle_sr=solid_angle_sr,
        system_temperature_k=system_temperature_k,
        losses=losses,
    )
    return float(snr / of_one)


def bistatic_snr(
    transmitter_range_m: ArrayLike,
    receiver_range_m: ArrayLike,
    rcs_m2: ArrayLike,
    *,
    erp_w: float,
    gain: float,
    frequency_hz: float,
    integration_s: float,
    system_temperature_k: float,
    losses: float = 1.0,
) -> Floats:
    """Return the SNR of an echo of somebody else's transmission after integration.

    SNR = ERP G λ² σ T / ((4π)³ k Ts L R₁² R₂²), T the time over which the receiver
    correlates with the direct signal (Willis, Bistatic Radar; Griffiths and Baker, IEE
    Proc. Radar Sonar Navig. 152(3), 2005).

    Parameters
    ----------
    transmitter_range_m, receiver_range_m, rcs_m2
        R₁, R₂ and the bistatic cross-section; any shapes that broadcast.
    erp_w
        What the transmitter radiates towards the target, against an isotropic source.
    gain, losses
        Of the receiver, linear.
    """
    wavelength_m = SPEED_OF_LIGHT_MPS / frequency_hz
    constant = erp_w * gain * wavelength_m**2 * integration_s
    constant /= (4.0 * np.pi) ** 3 * BOLTZMANN_J_PER_K * system_temperature_k * losses
    ranges = np.asarray(transmitter_range_m, float) * np.asarray(receiver_range_m, float)
    snr: Floats = constant * np.asarray(rcs_m2) / ranges**2
    return snr
