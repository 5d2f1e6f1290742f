"""The Gauss–Newton product on a GPU: refms with CuPy against torch.func on the same card, and the roofline.

    python scripts/bench_gpu.py [--quick] [--resume] [--seconds S] [--output FOLDER]

Needs a CUDA GPU, CuPy (extra gpu) and, for the comparison, PyTorch; ends with 2 where there is no usable GPU.
Writes validation/benchmarks/gpu.json, from which scripts/make_benchmarks.py writes its section.
"""

import sys

from benchmarks.run import main

from refms.backend import backend_named
from refms.errors import InputError

if __name__ == "__main__":
    try:
        backend_named("cupy")
    except InputError as error:
        print(f"not measured: {error}", file=sys.stderr)
        sys.exit(2)
    sys.exit(main("gpu"))
