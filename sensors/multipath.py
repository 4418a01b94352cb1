"""Kernels of lobing: what the wave that bounces off the surface does to the direct one.

Heights are above the smooth ground; a curvature of the effective earth of zero makes it
flat. Factors are of power, one way: an echo takes their square, F⁴.
"""

from __future__ import annotations

import cmath
import math

from sim.core.jit import kernel

# Of the first Fresnel zone's radius: with so much clearance nothing is lost (P.526).
_FREE_CLEARANCE = 0.552


@kernel(leaf=True)
def bounce_distance_m(
    distance_m: float, height_a_m: float, height_b_m: float, curvature_per_m: float
) -> float:
    """Return the ground distance from end A to where the wave bounces.

    The root of the cubic equation of equal angles (Blake, NRL Report 7098, 1970; Kerr,
    Propagation of Short Radio Waves, 1951).
    """
    total_m = height_a_m + height_b_m
    if total_m <= 0.0:
        return 0.5 * distance_m
    if curvature_per_m * distance_m * distance_m < 1e-9 * total_m:
        return distance_m * height_a_m / total_m
    p = math.sqrt(4.0 / 3.0 * (0.25 * distance_m * distance_m + total_m / curvature_per_m))
    sine = 2.0 * distance_m * (height_b_m - height_a_m) / (curvature_per_m * p * p * p)
    return 0.5 * distance_m - p * math.sin(math.asin(min(max(sine, -1.0), 1.0)) / 3.0)


@kernel(leaf=True)
def i0_scaled(x: float) -> float:
    """Return exp(−x) I₀(x) for x ≥ 0, to 1e-7 (Abramowitz and Stegun, 9.8.1 and 9.8.2)."""
    if x < 3.75:
        t = (x / 3.75) ** 2
        series = 0.0360768 + t * 0.0045813
        series = 1.2067492 + t * (0.2659732 + t * series)
        series = 1.0 + t * (3.5156229 + t * (3.0899424 + t * series))
        return series * math.exp(-x)
    t = 3.75 / x
    series = 0.02635537 + t * (-0.01647633 + t * 0.00392377)
    series = 0.00916281 + t * (-0.02057706 + t * series)
    series = 0.00225319 + t * (-0.00157565 + t * series)
    return (0.39894228 + t * (0.01328592 + t * series)) / math.sqrt(x)


@kernel(leaf=True)
def roughness_factor(roughness_m: float, grazing_rad: float, wavelength_m: float) -> float:
    """Return what a rough surface leaves of the mirror-like reflection.

    exp(−x) I₀(x) with x = 2 (2π σ sin ψ / λ)² (Miller, Brown and Vegh, IEE Proc. F 131(2),
    1984), milder on rough sea than Ament's exp(−x).
    """
    phase = 2.0 * math.pi * roughness_m * math.sin(grazing_rad) / wavelength_m
    return i0_scaled(2.0 * phase * phase)


@kernel(leaf=True)
def reflection(permittivity: complex, grazing_rad: float, vertical: bool) -> complex:
    """Return Fresnel's reflection coefficient of a smooth surface.

    Parameters
    ----------
    permittivity : complex and relative, ε′ − iε″
    vertical : polarisation, else horizontal
    """
    sine, cosine = math.sin(grazing_rad), math.cos(grazing_rad)
    root = cmath.sqrt(permittivity - cosine * cosine)
    raised = permittivity * sine if vertical else complex(sine)
    return (raised - root) / (raised + root)


@kernel(leaf=True)
def interference(path_difference_m: float, wavelength_m: float, coefficient: complex) -> float:
    """Return the power of a direct wave of 1 and a bounced one, |1 + ρ exp(−2πi δ/λ)|²."""
    phase = -2.0 * math.pi * path_difference_m / wavelength_m
    total = 1.0 + coefficient * complex(math.cos(phase), math.sin(phase))
    return total.real * total.real + total.imag * total.imag


@kernel(leaf=True)
def path_difference_m(distance_m: float, clear_a_m: float, clear_b_m: float) -> float:
    """Return how much longer the bounced path is, over a plane (heights above it)."""
    total, less = clear_a_m + clear_b_m, clear_a_m - clear_b_m
    square = distance_m * distance_m
    both = math.sqrt(square + total * total) + math.sqrt(square + less * less)
    return 4.0 * clear_a_m * clear_b_m / both


@kernel(leaf=True)
def _height_gain_db(normalised: float) -> float:
    if normalised > 2.0:
        over = normalised - 1.1
        return 17.6 * math.sqrt(over) - 5.0 * math.log10(over) - 8.0
    return 20.0 * math.log10(max(normalised + 0.1 * normalised * normalised * normalised, 1e-9))


