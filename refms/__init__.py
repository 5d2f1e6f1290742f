"""Numerically verified ground truth for multiscale training of convolutional networks.

Convolutional networks as forward Euler steps, their training as optimal control, and their transfer between
resolutions and depths, at the level of explicit matrices and without automatic differentiation, after
[LAS] E. Haber, L. Ruthotto, E. Holtham, S.-H. Jun, *Learning Across Scales* and
[MST] S. Zakariaei, S. Ahamed, E. Haber, M. Eliasof, *Multiscale Training of Convolutional Neural Networks*.
"""

__version__ = "0.1.0"
