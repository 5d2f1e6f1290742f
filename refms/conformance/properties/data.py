"""B1-B3: bytes as numbers, classes as columns, and the share that is right."""

from __future__ import annotations

from functools import partial

import numpy as np

from refms.conformance.adapters.gate import Gate
from refms.conformance.instances.domain import Domain, Instance
from refms.conformance.measures.outcome import holds
from refms.conformance.property import Claims, family, refused
from refms.definition.labels import accuracy, from_bytes, one_hot
from refms.errors import Array

law = family("data")
SOURCE = "images as files hold them, labels as [LAS] eq. (5) takes them"
FEW = Domain(small=True)


@law("B1", "bytes_to_floats", SOURCE, FEW, half=True)
def _bytes(a: Gate, x: Instance) -> Claims:
    """The bytes 0 to 255 become an interval, both ends included.

    low + (high − low) B/255 for [0, 1], [−1, 1] and [−0.5, 2]; scale |low| + |high|
    Catches: 256 in place of 255, a sum or product in bytes that wraps around, another interval, signed bytes.
    """
    B = x.rng("B").integers(256, size=(x.examples, x.c_in, *x.grid)).astype("uint8")
    B.flat[0], B.flat[-1] = 255, 0 if B.size > 1 else 255
    for low, high in ((0.0, 1.0), (-1.0, 1.0), (-0.5, 2.0)):
        got = a.bytes_to_floats(B, low, high)
        yield f"[{low:g}, {high:g}]", got, from_bytes(B, low, high), abs(low) + abs(high)


@law("B2", "one_hot", SOURCE, FEW)
def _one_hot(a: Gate, x: Instance) -> Claims:
    """Labels become columns with a single 1; what is no label is refused.

    C_{kj} = 1 where k = labels_j, else 0, exactly; labels −1 and ℓ raise
    Catches: labels counted from 1, rows for columns, a label that wraps around, classes that are not in the
    batch left out.
    """
    classes = x.classes + 2
    labels = x.rng("labels").integers(classes, size=x.examples + 1)
    labels[0] = 0
    got = a.one_hot(labels, classes)
    yield holds(
        np.array_equal(got, one_hot(labels, classes)), "C", f"labels {labels.tolist()} became another C"
    )
    for wrong in (-1, classes):
        text = f"label {wrong} of {classes} classes"
        yield refused(text, partial(a.one_hot, np.append(labels, wrong), classes))


@law("B3", "accuracy", SOURCE, FEW)
def _accuracy(a: Gate, x: Instance) -> Claims:
    """The accuracy is the share of the examples, of which the largest logit is at the label.

    mean over the examples, whatever the loss is reduced to; the first of equal logits counts; NaN is wrong;
    scale 1
    Catches: the largest logit over the examples, a count, per cent, ties to the last or to every class, NaN
    that counts as right.
    """
    classes, m = x.classes + 1, x.examples + 6
    C = one_hot(x.rng("labels").integers(classes, size=m), classes).astype(x.dtype)
    random = x.draw("Z", classes, m, scale=x.image_scale)
    ties = x.rng("ties").integers(2, size=(classes, m)).astype(x.dtype)
    unknown = random.copy()
    unknown[:, ::2] = np.nan
    cases: dict[str, tuple[Array, Array]] = {
        "random logits": (random, C),
        "logits that are right": (C + 0.1 * ties, C),
        "equal logits": (ties, C),
        "all logits equal": (0 * ties, C),
        "NaN": (np.where(C > 0, unknown, np.where(np.isnan(unknown), 0, unknown)), C),
    }
    for text, (Z, labels) in cases.items():
        with np.errstate(all="ignore"):
            yield text, a.accuracy(Z, labels), accuracy(Z, labels), 1.0
