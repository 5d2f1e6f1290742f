"""Results of commands as their files hold them, made up but plausible."""

from __future__ import annotations

from typing import Any

import numpy as np

FACTS = {
    "configuration": {"network": {"channels": 4, "final_time": 2.0}, "optimization": {"iterations": 20}},
    "versions": {"refms": "0.1.0", "numpy": "2.4.6"},
    "machine": "some processor, 2 cores",
    "date": "2026-01-02",
}


def run(rate: float, rows: int = 20, seed: int = 0) -> dict[str, Any]:
    """Return a run whose objective falls by a factor each iteration."""
    rng = np.random.default_rng(seed)
    k = np.arange(1, rows + 1)
    objective = 2.3 * rate**k * rng.uniform(0.95, 1.05, rows) + 0.05
    return {
        "outcome": {"status": "iteration_limit", "message": f"The limit of {rows} was reached."},
        "notes": ["Step 3 was refused."],
        "columns": {
            "iteration": k.tolist(),
            "work_units": (1000.0 * k * (2 - rate)).tolist(),
            "seconds": (0.1 * k).tolist(),
            "objective": objective.tolist(),
            "gradient_norm": (rate ** (2 * k)).tolist(),
            "validation_accuracy": [None, *(1 - 0.9 * rate ** k[1:]).tolist()],
            "validation_loss": objective.tolist(),
        },
    }


def comparison() -> dict[str, Any]:
    """Return a result of ``refms compare``."""
    rates = {"bcd": 0.7, "joint": 0.6, "varpro": 0.55, "newton": 0.65, "lbfgs": 0.8, "sgd": 0.93, "adam": 0.9}
    return {"kind": "compare", **FACTS, "runs": {name: run(rate) for name, rate in rates.items()}}


def study() -> dict[str, Any]:
    """Return a result of ``refms study``: three values, two seeds."""
    runs = {
        f"{value}|{seed}": {"value": value, "seed": seed, **run(0.9 - 0.1 * i, seed=seed)}
        for i, value in enumerate((0.005, 0.1, 1.0))
        for seed in (0, 1)
    }
    return {"kind": "study", "parameter": "optimization.hessian_fraction", **FACTS, "runs": runs}


def inspection() -> dict[str, Any]:
    """Return a result of ``refms inspect``."""
    at = np.linspace(-1, 10, 200)
    bump = np.exp(-(at**2) * 20) + 1e-3 * np.exp(-((at - 8) ** 2) * 4)

    def spectrum(shift: float) -> dict[str, Any]:
        moved = np.interp(at - shift, at, bump)
        return {
            "smallest": [shift - 0.2, shift - 0.1],
            "largest": [shift + 7.5, shift + 8.5],
            "density": {"at": at.tolist(), "lanczos": moved.tolist(), "kpm": (moved * 1.1).tolist()},
        }

    matrices = {"gauss_newton": spectrum(0.0), "hessian": spectrum(-0.3)}
    k = np.arange(30)
    residuals = {"none": (0.8**k).tolist(), "diagonal": (0.6**k).tolist()}
    alpha = 2.0 ** -np.arange(0, 10)
    predicted = -alpha + 0.5 * alpha**2
    return {
        "kind": "inspect",
        **FACTS,
        "spectra": {"propagation": matrices, "classifier": {"gauss_newton": spectrum(0.0)}},
        "cg": {
            block: {name: {"residuals": values} for name, values in residuals.items()}
            for block in ("propagation", "classifier")
        },
        "model_quality": {
            "step_lengths": alpha.tolist(),
            **{
                model: {"predicted": predicted.tolist(), "actual": (predicted + 0.1 * alpha**order).tolist()}
                for model, order in (("gauss_newton", 2), ("newton", 3))
            },
        },
    }


def variance() -> dict[str, Any]:
    """Return a result of ``refms variance`` on three levels."""

    def figure(value: float) -> list[float]:
        return [value, 0.9 * value, 1.2 * value]

    levels = [
        {
            "level": level,
            "V": figure(10.0**-level),
            "rho": figure(0.8),
            "beta": figure(0.7),
            "batch": 5 << level,
        }
        for level in range(3)
    ]
    for name in ("rho", "beta"):
        del levels[2][name]
    return {
        "kind": "variance",
        **FACTS,
        "levels": levels,
        "batches": [4, 8, 16],
        "efficiency": {"given": figure(0.8), "optimal": figure(1.4), "regressed": figure(1.9)},
        "sentence": "With the best batches 3 levels pay.",
    }
