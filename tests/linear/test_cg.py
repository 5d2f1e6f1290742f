import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optimize.problems import locked, normal, rho, spd

from refms.errors import InputError
from refms.optimize import Status, conjugate_gradients

modest = settings(max_examples=25)


def iterates(A, b, count, **options):
    """x_0, …, x_count, each from a run of its own."""
    runs = [
        conjugate_gradients(lambda v: A @ v, b, tolerance=0.0, max_iterations=k, **options)
        for k in range(1, count + 1)
    ]
    return [np.zeros_like(b), *(run.x for run in runs)], runs[-1]


@modest
@given(seed=st.integers(0, 10**6), n=st.integers(2, 9))
def test_error_and_model_fall_and_the_norm_grows(seed, n):
    A, b = spd(seed, n, 50.0), normal(seed + 1, n)
    xs, run = iterates(A, b, n)
    solution = np.linalg.solve(A, b)
    errors = np.array([(x - solution) @ A @ (x - solution) for x in xs]) / (solution @ A @ solution)
    far = errors > 1e-20
    assert np.all(np.diff(errors)[far[:-1]] < 0)
    assert np.all(np.diff(run.model_values)[far[:-1]] < 1e-14 * abs(run.model_values[-1]))
    norms = np.array([np.linalg.norm(x) for x in xs])
    assert np.all(np.diff(norms)[far[:-1]] > -1e-13 * norms[-1])


@modest
@given(seed=st.integers(0, 10**6), n=st.integers(1, 9), dtype=st.sampled_from(["float32", "float64"]))
def test_recorded_residuals_and_model_values_are_those_of_the_iterates(seed, n, dtype):
    A, b = spd(seed, n, 20.0, dtype), normal(seed + 1, n, dtype)
    xs, run = iterates(A, b, max(1, n - 1))
    assert len(run.residual_norms) == len(run.model_values) == run.iterations + 1
    size = 20.0 * np.linalg.norm(np.linalg.solve(A, b))
    for x, residual, model in zip(xs, run.residual_norms, run.model_values, strict=False):
        assert x.dtype == dtype
        assert rho(np.asarray(np.linalg.norm(b - A @ x), dtype=dtype), residual, size) < 30
        q = 0.5 * x @ A @ x - b @ x
        assert rho(np.asarray(q, dtype=dtype), model, size * np.linalg.norm(b)) < 30
        assert rho(np.asarray(model, dtype=dtype), -0.5 * b @ x, size * np.linalg.norm(b)) < 30


@modest
@given(seed=st.integers(0, 10**6), distinct=st.integers(1, 4), kernel=st.integers(0, 3))
def test_as_many_steps_as_distinct_nonzero_eigenvalues(seed, distinct, kernel):
    rng = np.random.default_rng(seed)
    eigenvalues = np.concatenate([np.repeat(np.arange(1.0, distinct + 1), 2), np.zeros(kernel)])
    Q = np.linalg.qr(rng.standard_normal((eigenvalues.size, eigenvalues.size)))[0]
    A = Q * eigenvalues @ Q.T
    b = A @ rng.standard_normal(eigenvalues.size)
    run = conjugate_gradients(lambda v: A @ v, b, tolerance=1e-11, max_iterations=50)
    assert run.outcome.status is Status.CONVERGED
    assert run.iterations == distinct
    assert rho(run.x, np.linalg.pinv(A, rcond=1e-10) @ b, distinct * np.linalg.norm(run.x)) < 300


@modest
@given(seed=st.integers(0, 10**6), n=st.integers(2, 8))
def test_residuals_are_orthogonal(seed, n):
    A, b = spd(seed, n, 10.0), normal(seed + 1, n)
    xs, _ = iterates(A, b, n - 1)
    R = np.array([b - A @ x for x in xs])
    R /= np.linalg.norm(R, axis=1)[:, None]
    assert np.abs(R @ R.T - np.eye(n)).max() < 1e-8


