"""Configuration of a training run: frozen sections, read from TOML, unknown keys refused."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from refms.data.idx_dataset import require_dataset
from refms.data.preprocessing import Preprocessing
from refms.errors import FileError, InputError, require_choice
from refms.files import regular_file_size
from refms.grid import Grid
from refms.names import (
    CLASSIFIER_PRECONDITIONERS,
    DTYPES,
    LOSSES,
    PROPAGATION_PRECONDITIONERS,
    TRANSFER_GOALS,
    TRANSFER_PENALTIES,
)
from refms.network.architectures.residual import Residual
from refms.operators.transfer import TRANSFER_PAIRS

LONGEST_FILE = 2**20
"""Bytes that a configuration file may have."""


@dataclass(frozen=True)
class DataSection:
    """Which images, how many, on which mesh, and what is done to them.

    Parameters
    ----------
    dataset : str
        ``"digits"`` (embedded, 8×8), ``"mnist"`` (28×28, from a folder), or ``"idx:FOLDER"`` for any data
        set in IDX files, see :func:`~refms.data.idx_dataset.load_idx`.
    train, validation : int
        Number of examples of the two disjoint sets; 0 takes five sixths and the rest.
    split_seed : int
        Seed of the permutation that splits.
    size : int
        Cells along each axis of the network's mesh; 0 takes the images' own, which need not be square.
    scale, shift, smoothing, pair
        See :class:`~refms.data.preprocessing.Preprocessing`.
    interpolate : bool
        Whether ``size`` may be larger than the images, which are then prolonged by the P of the pair.
    """

    dataset: str = "digits"
    train: int = 0
    validation: int = 0
    split_seed: int = 0
    size: int = 0
    scale: float = 1.0
    shift: float = 0.0
    smoothing: float = 0.0
    pair: str = "averaging-bilinear"
    interpolate: bool = False

    def __post_init__(self) -> None:
        require_dataset(self.dataset)
        _require_at_least(0, train=self.train, validation=self.validation, size=self.size)
        _require_at_least(0, split_seed=self.split_seed)
        _ = self.preprocessing

    @property
    def preprocessing(self) -> Preprocessing:
        """The steps from images to columns, but for the number of levels, which follows from the mesh."""
        return Preprocessing(self.scale, self.shift, self.smoothing, self.pair)

    def grid(self, native: Grid) -> Grid:
        """Return the network's mesh for images on the given one.

        Parameters
        ----------
        native : Grid
            Grid of the images.

        Returns
        -------
        Grid
            ``size`` cells along every axis, or the native grid if ``size`` is 0.

        Raises
        ------
        InputError
            If the images cannot be halved to that size, or it is larger and they may not be interpolated.
        """
        grid = native if self.size == 0 else Grid((self.size,) * native.dimension)
        try:
            levels = grid.levels_to(native)
        except InputError as error:
            raise InputError(f"[data] size is {self.size}: {error}") from error
        if levels < 0 and not self.interpolate:
            raise InputError(
                f"[data] size is {self.size}, larger than the images {native.shape}; expected at most that, "
                "or interpolate = true."
            )
        return grid


@dataclass(frozen=True)
class NetworkSection:
    """Shape of the network and its random start.

    Parameters
    ----------
    channels, layers : int
        Channels c and number of layers N.
    final_time : float
        T.
    stencil, opening_stencil : int
        Odd extents of the layers' and the opening's stencils.
    opening : str
        ``"fixed"`` or ``"learned"``.
    activation : str
        σ.
    integrator : str
        ``"forward-euler"`` as in [LAS], ``"midpoint"``, ``"rk4"`` or ``"verlet"``.
    layer : str
        ``"convolution"`` as in [LAS], or ``"antisymmetric"``.
    layer_damping : float
        γ ≥ 0 of the antisymmetric layer.
    seed : int
        Seed of the initial parameters.
    stencil_scale, opening_scale : float
        Size of the initial stencils and of the opening.
    """

    channels: int = 8
    layers: int = 2
    final_time: float = 2.0
    stencil: int = 3
    opening: str = "fixed"
    opening_stencil: int = 1
    activation: str = "tanh"
    integrator: str = "forward-euler"
    layer: str = "convolution"
    layer_damping: float = 0.0
    seed: int = 0
    stencil_scale: float = 0.5
    opening_scale: float = 1.0

    def __post_init__(self) -> None:
        _require_at_least(0, seed=self.seed)
        _require_at_least(
            1,
            channels=self.channels,
            layers=self.layers,
            stencil=self.stencil,
            opening_stencil=self.opening_stencil,
        )
        for name in ("stencil", "opening_stencil"):
            if getattr(self, name) % 2 == 0:
                raise InputError(f"{name} is {getattr(self, name)}; expected an odd number, such as 3.")
        for name in ("stencil_scale", "opening_scale"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise InputError(f"{name} is {getattr(self, name)}; expected a finite number >= 0.")
        self.network(Grid((16, 16)))

    def network(self, grid: Grid) -> Residual:
        """Return the network on a grid.

        Parameters
        ----------
        grid : Grid
            The mesh.

        Returns
        -------
        Residual
            The configuration on it.
        """
        return Residual(
            grid,
            self.channels,
            layers=self.layers,
            final_time=self.final_time,
            stencil_shape=(self.stencil,) * grid.dimension,
            opening=self.opening,
            opening_shape=(self.opening_stencil,) * grid.dimension,
            activation=self.activation,
            integrator=self.integrator,
            layer=self.layer,
            layer_damping=self.layer_damping,
        )


@dataclass(frozen=True)
class ClassifierSection:
    """The classifier of eq. (5).

    Parameters
    ----------
    loss : str
        ``"softmax"``, ``"least-squares"``, ``"logistic"`` (each class against the rest) or
        ``"smooth-hinge"`` (support vector machine).
    pooling : int
        Cells along each axis of the blocks over which y_N is averaged before the classifier; 1 for no
        pooling, 0 for the mean over the whole mesh.
    """

    loss: str = "softmax"
    pooling: int = 1

    def __post_init__(self) -> None:
        require_choice(self.loss, LOSSES, "loss")
        _require_at_least(0, pooling=self.pooling)


@dataclass(frozen=True)
class RegularizationSection:
    """Weights of the regularisers, independent of mesh and depth.

    Parameters
    ----------
    W_smoothness, W_tikhonov : float
        α_W and τ_W of the classification weights.
    theta_smoothness, theta_tikhonov : float
        α_θ and τ_θ of the propagation parameters.
    theta_transfer : float
        β of the penalty on stencils that would not cross to another mesh, see
        :func:`~refms.objective.transfer_penalty.transfer_regularizer`.
    transfer_pair, transfer_penalty, transfer_to : str
        The pair that shall move the stencils, the kind of the penalty, and ``"finer"`` or ``"coarser"``.
    """

    W_smoothness: float = 1e-6
    W_tikhonov: float = 1e-4
    theta_smoothness: float = 1e-3
    theta_tikhonov: float = 1e-4
    theta_transfer: float = 0.0
    transfer_pair: str = "averaging-bilinear"
    transfer_penalty: str = "consistency"
    transfer_to: str = "finer"

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if not isinstance(value, str) and not 0.0 <= value < float("inf"):
                raise InputError(f"{item.name} is {value}; expected a finite number >= 0.")
        require_choice(self.transfer_pair, [pair.name for pair in TRANSFER_PAIRS], "transfer_pair")
        require_choice(self.transfer_penalty, TRANSFER_PENALTIES, "transfer_penalty")
        require_choice(self.transfer_to, TRANSFER_GOALS, "transfer_to")


@dataclass(frozen=True)
class OptimizationSection:
    """Block-coordinate descent of [LAS] Sec. 4.

    Parameters
    ----------
    iterations : int
        BCD iterations.
    hessian_fraction : float
        Share of the examples in the Gauss–Newton matrix.
    hessian_seed : int
        Seed of its draws.
    propagation_cg_iterations, classifier_cg_iterations : int
        Largest number of CG iterations in a step.
    cg_tolerance : float
        Relative residual at which CG stops.
    classifier_steps : int
        Inexact Newton steps on the classifier per iteration.
    propagation_preconditioner : str
        For conjugate gradients on the propagation: ``"none"``; ``"time"``, the inverse of its regulariser; or
        ``"diagonal"``, the diagonal of the Gauss–Newton matrix, estimated from eight products.
    classifier_preconditioner : str
        For conjugate gradients on the classifier: ``"smoothness"``, the inverse of its regulariser;
        ``"diagonal"``, the diagonal of its Hessian; ``"block"``, the Kronecker product of mean features and
        mean curvature, dense; or ``"none"``.
    damping : float
        Initial Levenberg–Marquardt damping of the Gauss–Newton step, adapted by the gain ratio; 0 for none.
    dtype : str
        ``"float64"`` or ``"float32"``.
    memory : int
        Budget for activations in bytes.
    """

    iterations: int = 10
    hessian_fraction: float = 0.1
    hessian_seed: int = 0
    propagation_cg_iterations: int = 20
    classifier_cg_iterations: int = 20
    cg_tolerance: float = 1e-2
    classifier_steps: int = 5
    propagation_preconditioner: str = "none"
    classifier_preconditioner: str = "smoothness"
    damping: float = 0.0
    dtype: str = "float32"
    memory: int = 2 * 1024**3

    def __post_init__(self) -> None:
        require_choice(self.dtype, DTYPES, "dtype")
        require_choice(
            self.propagation_preconditioner, PROPAGATION_PRECONDITIONERS, "propagation_preconditioner"
        )
        require_choice(
            self.classifier_preconditioner, CLASSIFIER_PRECONDITIONERS, "classifier_preconditioner"
        )
        _require_at_least(
            1,
            iterations=self.iterations,
            propagation_cg_iterations=self.propagation_cg_iterations,
            classifier_cg_iterations=self.classifier_cg_iterations,
            classifier_steps=self.classifier_steps,
            memory=self.memory,
        )
        _require_at_least(0, hessian_seed=self.hessian_seed)
        if not 0 < self.hessian_fraction <= 1:
            raise InputError(f"hessian_fraction is {self.hessian_fraction}; expected a number in (0, 1].")
        if not 0 <= self.cg_tolerance < 1:
            raise InputError(f"cg_tolerance is {self.cg_tolerance}; expected 0 or more and below 1.")
        if self.damping != 0 and not 1e-12 <= self.damping <= 1e12:
            raise InputError(f"damping is {self.damping}; expected 0 for none, or 1e-12 to 1e12.")


@dataclass(frozen=True)
class Configuration:
    """A training run.

    Parameters
    ----------
    data, network, classifier, regularization, optimization
        The five sections.

    Examples
    --------
    >>> Configuration.from_dict({"network": {"channels": 4}}).network.channels
    4
    """

    data: DataSection = field(default_factory=DataSection)
    network: NetworkSection = field(default_factory=NetworkSection)
    classifier: ClassifierSection = field(default_factory=ClassifierSection)
    regularization: RegularizationSection = field(default_factory=RegularizationSection)
    optimization: OptimizationSection = field(default_factory=OptimizationSection)

    @staticmethod
    def from_dict(given: Mapping[str, Any]) -> Configuration:
        """Return the configuration that nested mappings describe; what is not given keeps its default.

        Parameters
        ----------
        given : mapping
            Section name to mapping of key to value.

        Returns
        -------
        Configuration
            Checked.

        Raises
        ------
        InputError
            If a section or key is unknown (the nearest match is offered), or a value has the wrong type or
            range.
        """
        if not isinstance(given, Mapping):
            raise InputError(f"the configuration is {given!r}; expected sections of keys and values.")
        sections = {item.name: item.default_factory for item in fields(Configuration)}
        built = {}
        for name, values in given.items():
            require_choice(name, sections, "configuration section")
            if not isinstance(values, Mapping):
                raise InputError(f"section [{name}] is {values!r}; expected keys and values.")
            built[name] = section_of(sections[name], name, values)
        return Configuration(**built)

    @staticmethod
    def from_toml(path: str | Path) -> Configuration:
        """Return the configuration of a TOML file.

        Parameters
        ----------
        path : str or Path
            The file.

        Returns
        -------
        Configuration
            Checked.

        Raises
        ------
        FileError
            If the file cannot be read, is longer than :data:`LONGEST_FILE`, or is no TOML.
        InputError
            As for :meth:`from_dict`.
        """
        given = read_toml(path)
        try:
            return Configuration.from_dict(given)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Return the sections as nested dictionaries, the inverse of :meth:`from_dict`."""
        return dataclasses.asdict(self)


