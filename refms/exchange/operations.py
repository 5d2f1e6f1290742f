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
    "resize": "A Y on the grid 'to', A = A_1 x ... x A_d for every channel, (A_1)_(I,j) = k((x_I - j)/a) / "
    "sum_i k((x_I - i)/a), x_I = (I + 1/2) n/n' - 1/2, cells beyond the grid by 'border' (clamp: the nearest "
    "cell; periodic); a = 1, or max(1, n/n') where the name says antialias; k = box: 1 on (-1/2, 1/2], "
    "linear: max(0, 1 - |x|), cubic: Keys with -1/2; nearest: cell floor(I n/n')",
    "silu/value": "z s(z), s(z) = 1 / (1 + exp(-z)), entry by entry",
    "silu/slope": "its first derivative",
    "silu/curvature": "its second derivative",
    "normalization/output": "gamma_c x + beta_c, x = rho (y - mean y), rho = 1 / sqrt(mean (y - mean y)^2 + "
    "epsilon), means over the channels / groups of a group and all cells, for each example",
    "normalization/product": "J V, J the derivative of x in Y",
    "normalization/second": "the derivative of J^T G in Y along V",
    "mesh_free/product": "C(xi) Y, every channel by itself: multiply the Fourier coefficient of wave number "
    "(ky, kx), kx of the last axis, by m = (g0 + i (gx kx' + gy ky')) exp(-tau (l1 (c^2 kx^2 + s^2 ky^2 - "
    "2 s c kx' ky') + l2 (s^2 kx^2 + c^2 ky^2 + 2 s c kx' ky'))); a row of xi is (a1, a2, angle, g0, gx, gy, "
    "log tau), c = cos(angle), s = sin(angle), l_i = max(a_i, 0) + 1/1000; k' is k, but 0 for k = -n/2",
    "mesh_free/adjoint": "C(xi)^T Z",
    "mesh_free/gradient": "d<Z, C(xi) Y>/dxi, in the shape of xi",
    "mesh_free/tangent": "the derivative of C(xi) Y along (d_xi, d_Y)",
    "mesh_free/second_xi": "the derivative of 'gradient' along (d_xi, d_Y)",
    "mesh_free/second_Y": "the derivative of 'adjoint' along d_xi",
    "similarity/value": "1 - mean of S = a b / (c d) over examples, channels and cells; x = (Z + 1)/2, "
    "y = (C + 1)/2, mu = W x, nu = W y, a = 2 mu nu + 1e-4, b = 2 (W(xy) - mu nu) + 9e-4, c = mu^2 + nu^2 + "
    "1e-4, d = W(x^2) - mu^2 + W(y^2) - nu^2 + 9e-4; W weighs 11 cells along each axis by exp(-2 k^2 / 9), "
    "their sum 1, with zeros beyond the grid",
    "similarity/gradient": "d value / dZ",
    "similarity/hessian_product": "the second derivative of value in Z, times V",
    "similarity/gauss_newton_product": "(1/4) (2 / (c n m)) (W(W V / c) + V W(1/d) - W(W V / d)), by channel "
    "and example",
    "mge/gradient": "sum over l of p_l (g_l - beta_l g_(l+1)), the last term p_l g_l, p_0 = 1, p_(l+1) = "
    "p_l beta_l, term l on its own batches[l] examples, the first ones for l = 0; g_l = d/dS of the mean "
    "over examples, channels and cells of |K(S) Q_l X - Q_l Y|^2, K periodic, X = t Y + (1 - t) Z, Q_l: "
    "means of 2^d cells l times, or full weighting (1, 2, 1)/4 around the even cells where the name says so",
    "mge_network/in": "as 'mge/gradient', of K(S_out) silu(u(K(S_in) Q_l X)) in the place of K(S) Q_l X, "
    "d/dS_in; u(y) = (y - mean y) / sqrt(mean (y - mean y)^2 + epsilon) over channels and cells; Q_l: means "
    "of 2^d cells l times; where the name says galerkin, both stencils on level l are those of "
    "'stencils/down' l times, by means of 2^d cells and piecewise constants",
    "mge_network/out": "likewise, d/dS_out",
    "adam/theta": "theta - rate (m' / (1 - beta1^count)) / (sqrt(v' / (1 - beta2^count)) + epsilon), entry "
    "by entry, constants = (rate, beta1, beta2, epsilon)",
    "adam/m": "m' = beta1 m + (1 - beta1) g",
    "adam/v": "v' = beta2 v + (1 - beta2) g^2",
    "full_multiscale/stencils": "S after adam steps k = 0, 1, ... with gradients[k], m = v = 0 before, "
    "count = k + 1, at the rate floor + (rate - floor) (1 + cos(pi k / K)) / 2, K the sum of 'iterations'; "
    "constants = (rate, beta1, beta2, epsilon, floor); after each stage but the last, of 'iterations' steps, "
    "S becomes its 'stencils/up' by means of 2^d cells and piecewise constants, or is kept where the name "
    "says so",
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
    if family == "resize":
        return _SENTENCES[family]
    return _SENTENCES[f"{family}/{quantity}"]