def test_the_residual_norm_may_rise_while_the_model_falls():
    A = np.diag([1.0, 1000.0])
    run = conjugate_gradients(lambda v: A @ v, np.array([10.0, 2.0]), tolerance=0.0, max_iterations=1)
    assert run.residual_norms[1] > run.residual_norms[0]
    assert run.model_values[1] < run.model_values[0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_preconditioned_run_is_the_plain_run_on_the_scaled_system(dtype):
    A, b = spd(5, 7, 30.0, dtype), normal(6, 7, dtype)
    d = np.sqrt(np.linspace(1.0, 3.0, 7)).astype(dtype)
    scaled, _ = iterates(A / np.outer(d, d), b / d, 4)
    xs, _ = iterates(A, b, 4, preconditioner=lambda r: r / d**2)
    for x, y in zip(xs, scaled, strict=True):
        assert x.dtype == dtype
        assert rho(x, y / d, 30.0 * np.linalg.norm(scaled[-1])) < 30


def test_perfect_preconditioner_needs_one_step():
    A, b = spd(7, 8, 1e4), normal(8, 8)
    inverse = np.linalg.inv(A)
    run = conjugate_gradients(lambda v: A @ v, b, tolerance=1e-9, preconditioner=lambda r: inverse @ r)
    assert run.iterations == 1


def test_a_start_is_used_and_left_alone():
    A, b, x0 = spd(9, 6, 40.0), normal(10, 6), normal(11, 6)
    solution = np.linalg.solve(A, b)
    run = conjugate_gradients(lambda v: A @ v, b, x0=x0, tolerance=1e-13, max_iterations=20)
    assert rho(run.x, solution, 40.0 * np.linalg.norm(solution)) < 300
    assert run.model_values[0] == pytest.approx(0.5 * x0 @ A @ x0 - b @ x0, rel=1e-13)
    assert run.residual_norms[0] == pytest.approx(np.linalg.norm(b - A @ x0), rel=1e-13)
    again = conjugate_gradients(lambda v: A @ v, b, x0=locked(run.x), tolerance=1e-10)
    assert again.iterations == 0
    assert again.outcome.success


def test_tolerance_is_relative_to_b_and_no_iteration_is_wasted():
    A, b = spd(12, 30, 1e3), normal(13, 30)
    run = conjugate_gradients(lambda v: A @ v, b, tolerance=1e-2, max_iterations=100)
    assert run.residual_norms[-1] <= 1e-2 * np.linalg.norm(b) < run.residual_norms[-2]
    scaled = conjugate_gradients(lambda v: A @ v, 2.0**-40 * b, tolerance=1e-2, max_iterations=100)
    assert scaled.iterations == run.iterations
    assert np.array_equal(scaled.x, 2.0**-40 * run.x)


def test_zero_right_hand_side_gives_zero_at_no_cost():
    run = conjugate_gradients(None, np.zeros(3), x0=np.ones(3))
    assert run.outcome.success
    assert not run.x.any()
    assert (run.iterations, run.residual_norms, run.model_values) == (0, (0.0,), (0.0,))


def test_a_residual_that_just_meets_the_tolerance_is_enough():
    run = conjugate_gradients(None, np.array([3.0, 4.0]), tolerance=1.0)  # ‖b − A 0‖ = 1 · ‖b‖
    assert (run.outcome.status, run.iterations) == (Status.CONVERGED, 0)


def test_iteration_limit():
    A, b = spd(14, 20, 1e4), normal(15, 20)
    run = conjugate_gradients(lambda v: A @ v, b, tolerance=1e-12, max_iterations=3)
    assert run.outcome.status is Status.ITERATION_LIMIT
    assert run.iterations == 3
    assert "max_iterations" in run.outcome.message


@pytest.mark.parametrize(("top", "status"), [(-1.0, Status.NEGATIVE_CURVATURE), (0.0, Status.SINGULAR)])
def test_curvature_that_is_not_positive_at_once_gives_steepest_descent(top, status):
    b = normal(16, 4)
    run = conjugate_gradients(lambda v: top * v, b)
    assert run.outcome.status is status
    assert np.array_equal(run.x, b)
    assert run.model_values[-1] == pytest.approx((0.5 * top - 1) * b @ b, rel=1e-14)
    d = np.arange(1.0, 5.0)
    run = conjugate_gradients(lambda v: top * v, b, preconditioner=lambda r: r / d)
    assert np.array_equal(run.x, b / d)


def test_negative_curvature_later_keeps_the_iterate():
    A, b = np.diag([4.0, -0.1, 1.0]), np.array([1.0, 0.05, 1.0])
    first = conjugate_gradients(lambda v: A @ v, b, tolerance=0.0, max_iterations=1)
    run = conjugate_gradients(lambda v: A @ v, b, tolerance=0.0, max_iterations=10)
    assert run.outcome.status is Status.NEGATIVE_CURVATURE
    assert run.iterations >= 1
    assert b @ run.x > 0
    assert run.model_values[-1] <= first.model_values[-1] < 0
    assert len(set(run.model_values)) == run.iterations + 1


def test_negative_curvature_at_a_given_start_keeps_the_start():
    x0 = normal(17, 3)
    run = conjugate_gradients(lambda v: -v, normal(18, 3), x0=x0)
    assert run.outcome.status is Status.NEGATIVE_CURVATURE
    assert np.array_equal(run.x, x0)


def test_indefinite_preconditioner_is_told_from_an_indefinite_matrix():
    run = conjugate_gradients(lambda v: v, normal(19, 3), preconditioner=lambda r: -r)
    assert run.outcome.status is Status.INDEFINITE_PRECONDITIONER
    assert not run.x.any()
    turned = conjugate_gradients(
        lambda v: v, np.array([1.0, 2.0]), preconditioner=lambda r: r[::-1] * [1, -1]
    )
    assert turned.outcome.status is Status.INDEFINITE_PRECONDITIONER  # rᵀz = 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("entry", [0, 4])
@pytest.mark.parametrize("call", [1, 2, 3])
@pytest.mark.parametrize("where", ["product", "preconditioner"])
def test_non_finite_values_leave_the_last_finite_iterate(bad, entry, call, where):
    A, b = spd(20, 5, 100.0), normal(21, 5)
    calls = {"product": 0, "preconditioner": 0}

    def spoilt(name, v):
        calls[name] += 1
        v = np.array(v)
        if name == where and calls[name] == call:
            v[entry] = bad
        return v

    run = conjugate_gradients(
        lambda v: spoilt("product", A @ v),
        b,
        tolerance=0.0,
        preconditioner=lambda r: spoilt("preconditioner", r),
    )
    expected = iterates(A, b, 3)[0][call - 1]
    assert run.outcome.status is Status.NON_FINITE
    assert run.iterations == call - 1
    assert np.array_equal(run.x, expected)
    assert np.isfinite(run.residual_norms).all()
    assert np.isfinite(run.model_values).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_non_finite_right_hand_side(bad):
    run = conjugate_gradients(lambda v: v, np.array([1.0, bad]))
    assert run.outcome.status is Status.NON_FINITE
    assert not run.x.any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_update_that_overflows_is_not_kept(dtype):
    tiny = np.dtype(dtype).type(np.finfo(dtype).tiny)
    run = conjugate_gradients(lambda v: tiny * v, np.full(2, 1e10, dtype=dtype))
    assert run.outcome.status is Status.NON_FINITE
    assert np.isfinite(run.x).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"b": np.ones((2, 2))}, "flat vector"),
        ({"b": np.ones(2, dtype=int)}, "float32"),
        ({"b": np.ones(2, dtype=complex)}, "float32"),
        ({"x0": np.ones(3)}, "x0"),
        ({"x0": np.array([1.0, np.nan])}, "NaN"),
        ({"x0": np.ones(2, dtype="float32")}, "x0"),
        ({"tolerance": -1.0}, "tolerance"),
        ({"tolerance": np.nan}, "tolerance"),
        ({"tolerance": np.inf}, "tolerance"),
        ({"tolerance": "a"}, "tolerance is 'a'; expected 0 or more"),
        ({"max_iterations": 0}, "max_iterations"),
        ({"product": lambda v: v.astype("float32")}, "product returned"),
        ({"product": lambda v: v[:1]}, "product returned"),
        ({"product": lambda v: v[:1], "x0": np.ones(2)}, "product returned"),
        ({"preconditioner": lambda v: v.astype("float32")}, "preconditioner returned"),
    ],
)
def test_wrong_arguments_are_refused(change, words):
    arguments = {"product": lambda v: v, "b": np.ones(2)} | change
    with pytest.raises(InputError, match=words):
        conjugate_gradients(arguments.pop("product"), arguments.pop("b"), **arguments)


