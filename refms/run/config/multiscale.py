"""The section [multiscale]: which meshes, how many examples on each, and how the gradient is estimated."""

from __future__ import annotations

from dataclasses import dataclass

from refms.errors import InputError, require_choice, require_whole, require_whole_fields
from refms.grid import MOST_LEVELS
from refms.multiscale.allocation import ALLOCATIONS, COEFFICIENTS, REGRESSED, Allocation
from refms.multiscale.estimation import Batches, doubled_batches
from refms.multiscale.full_multiscale import Stage, full_multiscale_plan
from refms.multiscale.kernel_rule import KERNEL_RULES
from refms.multiscale.subsampling import Subsampling
from refms.multiscale.switching import Switch

ESTIMATORS = ("single", "mge", "full-multiscale")


@dataclass(frozen=True)
class MultiscaleSection:
    """Meshes, batches and iterations of a training on images.

    Parameters
    ----------
    estimator : str
        ``"single"``: the finest mesh alone. ``"mge"``: Algorithm 1 of [MST]. ``"full-multiscale"``:
        Algorithm 2, a stage for each level.
    levels : int
        Number of meshes L, each half as fine as the one before.
    batch : int
        N of the finest mesh, doubled from mesh to mesh as in [MST].
    batches : tuple of int
        N_l of every level instead, finest first.
    one_batch : bool
        Whether all terms of an estimate have one draw of ``batch`` examples: the gradient of that batch on
        the finest mesh identically, at the work of all meshes.
    iterations : tuple of int
        Of each stage, coarsest first; a single number is that of the coarsest stage, halved from stage to
        stage.
    window : int
        Iterations of a window after which a stage but the last may end, and leave its work to the last: where
        the loss fell by less than ``gain`` from one window to the next. 0 for never, as in [MST].
    gain : float
        Relative.
    subsampling : str
        How coarser images come about: ``"coarsen"``, by R; ``"crop"``, a window of as many cells; or
        ``"both"``, half a batch each.
    pair : str
        Name of the transfer pair with R.
    noise : str
        ``"carried"``: R of signal and noise together, as [MST] says, which weakens the noise. ``"kept"``:
        with the same variance on every mesh. ``"stage"``: kept on the finest mesh of a stage, and carried
        from there.
    kernel_rule : str
        Stencils of a coarser mesh: ``"keep"`` the same, as in [MST], or ``"galerkin"``, K_H = R K_h P.
    kernel_pair : str
        Name of the transfer pair of the latter.
    allocation : str
        ``"fixed"``: the batches above. ``"optimal"``, ``"regressed"`` or ``"adaptive"``: batches of that work
        from a pilot, by the variances V_l; with regression coefficients β_l; with these on as many levels as
        pay.
    coefficients : str
        ``"global"`` or ``"layers"``: whether a regressed β_l is one number or one for each layer.
    pilot : int
        Examples of a pilot.
    renew : int
        Iterations from one pilot to the next.
    """

    estimator: str = "full-multiscale"
    levels: int = 3
    batch: int = 8
    batches: tuple[int, ...] = ()
    one_batch: bool = False
    iterations: tuple[int, ...] = (400,)
    window: int = 0
    gain: float = Switch.gain
    subsampling: str = "coarsen"
    pair: str = "averaging-constant"
    noise: str = "stage"
    kernel_rule: str = "keep"
    kernel_pair: str = "averaging-constant"
    allocation: str = "fixed"
    coefficients: str = COEFFICIENTS[0]
    pilot: int = 32
    renew: int = 100

    def __post_init__(self) -> None:
        require_choice(self.estimator, ESTIMATORS, "estimator")
        require_choice(self.allocation, ("fixed", *ALLOCATIONS), "allocation")
        require_choice(self.coefficients, COEFFICIENTS, "coefficients")
        require_choice(self.kernel_rule, KERNEL_RULES, "kernel_rule")
        if self.coefficients == "layers" and self.allocation not in REGRESSED:
            raise InputError(
                f"coefficients 'layers' with allocation {self.allocation!r}, whose coefficients are 1; "
                f"expected allocation {' or '.join(map(repr, REGRESSED))}."
            )
        if self.one_batch and self.allocation != "fixed":
            raise InputError(f"one_batch with allocation {self.allocation!r}; expected allocation 'fixed'.")
        require_whole_fields(self, levels=1, batch=1, renew=1, window=0)
        require_whole(self.levels, "levels", 1, MOST_LEVELS)
        Allocation(examples=self.pilot)
        for name in ("batches", "iterations"):
            object.__setattr__(self, name, tuple(require_whole(n, name, 1) for n in getattr(self, name)))
        _ = self.sub_sampling, self.stages, Switch(self.window or 1, self.gain)

    @property
    def sub_sampling(self) -> Subsampling:
        """Q_l and the rule for the noise."""
        return Subsampling(self.subsampling, self.pair, self.noise)

    @property
    def meshes(self) -> int:
        """Number of meshes that are used: one for single scale."""
        return 1 if self.estimator == "single" else self.levels

    def sizes(self, levels: int) -> tuple[int, ...]:
        """Return N_l of so many levels, finest first."""
        alike = (self.batch,) * levels
        return self.batches or (alike if self.one_batch else tuple(doubled_batches(self.batch, levels)))

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages, coarsest first."""
        sizes = self.sizes(self.meshes)
        if len(sizes) != self.meshes:
            raise InputError(
                f"batches is {list(sizes)}; expected as many as meshes, {self.meshes} with estimator "
                f"{self.estimator!r}."
            )
        if self.subsampling == "both" and any(N % 2 for N in sizes):
            raise InputError(f"batches are {list(sizes)}; subsampling 'both' takes even ones.")
        counts = self.iterations
        if self.estimator != "full-multiscale":
            if len(counts) != 1:
                raise InputError(
                    f"iterations is {list(counts)}; estimator {self.estimator!r} has one stage, so expected "
                    "one number."
                )
            return (Stage(0, counts[0], Batches(sizes, shared=self.one_batch)),)
        if len(counts) == 1:
            counts = tuple(max(1, counts[0] // 2**stage) for stage in range(self.meshes))
        return full_multiscale_plan(sizes, counts, shared=self.one_batch).stages

    @property
    def switch(self) -> Switch | None:
        """When stages end early; None for never."""
        return Switch(self.window, self.gain) if self.window else None

    @property
    def allocated(self) -> Allocation | None:
        """How batches are renewed; None where they are fixed."""
        if self.allocation == "fixed":
            return None
        return Allocation(self.allocation, self.pilot, self.renew, self.coefficients)
