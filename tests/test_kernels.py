"""Every kernel of refms is compiled by NVRTC, with no card, for two architectures; nothing is launched.

The source is the one that CuPy writes for the same arguments: its private functions are called as
ElementwiseKernel calls them, for `compile` there asks the card for its architecture. What a compiler cannot
show: results, launches, CuPy's own kernels, cuBLAS, cuSPARSE and cuFFT.
"""

from __future__ import annotations

import ast
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from refms.elementwise import KERNELS

PACKAGE = Path(__file__).resolve().parents[1] / "refms"
MAKERS = {"ElementwiseKernel", "ReductionKernel", "RawKernel", "RawModule", "rawkernel", "fuse"}
"""What makes a kernel in CuPy."""
DTYPES = ("float32", "float64", "complex64", "complex128")
ARCHITECTURES = ("80", "90")
ARRAY, INDEXER, SCALAR = 1, 2, 3  # as CuPy numbers kinds of arguments
LAYOUTS = ((1, True, True), (2, False, True), (2, False, False))
"""Axes, contiguous, places that fit 32 bits: what CuPy passes for arrays in order, views, and large views."""


@pytest.fixture(scope="module")
def nvrtc():
    """CuPy's way from a kernel to machine code."""
    pytest.importorskip("cupy", reason="needs the extra nvrtc (CuPy and NVIDIA's compiler)")
    from cupy.cuda import compiler

    try:
        compiler._get_nvrtc_version()
    except RuntimeError as error:
        pytest.skip(f"needs the extra nvrtc: {error}")
    return compiler


def source_of(kernel, dtype, layout, number):
    """Return what CuPy writes for arrays of one dtype and layout, where one input may be a number."""
    import cupy
    from cupy._core import _carray, _kernel, _scalar

    T = np.dtype(dtype)
    kinds = {
        "_ind": (INDEXER, _carray.Indexer, None, layout[0], True, layout[2]),
        number: (SCALAR, _scalar.CScalar, T, 0, True, True),
    }
    array = (ARRAY, cupy.ndarray, T, *layout)
    arguments = tuple(_kernel._ArgInfo(*kinds.get(one.name, array)) for one in kernel.params)
    *_, types = kernel._decide_params_type((T,) * kernel.nin, (T,) * kernel.nout)
    return _kernel._get_elementwise_kernel_code(
        arguments, types, kernel.params, kernel.operation, kernel.name, kernel.preamble
    )


def program_of(name, inputs, outputs, statements):
    """Return CuPy's headers and all variants of a kernel, each in a namespace."""
    import cupy
    from cupy._core import core

    numbers = (None, *(word.split()[1] for word in inputs.split(",")))
    parts = [f"#include <{header}>" for header in core._cupy_header_list]
    for place, variant in enumerate(product(DTYPES, LAYOUTS, numbers)):
        kernel = cupy.ElementwiseKernel(inputs, outputs, statements, f"{name}_{place}")
        parts.append(f"namespace variant_{place} {{ {source_of(kernel, *variant)} }}")
    return "\n".join(parts)


def machine_code(nvrtc, source, architecture):
    """Return the cubin for sm_80 (which is compute_80, assembled) and the like."""
    from cupy._core import core

    program = nvrtc._NVRTCProgram(source, "kernel.cu", method="cubin")
    options = (*core.assemble_cupy_compiler_options(()), "-ftz=true", f"-arch=sm_{architecture}")
    return program.compile(options)[0]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("name", KERNELS)
def test_every_kernel_is_compiled(nvrtc, name, architecture):
    cubin = machine_code(nvrtc, program_of(name, *KERNELS[name]), architecture)
    variants = len(DTYPES) * len(LAYOUTS) * (1 + KERNELS[name][0].count("T "))
    assert cubin[:4] == b"\x7fELF"
    assert all(f".text.{name}_{place}\0".encode() in cubin for place in range(variants))


@pytest.mark.parametrize("statement", ["y = no_such_function(x)", "y = x +", "z = x", "x = y"])
def test_a_broken_kernel_is_refused(nvrtc, statement):
    with pytest.raises(nvrtc.CompileException):
        machine_code(nvrtc, program_of("broken", "T x", "T y", statement), "80")


def test_no_kernel_is_made_elsewhere():
    found = [
        (path.relative_to(PACKAGE).as_posix(), name)
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        for name in (getattr(node, "attr", None), getattr(node, "id", None), getattr(node, "name", None))
        if name in MAKERS
    ]
    assert found == [("elementwise.py", "ElementwiseKernel")]
