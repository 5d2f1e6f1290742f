"""Names that users type and code looks up; nothing is imported here, so that `refms --help` need not wait."""

DTYPES = ("float64", "float32")
"""Precisions."""

PROPAGATION_PRECONDITIONERS = ("none", "time", "diagonal")
CLASSIFIER_PRECONDITIONERS = ("smoothness", "diagonal", "none")
"""For conjugate gradients on the two blocks of problem (6)."""

BACKEND_NAMES = ("numpy", "cupy")
"""Where to compute."""

DATASETS = ("digits", "mnist")
"""Data sets that are read by name."""

LEARNING_RATE_SCHEDULES = ("constant", "cosine")
"""How the learning rate of a stochastic method falls."""

METHODS = (
    "bcd",
    "joint",
    "varpro",
    "levenberg-marquardt",
    "newton-cg",
    "trust-region",
    "l-bfgs",
    "nonlinear-cg",
    "sgd",
    "adam",
)
"""Optimisers that ``refms compare`` runs."""

STENCIL_RULES = ("galerkin", "keep")
"""How stencils go to another resolution: K_H = R K_h P, or unchanged."""

TIERS = {"quick": 4, "full": 60, "torture": 400}
"""How much of the catalogue is run: instances of a property of cost 1."""

TIME_LIMITS = {"quick": 120.0, "full": 600.0, "torture": 1800.0}
"""Seconds after which a property counts as hanging in ``refms conform run``, by tier."""