@kernel(leaf=True)
def diffraction_loss_db(
    distance_m: float,
    height_a_m: float,
    height_b_m: float,
    wavelength_m: float,
    curvature_per_m: float,
) -> float:
    """Return the loss against free space at and beyond the horizon of a smooth earth.

    First term of the residue series as ITU-R P.526-15, section 3.1.1.2 has it, with β = 1:
    horizontal polarisation, or vertical above 300 MHz.
    """
    square = curvature_per_m * curvature_per_m
    x = distance_m * math.pow(math.pi * square / wavelength_m, 1.0 / 3.0)
    wavenumber = math.pi / wavelength_m
    per_m = 2.0 * math.pow(wavenumber * wavenumber * curvature_per_m, 1.0 / 3.0)
    if x >= 1.6:
        fall = 11.0 + 10.0 * math.log10(x) - 17.6 * x
    else:
        fall = -20.0 * math.log10(x) - 5.6488 * math.pow(x, 1.425)
    gain = _height_gain_db(per_m * max(height_a_m, 0.0))
    return -(fall + gain + _height_gain_db(per_m * max(height_b_m, 0.0)))


@kernel(leaf=True)
def two_waves(
    distance_m: float,
    near_m: float,
    height_a_m: float,
    height_b_m: float,
    wavelength_m: float,
    permittivity: complex,
    vertical: bool,
    roughness_m: float,
    curvature_per_m: float,
    bounce_gain: float,
) -> float:
    """Return the power of the direct and the bounced wave at B against free space, one way.

    Parameters
    ----------
    near_m : from A to where the wave bounces
    height_a_m, height_b_m : above the surface, or the plane, that mirrors
    distance_m ... bounce_gain : as in ``propagation_factor``
    """
    far_m = distance_m - near_m
    clear_a_m = height_a_m - 0.5 * curvature_per_m * near_m * near_m
    clear_b_m = height_b_m - 0.5 * curvature_per_m * far_m * far_m
    if clear_a_m <= 0.0 or clear_b_m <= 0.0:
        return 1.0
    grazing_rad = math.atan2(clear_a_m + clear_b_m, distance_m)
    spread = 2.0 * near_m * far_m * curvature_per_m / (distance_m * math.sin(grazing_rad))
    strength = bounce_gain * roughness_factor(roughness_m, grazing_rad, wavelength_m)
    coefficient = reflection(permittivity, grazing_rad, vertical)
    return interference(
        path_difference_m(distance_m, clear_a_m, clear_b_m),
        wavelength_m,
        coefficient * (strength / math.sqrt(1.0 + spread)),  # divergence of a sphere
    )


@kernel(leaf=True)
def propagation_factor(
    distance_m: float,
    height_a_m: float,
    height_b_m: float,
    wavelength_m: float,
    permittivity: complex,
    vertical: bool,
    roughness_m: float,
    curvature_per_m: float,
    bounce_gain: float,
) -> float:
    """Return the power at B against free space, F² (one way).

    Where the path clears the earth by 0.55 of the first Fresnel zone, the direct and the
    bounced wave interfere; with less, and beyond the horizon, the smaller of that and
    diffraction counts (ITU-R P.526-15, section 3.2).

    Parameters
    ----------
    distance_m : along the ground
    height_a_m, height_b_m : above the ground
    permittivity, vertical : as in ``reflection``
    roughness_m : standard deviation of the surface height
    curvature_per_m : ``surface.EFFECTIVE_CURVATURE_PER_M``, or 0 for a flat earth
    bounce_gain : gain of the antennas towards the bounce against the direct way, in voltage
    """
    if height_a_m <= 0.0 or height_b_m <= 0.0:
        return 0.0  # on the ground both waves cancel
    near_m = bounce_distance_m(distance_m, height_a_m, height_b_m, curvature_per_m)
    far_m = distance_m - near_m
    clear_a_m = height_a_m - 0.5 * curvature_per_m * near_m * near_m
    clear_b_m = height_b_m - 0.5 * curvature_per_m * far_m * far_m
    factor = two_waves(
        distance_m,
        near_m,
        height_a_m,
        height_b_m,
        wavelength_m,
        permittivity,
        vertical,
        roughness_m,
        curvature_per_m,
        bounce_gain,
    )
    if curvature_per_m <= 0.0:
        return factor
    clearance_m = (clear_a_m * far_m + clear_b_m * near_m) / distance_m
    enough_m = _FREE_CLEARANCE * math.sqrt(near_m * far_m * wavelength_m / distance_m)
    if clearance_m >= enough_m:
        return factor
    reach = math.sqrt(height_a_m) + math.sqrt(height_b_m)
    if distance_m * math.sqrt(0.5 * curvature_per_m) >= reach:  # beyond the horizon
        loss_db = diffraction_loss_db(
            distance_m, height_a_m, height_b_m, wavelength_m, curvature_per_m
        )
        return math.pow(10.0, -0.1 * max(loss_db, 0.0))
    grazing_curvature = 2.0 * (reach / distance_m) ** 2  # of the earth that just blocks it
    loss_db = diffraction_loss_db(
        distance_m, height_a_m, height_b_m, wavelength_m, grazing_curvature
    )
    loss_db = (1.0 - clearance_m / enough_m) * max(loss_db, 0.0)
    return min(factor, math.pow(10.0, -0.1 * loss_db))
