"""The adapter: NCHW, mean loss, all seven pairs.

refms conform run unseen.adapter:Unseen        (with validation/conformance on PYTHONPATH)
"""

from refms.conformance import Adapter, Profile
from unseen import convolution, estimation, images, network, optimization, softmax, transfer


class Unseen(Adapter):
    """Gives the functions of this folder the names of the protocol."""

    def __init__(self, dtype="float64"):
        profile = Profile(
            "plain NumPy",
            dtype,
            boundaries=("periodic", "zero"),
            pairs=tuple(transfer.PAIRS),
            layout="NCHW",
            activations=("tanh", "relu", "leaky_relu", "identity", "smoothed_relu"),
        )
        super().__init__(profile)
        self.network = network.Network()

    def convolution(self, S, Y, grid, boundary):
        return convolution.convolve(S, Y, boundary)

    def convolution_adjoint(self, S, Z, grid, boundary):
        return convolution.convolve_transposed(S, Z, boundary)

    def stencil_gradient(self, Z, Y, grid, stencil, boundary):
        return convolution.stencil_gradient(Z, Y, tuple(stencil), boundary)

    def convolution_matrix(self, S, grid, boundary):
        return convolution.matrix(S, grid, boundary)

    def restrict(self, Y, grid, pair):
        return transfer.restrict(Y, pair)

    def prolong(self, Y, grid, pair):
        return transfer.prolong(Y, pair)

    def stencil_down(self, S, pair):
        return transfer.stencil_down(S, pair)

    def stencil_up(self, S, pair):
        return transfer.stencil_up(S, pair)

    def activation(self, Z, name):
        return softmax.activation(Z, name)

    def activation_derivative(self, Z, name):
        return softmax.activation_derivative(Z, name)

    def forward(self, parameters, X, problem):
        return network.forward(parameters, X, problem)

    def logits(self, W, mu, Y, grid):
        return network.logits(W, mu, Y)

    def jacobian_product(self, parameters, direction, X, problem):
        return network.jacobian_product(parameters, direction, X, problem)

    def jacobian_transpose(self, parameters, U, X, problem):
        return network.pullback(parameters, U, X, problem)

    def depth_prolong(self, Theta, layers):
        return network.depth_prolong(Theta, layers)

    def cross_entropy(self, Z, C):
        return softmax.cross_entropy(Z, C)

    def cross_entropy_gradient(self, Z, C):
        return softmax.gradient(Z, C)

    def cross_entropy_hessian(self, Z, C, V):
        return softmax.hessian(Z, C, V)

    def loss(self, parameters, X, C, problem):
        return self.network.loss(parameters, X, C, problem)

    def gradient(self, parameters, X, C, problem):
        return self.network.gradient(parameters, X, C, problem)

    def gauss_newton(self, parameters, direction, X, C, problem):
        return self.network.gauss_newton(parameters, direction, X, C, problem)

    def subsample(self, m, size, seed):
        return network.subsample(m, size, seed)

    def subsampled_gauss_newton(self, parameters, direction, X, C, problem, size, seed):
        chosen = network.subsample(len(X), size, seed)
        return self.network.gauss_newton(parameters, direction, X[chosen], C[:, chosen], problem)

    def weight_smoothness(self, W, grid):
        return network.weight_smoothness(W, grid)

    def weight_smoothness_gradient(self, W, grid):
        return network.weight_smoothness_gradient(W, grid)

    def time_smoothness(self, Theta, final_time):
        return network.time_smoothness(Theta, final_time)

    def time_smoothness_gradient(self, Theta, final_time):
        return network.time_smoothness_gradient(Theta, final_time)

    def conjugate_gradients(self, product, b, iterations):
        return optimization.conjugate_gradients(product, b, iterations)

    def line_search(self, value, x, f, slope, p, decrease):
        return optimization.line_search(value, x, f, slope, p, decrease)

    def newton_step(self, objective, x, iterations):
        return optimization.newton_step(objective, x, iterations)

    def block_step(self, parameters, X, C, problem, block):
        return optimization.block_step(self.network, parameters, X, C, problem, block)

    def resize(self, Y, grid, to, kernel, antialias, border):
        return transfer.resize(Y, to, kernel, antialias, border)

    def blur(self, Y, grid, sigma):
        return transfer.blur(Y, sigma)

    def normalize(self, Y, grid, groups, epsilon, gamma, beta):
        return images.normalize(Y, groups, epsilon, gamma, beta)

    def normalize_product(self, Y, V, grid, groups, epsilon):
        return images.normalize_product(Y, V, groups, epsilon)

    def ssim(self, X, Y, grid):
        return images.ssim(X, Y)

    def ssim_gradient(self, X, Y, grid):
        return images.ssim_gradient(X, Y)

    def ssim_hessian(self, X, Y, V, grid):
        return images.ssim_hessian(X, Y, V)

    def ssim_gauss_newton(self, X, Y, V, grid):
        return images.ssim_gauss_newton(X, Y, V)

    def mesh_free(self, xi, Y, grid):
        return images.mesh_free(xi, Y)

    def mesh_free_gradient(self, xi, Y, Z, grid):
        return images.mesh_free_gradient(xi, Y, Z)

    def coarsen_images(self, Y, grid, pair, level):
        return transfer.coarsen(Y, pair, level)

    def crop_images(self, Y, grid, windows, level):
        return transfer.crop(Y, windows, level)

    def draw_windows(self, grid, levels, examples, seed):
        return transfer.draw_windows(grid, levels, examples, seed)

    def gradient_difference(self, S, Y, Z, times, grid, pair, level):
        return estimation.gradient_difference(S, Y, Z, times, pair, level)

    def mge(self, S, Y, Z, times, grid, pair, batches, coefficients):
        return estimation.mge(S, Y, Z, times, pair, batches, coefficients)

    def work_units(self, batches, finest, dimension):
        return estimation.work_units(batches, finest, dimension)

    def adam_step(self, theta, g, m, v, rate, count):
        return optimization.adam_step(theta, g, m, v, rate, count)

    def learning_rate(self, k, total, rate, floor):
        return optimization.learning_rate(k, total, rate, floor)

    def full_multiscale(self, S, gradients, iterations, pair, rule, rate, floor):
        return estimation.full_multiscale(S, gradients, iterations, pair, rule, rate, floor)
