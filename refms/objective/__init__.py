"""The learning problem (6): losses, classifier, regularisers, and the problem as one object."""
