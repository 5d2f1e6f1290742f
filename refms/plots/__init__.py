"""Pictures of runs (extra ``plot``): pure functions from data to matplotlib figures, and a page for each run.

Only colours that colour-blind readers can tell apart; axes have labels and units. Nothing of matplotlib's
global state is changed, and equal data give equal bytes.
"""

from refms.errors import InputError

try:
    import matplotlib  # noqa: F401 - before anything that needs it
except ImportError as error:
    raise InputError(
        f"pictures are drawn by matplotlib, which cannot be imported ({error}). Install it with "
        "pip install 'refms[plot]'."
    ) from error

from refms.plots.captions import Captioned, caption
from refms.plots.comparison import comparison_figures
from refms.plots.images import images_figure
from refms.plots.inspection import inspection_figures
from refms.plots.models import model_figures
from refms.plots.operators import (
    galerkin_figure,
    hierarchy_figure,
    matrix_figure,
    pair_figure,
    symbol_figure,
)
from refms.plots.restoration import Restored, restored_figure
from refms.plots.saving import figure_bytes
from refms.plots.study import study_figures
from refms.plots.variance import variance_figures

RESULT_FIGURES = {
    "compare": comparison_figures,
    "study": study_figures,
    "inspect": inspection_figures,
    "variance": variance_figures,
}
"""Kind of a result to what draws it: result -> figures by name."""

__all__ = [
    "RESULT_FIGURES",
    "Captioned",
    "Restored",
    "caption",
    "comparison_figures",
    "figure_bytes",
    "galerkin_figure",
    "hierarchy_figure",
    "images_figure",
    "inspection_figures",
    "matrix_figure",
    "model_figures",
    "pair_figure",
    "restored_figure",
    "study_figures",
    "symbol_figure",
    "variance_figures",
]
