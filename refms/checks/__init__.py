"""Checks of hand-derived mathematics: each returns a report and never prints; a wrong answer never raises."""

from refms.checks.adjoint import AdjointReport, adjoint_test
from refms.checks.complex_step import ComplexStepReport, complex_step_test
from refms.checks.convergence import TaylorOrder
from refms.checks.galerkin import GalerkinReport, galerkin_stencil_test, galerkin_test
from refms.checks.gauss_newton import GaussNewtonReport, gauss_newton_test
from refms.checks.report import MARGINAL_LIMIT, PASS_LIMIT, Report, Verdict, verdict, worst_verdict
from refms.checks.residual import machine_epsilon, scaled_residual
from refms.checks.taylor import TaylorReport, taylor_test

__all__ = [
    "MARGINAL_LIMIT",
    "PASS_LIMIT",
    "AdjointReport",
    "ComplexStepReport",
    "GalerkinReport",
    "GaussNewtonReport",
    "Report",
    "TaylorOrder",
    "TaylorReport",
    "Verdict",
    "adjoint_test",
    "complex_step_test",
    "galerkin_stencil_test",
    "galerkin_test",
    "gauss_newton_test",
    "machine_epsilon",
    "scaled_residual",
    "taylor_test",
    "verdict",
    "worst_verdict",
]
