"""How right results are: residuals ρ, orders of convergence, tests of means, classes of determinism."""
