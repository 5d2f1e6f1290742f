"""The mean softmax cross entropy: value, gradient and Hessian product, straight from the definition."""

from __future__ import annotations

from refms.certify.formulas.tensor import Number, Tensor, filled, mapped


def probabilities(Z: Tensor) -> Tensor:
    """Return p_{i,j} = e^{z_ij} / Σ_k e^{z_kj}.

    Parameters
    ----------
    Z : numpy.ndarray
        Logits, shape (ℓ, m); balls, whose exponents have no bounds.

    Returns
    -------
    numpy.ndarray
        Shape (ℓ, m).
    """
    E = mapped(lambda z: z.exp(), Z)
    sums = [sum(E[:, j].tolist()) for j in range(Z.shape[1])]
    return filled(Z.shape, lambda index: E[index] / sums[index[1]])


def cross_entropy(Z: Tensor, C: Tensor) -> Number:
    """Return 1/m Σ_j [ (Σ_i c_ij) log Σ_i e^{z_ij} − Σ_i c_ij z_ij ].

    Parameters
    ----------
    Z, C : numpy.ndarray
        Logits and labels, shape (ℓ, m).

    Returns
    -------
    ball
        The loss.
    """
    classes, examples = Z.shape
    total: Number = 0
    for j in range(examples):
        log_sum = sum(Z[i, j].exp() for i in range(classes)).log()
        total = total + sum(C[i, j] * (log_sum - Z[i, j]) for i in range(classes))
    return total / examples


def gradient(Z: Tensor, C: Tensor) -> Tensor:
    """Return ((Σ_k c_kj) p_ij − c_ij) / m.

    Parameters
    ----------
    Z, C : numpy.ndarray
        Logits and labels, shape (ℓ, m).

    Returns
    -------
    numpy.ndarray
        Shape (ℓ, m).
    """
    p = probabilities(Z)
    return filled(Z.shape, lambda index: (sum(C[:, index[1]].tolist()) * p[index] - C[index]) / Z.shape[1])


def hessian_product(Z: Tensor, C: Tensor, V: Tensor) -> Tensor:
    """Return (Σ_k c_kj) p_ij (v_ij − Σ_k p_kj v_kj) / m.

    Parameters
    ----------
    Z, C, V : numpy.ndarray
        Logits, labels and direction, shape (ℓ, m).

    Returns
    -------
    numpy.ndarray
        Shape (ℓ, m).
    """
    p = probabilities(Z)
    means = [sum((p[:, j] * V[:, j]).tolist()) for j in range(Z.shape[1])]
    weights = [sum(C[:, j].tolist()) for j in range(Z.shape[1])]
    return filled(
        Z.shape,
        lambda index: weights[index[1]] * p[index] * (V[index] - means[index[1]]) / Z.shape[1],
    )
