"""Names that users type and code looks up; nothing is imported here, so that `refms --help` need not wait."""

DTYPES = ("float64", "float32")
"""Precisions."""

HALVES = ("float16", "bfloat16")
"""Half precisions, in which the kit judges others' implementations."""

PROPAGATION_PRECONDITIONERS = ("none", "time", "diagonal", "fine-coordinates")
CLASSIFIER_PRECONDITIONERS = ("smoothness", "diagonal", "block", "none")
"""For conjugate gradients on the two blocks of problem (6)."""

LOSSES = ("softmax", "least-squares", "logistic", "smooth-hinge")
"""Classifiers of eq. (5), by their losses."""

BLOCK_NAMES = ("propagation", "classifier", "joint")
"""Blocks of unknowns of problem (6), and both together."""

BACKEND_NAMES = ("numpy", "cupy")
"""Where to compute."""

DATASETS = ("digits", "photographs", "mnist", "imagenette96", "imagenette56", "urban100")
"""Data sets that are read by name."""

LEARNING_RATE_SCHEDULES = ("constant", "cosine")
"""How the learning rate of a stochastic method falls."""

EPOCH_METHODS = ("none", "adam", "sgd")
"""How ``refms train`` trains by epochs; ``"none"`` for block-coordinate descent."""

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

IDX_PREFIX = "idx:"
"""What stands before the folder of a data set in IDX files."""

OWN_PREFIXES = {
    IDX_PREFIX: "FOLDER: images and labels in IDX files",
    "npz:": "FILE: arrays images and labels of numpy.savez",
    "folder:": "DIR: PNG or JPEG pictures, one subfolder a class",
    "csv:": "FILE: lines path,label that name such pictures",
}
"""How names of a user's own data begin, and what follows."""

CHANNELS_SUFFIX = "?channels="
"""What may stand behind that, before one of the following."""

CHANNEL_PLACES = ("first", "last", "none")
"""Which axis of an image in an IDX file is its channels."""

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")
"""What stands beyond an image in a Conv layer of a framework."""

RESIZE_KERNELS = ("nearest", "nearest-exact", "area", "adaptive", "box", "linear", "cubic")
RESIZE_BOUNDARIES = ("clamp", "periodic", "reflect", "symmetric", "renormalize")
"""How images are resized, and what counts beyond them."""

PICTURE_FORMATS = ("svg", "png", "pdf")
"""Of files with figures."""

RESULT_KINDS = ("compare", "study", "inspect", "variance")
"""Results of commands, as JSON, that `refms plot` draws."""

SYNTHETIC_IMAGES = ("delta", "disk")
"""Images that need no data."""

STENCIL_RULES = ("galerkin", "keep")
"""How stencils go to another resolution: K_H = R K_h P, or unchanged."""

WEIGHT_RULES = ("pair", "adjoint")
"""How classification weights go to another resolution: by P and R as values, or so that h^d⟨w, y⟩ is kept."""

SMOOTHING_RULES = ("keep", "matched", "agreeing")
"""How images are smoothed at another resolution: as before, by what R and P add, or so that logits agree."""

TIERS = {"quick": 6, "full": 60, "torture": 400}
"""How much of the catalogue is run: instances of a property of cost 1."""

DRAWS = {"quick": 1, "full": 5, "torture": 10}
"""How many times as much is drawn in an instance of a property that is tested by sampling, by tier."""

TIME_LIMITS = {"quick": 120.0, "full": 600.0, "torture": 1800.0}
"""Seconds after which a property counts as hanging in ``refms conform run``, by tier."""

TRANSFER_PENALTIES = ("consistency", "norm")
"""What is penalised in stencils that cross: how far both meshes disagree, or their size when finer."""

TRANSFER_GOALS = ("finer", "coarser")
"""Where stencils are moved after the training."""