# On a GPU


def counted(A):
    calls = []

    def product(v):
        calls.append(v)
        return A @ v

    return product, calls


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("max_iterations", [1, 4, 5, 6, 12])
def test_a_device_makes_the_iterations_of_the_host_bit_for_bit(fake_gpu, dtype, max_iterations):
    A, b = spd(3, 12, 1e3, dtype=dtype), normal(4, 12, dtype=dtype)
    here = conjugate_gradients(lambda v: A @ v, b, tolerance=1e-6, max_iterations=max_iterations)
    on_device = fake_gpu.array(A)
    there = conjugate_gradients(
        lambda v: on_device @ v, fake_gpu.array(b), tolerance=1e-6, max_iterations=max_iterations
    )
    assert fake_gpu.host(there.x).tobytes() == here.x.tobytes()
    assert there.residual_norms == here.residual_norms
    assert there.model_values == here.model_values
    assert there.outcome == here.outcome


def test_the_host_waits_for_a_device_once_in_five_iterations(fake_gpu, ledger):
    A, b = fake_gpu.array(spd(3, 40, 1e4)), fake_gpu.array(normal(4, 40))
    product, calls = counted(A)

    def waits(iterations):
        before = ledger.synchronisations
        run = conjugate_gradients(product, b, tolerance=0.0, max_iterations=iterations)
        assert run.iterations == iterations
        return ledger.synchronisations - before

    at_the_start = waits(5) - 1
    assert [waits(n) - at_the_start for n in (1, 5, 6, 10, 20)] == [1, 1, 2, 2, 4]
    assert len(calls) == 5 + 1 + 5 + 6 + 10 + 20


