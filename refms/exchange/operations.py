"""What each expectation is, in a line for people who write another implementation."""

from __future__ import annotations

from refms.certify.cases.case import Case

_SENTENCES = {
    "convolution/product": "K(S) Y: (K y)_i = sum_k S_k y_(i+k), periodic, rows channel slowest",
    "convolution/adjoint": "K(S)^T Z",
    "convolution/stencil_gradient": "d<Z, K(S) Y>/dS, in the shape of S",
    "transfer/restriction": "R fine, for the transfer pair in the name",
    "transfer/prolongation": "P coarse, for the transfer pair in the name",
    "stencils/down": "the stencils s_H with K(s_H) = R K(S) P, each channel on its own",
    "stencils/up": "the stencils whose image under 'down' is S",
    "loss/value": "-(1/m) sum over the m columns of sum_j C_j log softmax(Z)_j (C need not sum to one)",
    "loss/gradient": "d value / dZ",
    "loss/hessian_product": "the second derivative of value in Z, times V",
    "depth/prolongation": "parameters of new_layers layers for the same T, a row for each layer as in Theta: "
    "looked up at t_j = j T / new_layers, constant beyond the last old time; linear, or the not-a-knot cubic "
    "spline where the name says so",
    "line_search/slope": "g^T p for f(x) = sum x_i^4 / 4 - b^T x, g = x^3 - b",
    "line_search/step_length": "the first alpha of 1, 1/2, 1/4, ... with f(x + alpha p) <= f(x) + c_1 alpha "
    "g^T p",
    "line_search/point": "x + alpha p",
    "line_search/value": "f(x + alpha p)",
    "space/value": "h^d/2 (alpha sum |grad_h w|^2 + tau sum |w|^2), interior faces only, "
    "(alpha, tau) = weights",
    "space/gradient": "its derivative in omega = (W, mu); mu is not penalised",
    "time/value": "alpha/2 sum dt |(theta_(k+1) - theta_k)/dt|^2 + tau/2 (dt sum |theta_k|^2 + |leading|^2), "
    "dt = final_time / layers, (alpha, tau) = weights; the first 'leading' entries of theta are no layer",
    "time/gradient": "its derivative in theta",
    "conjugate_gradients/iterates": "x_1, x_2, ... of CG on A x = b from x_0 = 0, one a row",
    "conjugate_gradients/residual_norms": "|b|, |b - A x_1|, |b - A x_2|, ...",
    "conjugate_gradients/model_values": "-b^T x_k / 2 for k = 1, 2, ...",
    "network/features": "y_N: y_0 = L x, y_(k+1) = y_k + dt tanh(K(S_k) y_k + b_k), dt = T / layers",
    "network/logits": "h^d W^T y_N + mu",
    "network/loss": "loss/value of the logits and C",
    "network/objective": "loss/value of the logits and C, plus time/value of theta and space/value of omega; "
    "constants = (T, alpha_theta, tau_theta, alpha_W, tau_W)",
    "network/gradient_theta": "d objective / d theta",
    "network/gradient_omega": "d objective / d omega",
    "network/gauss_newton_theta": "Gauss-Newton matrix of the objective in theta, times d_theta",
    "network/hessian_omega": "second derivative of the objective in omega, times d_omega",
    "network/gauss_newton_joint": "Gauss-Newton matrix in (theta, omega), times (d_theta, d_omega)",
    "network/descent/theta": "theta after one Gauss-Newton step of cg_steps[0] CG steps, Armijo c_1 = 1e-4, "
    "halving from 1",
    "network/descent/omega": "omega after newton_steps Newton steps more, of cg_steps[1] CG steps each",
    "network/descent/objectives": "the objective before the first step and after every step",
    "network/descent/step_lengths": "the step length of every step",
}


def operation(case: Case, quantity: str) -> str:
    """Return what a quantity of a case is.

    Examples
    --------
    >>> from refms.certify.cases import CASES
    >>> operation(CASES[0], "adjoint")
    'K(S)^T Z'
    """
    family = case.name.split("/")[0]
    if family == "regularizer":
        family = case.name.split("/")[1].split("_")[0]
    if family == "transfer":
        quantity = quantity.rpartition("/")[2]
    return _SENTENCES[f"{family}/{quantity}"]
