"""Checks change nothing, print nothing, and repeat themselves."""

import numpy as np
import scipy.sparse
from smooth_problem import matvec, random

from refms import checks


def test_checks_change_nothing_and_say_nothing(locked, capsys):
    A, x, v = (locked(random(k, *shape)) for k, shape in enumerate([(3, 3), (3,), (3,)]))
    state = np.random.get_state()[1].tolist()  # noqa: NPY002 (the global state must stay)
    checks.adjoint_test(matvec(A), matvec(A.T), 3, 3)
    checks.taylor_test(matvec(A), x, v, jvp=locked(A @ v))
    checks.complex_step_test(matvec(A), x, v, jvp=locked(A @ v))
    checks.gauss_newton_test(matvec(A.T @ A), matvec(A), matvec(A.T), lambda z: z, 3, explicit=True)
    one = scipy.sparse.csr_array(np.eye(3))
    checks.galerkin_test(one, one, one, one)
    assert capsys.readouterr() == ("", "")
    assert np.random.get_state()[1].tolist() == state  # noqa: NPY002


def test_checks_repeat_themselves():
    A = random(0, 4, 4)
    first, second, other = (
        checks.adjoint_test(matvec(A), matvec(A.T), 4, 4, seed=seed) for seed in (1, 1, 2)
    )
    assert first == second
    assert first.products != other.products