def test_what_a_device_computed_beyond_the_end_is_forgotten(fake_gpu):
    A = fake_gpu.array(np.diag([1.0, 2.0, 3.0, -1.0]))
    for b in (np.array([1.0, 1.0, 0.0, 0.0]), np.array([1.0, 1.0, 1.0, 0.5]), np.eye(4)[3], np.zeros(4)):
        here = conjugate_gradients(lambda v: A._host @ v, b, tolerance=1e-10)
        there = conjugate_gradients(lambda v: A @ v, fake_gpu.array(b), tolerance=1e-10)
        assert there.outcome == here.outcome
        assert fake_gpu.host(there.x).tobytes() == here.x.tobytes()
        assert there.residual_norms == here.residual_norms


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_device_stops_where_the_residual_just_meets_the_tolerance(fake_gpu, dtype):
    b = fake_gpu.array(np.array([3.0, 4.0], dtype=dtype))
    run = conjugate_gradients(lambda v: v.copy(), b, tolerance=0.0)
    assert run.outcome.status is Status.CONVERGED
    assert run.residual_norms == (5.0, 0.0)


@pytest.mark.parametrize("where", ["host", "device"])
def test_a_steepest_descent_step_that_overflows_is_not_kept(fake_gpu, where):
    b = np.full(3, 1e10) if where == "host" else fake_gpu.array(np.full(3, 1e10))
    run = conjugate_gradients(lambda v: -1e300 * v, b)
    assert run.outcome.status is Status.NON_FINITE
    assert run.iterations == 0
    assert not bool(run.x.any())


@pytest.mark.parametrize("distinct", [1, 2, 3])
def test_on_the_host_no_product_is_made_beyond_the_end(distinct):
    A = np.diag(np.arange(6.0) % distinct + 1)
    product, calls = counted(A)
    run = conjugate_gradients(product, normal(1, 6), tolerance=1e-10)
    assert run.iterations == len(calls) == distinct
