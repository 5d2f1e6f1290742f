"""The operators of the papers: convolution, grid transfer, stencil transfer, differences, smoothing."""

from refms.stencils.conv import conv_matrix, conv_transpose_matrix
from refms.stencils.convolution import Convolution, convolution_matrix
from refms.stencils.differences import gradient_matrix
from refms.stencils.galerkin import prolong_stencil, restrict_stencil, stencil_map
from refms.stencils.mesh_free import mesh_free_matrix, mesh_free_symbol
from refms.stencils.resize import resize_matrix
from refms.stencils.shuffle import pixel_shuffle_matrix
from refms.stencils.smoothing import gaussian_matrix, smooth
from refms.stencils.strided import StridedConvolution
from refms.stencils.symbol import eigenvalues, spectral_norm, symbol
from refms.stencils.transfer import TransferPair, transfer_pair

__all__ = [
    "Convolution",
    "StridedConvolution",
    "TransferPair",
    "conv_matrix",
    "conv_transpose_matrix",
    "convolution_matrix",
    "eigenvalues",
    "gaussian_matrix",
    "gradient_matrix",
    "mesh_free_matrix",
    "mesh_free_symbol",
    "pixel_shuffle_matrix",
    "prolong_stencil",
    "resize_matrix",
    "restrict_stencil",
    "smooth",
    "spectral_norm",
    "stencil_map",
    "symbol",
    "transfer_pair",
]
