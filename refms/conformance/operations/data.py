"""What stands before and behind a network: bytes as numbers, classes as columns, the share that is right."""

from __future__ import annotations

from refms.conformance.operations.operation import row

ROWS = (
    row(
        "bytes_to_floats(B[m c grid], grid, low, high) -> field[m c grid]",
        """low + (high − low) B/255 of bytes B, dtype uint8, in the dtype of the profile.

        0 becomes ``low`` and 255 becomes ``high``, such as 0 and 1, or −1 and 1.
        """,
        lambda t: abs(t.low) + abs(t.high),
    ),
    row(
        "one_hot(labels[m], classes) -> array[classes m]",
        """columns with a 1 in row labels_j, the first row for label 0, and 0 elsewhere; labels are int64.

        It must raise where a label is negative or not below ``classes``.
        """,
        lambda t: 1.0,
    ),
    row(
        "accuracy(Z[y M], C[y M]) -> number",
        """the share of examples, 0 to 1, of which the largest logit is in the row of the largest label.

        Of equal logits the first counts as the largest; a column with NaN is not right.
        """,
        lambda t: 1.0,
    ),
)