def read_toml(path: str | Path) -> dict[str, Any]:
    """Return what a TOML file says.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    dict
        Nested; nothing is checked yet.

    Raises
    ------
    FileError
        If the file cannot be read, is longer than :data:`LONGEST_FILE`, or is no TOML.
    """
    size = regular_file_size(path)
    if size > LONGEST_FILE:
        raise FileError(f"{str(path)!r} has {size} bytes; a configuration has at most {LONGEST_FILE}.")
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise FileError(f"cannot read the configuration {str(path)!r}: {error.strerror}.") from error
    except RecursionError as error:
        raise FileError(f"{str(path)!r} is nested too deeply; expected sections of plain keys.") from error
    except ValueError as error:  # of the TOML, of its encoding, or of a number with thousands of digits
        raise FileError(f"{str(path)!r} is not valid TOML: {error}.") from error


def section_of(kind: Any, name: str, values: Mapping[str, Any]) -> Any:
    """Return a section: a frozen dataclass whose defaults say the types of its keys.

    Parameters
    ----------
    kind : type
        The dataclass; a field with a tuple as its default takes a list, one with a mapping a table.
    name : str
        What the section is called.
    values : mapping
        What is given; the rest keeps its default.

    Returns
    -------
    object
        Of that kind.

    Raises
    ------
    InputError
        If a key is unknown, or a value has the wrong type or range.
    """
    types = {item.name: type(_default(item)) for item in fields(kind)}
    checked = {}
    for key, value in values.items():
        require_choice(key, types, f"key in section [{name}]")
        wanted = types[key]
        if wanted is float and isinstance(value, int) and not isinstance(value, bool):
            value = _as_float(value)
        if wanted is tuple and isinstance(value, list):
            value = tuple(value)
        if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
            raise InputError(f"[{name}] {key} is {value!r}; expected a value of type {_word(wanted)}.")
        checked[key] = value
    try:
        return kind(**checked)
    except InputError as error:
        raise InputError(f"[{name}] {error}") from error


def _default(item: dataclasses.Field[Any]) -> Any:
    return item.default if item.default_factory is dataclasses.MISSING else item.default_factory()


def _word(kind: type) -> str:
    return "list" if kind is tuple else kind.__name__


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:  # the section says that infinity is out of range
        return float("inf") if value > 0 else float("-inf")


def _require_at_least(least: int, **values: int) -> None:
    for name, value in values.items():
        if value < least:
            raise InputError(f"{name} is {value}; expected {least} or more.")
