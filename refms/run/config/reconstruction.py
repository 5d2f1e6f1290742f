"""The configuration of a training that restores images: its sections together."""

from __future__ import annotations

from dataclasses import dataclass, field

from refms.data.streams import ORDERS
from refms.display import short_repr
from refms.errors import InputError, require_choice, require_whole_fields
from refms.multiscale.full_multiscale import SCHEDULES, Schedule, TrainingPlan
from refms.names import DTYPES
from refms.objective.reading import IMAGE_LOSSES
from refms.optimize.stochastic import Adam, Momentum
from refms.run.config.images import ImageDataSection, ImageNetworkSection, TaskSection
from refms.run.config.multiscale import MultiscaleSection
from refms.run.config.sections import Sections

UPDATES = ("adam", "sgd")


@dataclass(frozen=True)
class DescentSection:
    """[optimization]: the loss, how parameters are updated, and what is noted on the way.

    Parameters
    ----------
    loss : str
        ``"mean-squares"`` or ``"ssim"`` (1 − SSIM).
    method : str
        ``"adam"``, or ``"sgd"`` with momentum 0.9.
    learning_rate, floor : float
        η at the beginning, and the least one.
    schedule : str
        ``"cosine"``, which falls from one to the other over all stages, or ``"constant"``.
    restart : bool
        Whether moments begin anew in each stage.
    dropout_until : int
        Updates after which a network with dropout drops nothing any more; 0 for never.
    seed : int
        Of the initial parameters and of all draws.
    order : str
        ``"independent"`` draws of the examples of each batch, or ``"epochs"``: a permutation per epoch.
    every : int
        Iterations from one row of the history, and one checkpoint, to the next.
    measure : int
        Iterations from one measurement of V_l and η to the next, by a pilot that is counted apart; 0 for
        none.
    dtype : str
        ``"float32"`` or ``"float64"``.
    memory : int
        Budget for activations in bytes.
    """

    loss: str = "mean-squares"
    method: str = UPDATES[0]
    learning_rate: float = 5e-4
    floor: float = 1e-6
    schedule: str = SCHEDULES[0]
    restart: bool = False
    dropout_until: int = 0
    seed: int = 0
    order: str = ORDERS[0]
    every: int = 20
    measure: int = 0
    dtype: str = "float32"
    memory: int = 2 * 1024**3

    def __post_init__(self) -> None:
        require_choice(self.loss, IMAGE_LOSSES, "loss of images")
        require_choice(self.method, UPDATES, "method")
        require_choice(self.order, ORDERS, "order")
        require_choice(self.dtype, DTYPES, "dtype")
        require_whole_fields(self, seed=0, dropout_until=0, measure=0, every=1, memory=1)
        if self.measure % self.every:
            raise InputError(
                f"measure is {self.measure}; expected a multiple of every = {self.every}, for each figure "
                "stands in a row of the history."
            )
        Schedule(self.learning_rate, self.floor, self.schedule)


@dataclass(frozen=True)
class Reconstruction(Sections):
    """A training that restores images.

    Parameters
    ----------
    task, data, network, multiscale, optimization
        The five sections.

    Examples
    --------
    >>> Reconstruction.from_dict({"multiscale": {"levels": 4, "batch": 16, "iterations": [2000]}}).plan.work()
    28750.0
    """

    task: TaskSection = field(default_factory=TaskSection)
    data: ImageDataSection = field(default_factory=ImageDataSection)
    network: ImageNetworkSection = field(default_factory=ImageNetworkSection)
    multiscale: MultiscaleSection = field(default_factory=MultiscaleSection)
    optimization: DescentSection = field(default_factory=DescentSection)

    __repr__ = short_repr

    @property
    def plan(self) -> TrainingPlan:
        """Stages, updates, learning rates and the allocation of batches."""
        section = self.optimization
        rule = Adam() if section.method == "adam" else Momentum()
        return TrainingPlan(
            self.multiscale.stages,
            rule,
            Schedule(section.learning_rate, section.floor, section.schedule),
            section.restart,
            self.multiscale.allocated,
            section.dropout_until,
            self.multiscale.switch,
        )

    @property
    def iterations(self) -> int:
        """Iterations of all stages."""
        return self.plan.total
