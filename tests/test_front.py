"""What `import refms` leads to: a net on one's own images with one's own weights needs nothing else."""

from __future__ import annotations

import pydoc
import subprocess
import sys

import numpy as np
import pytest

import refms
from refms import (
    Classes,
    Dataset,
    Grid,
    Image,
    InputError,
    Residual,
    convolution_matrix,
    initial_model,
    train,
)
from refms.maps import ResidualImage


def own_data(count=30, classes=3):
    rng = np.random.default_rng(0)
    return Dataset(rng.standard_normal((count, 2, 6, 6)), np.arange(count) % classes, classes, "mine", 1.0)


def own_net(classes=3):
    rng = np.random.default_rng(1)
    net = initial_model(Residual(Grid((6, 6)), channels=2, layers=3, image_channels=2), Classes(classes))
    own = {name: rng.standard_normal(array.shape) for name, array in net.arrays.items()}
    return net.with_arrays(**own | {"mu": np.zeros(classes)})


def explicit_logits(net, images):
    """Return h^d Wᵀ y_3 + μ with y_{k+1} = y_k + δt tanh(K(s_k) y_k + b_k) and y_0 = L x, by matrices."""
    grid, parts = net.grid, net.arrays
    Y = convolution_matrix(parts["opening"], grid) @ images.reshape(len(images), -1).T
    dt = net.architecture.final_time / 3
    for S, b in zip(parts["stencils"], parts["biases"], strict=True):
        Y = Y + dt * np.tanh(convolution_matrix(S, grid) @ Y + np.repeat(b, grid.cells)[:, None])
    return grid.cell_volume * parts["W"].T @ Y + parts["mu"][:, None]


def test_a_net_on_own_images_with_own_weights_predicts_and_is_scored():
    data, net = own_data(), own_net()
    Z = explicit_logits(net, data.images)
    expected = Z.argmax(axis=0)
    assert len(set(expected)) > 1
    assert np.array_equal(net.predict(data), expected)
    assert np.array_equal(net.predict(net.prepare(data)), expected)
    loss = (np.log(np.exp(Z).sum(axis=0)) - Z[data.labels, np.arange(data.count)]).mean()
    for given in (data, net.examples(data)):
        found = net.score(given)
        assert found.accuracy == np.mean(expected == data.labels)
        assert found.loss == pytest.approx(loss, rel=1e-13)
        assert found.examples == data.count


def test_it_trains_on_its_examples():
    data, net = own_data(), own_net()
    assert train(net, net.examples(data)).model.score(data).loss < net.score(data).loss


def test_a_net_whose_output_is_an_image_predicts_images():
    rng = np.random.default_rng(2)
    pairs = Dataset(rng.random((3, 1, 4, 6)), None, 0, "pairs", 1.0, targets=rng.random((3, 1, 4, 6)))
    net = initial_model(ResidualImage(Grid((4, 6)), width=2, blocks=1, image_channels=1, time=False), Image())
    columns = net.outputs(net.prepare(pairs))
    assert np.array_equal(net.predict(pairs), columns.T.reshape(3, 1, 4, 6))
    assert np.array_equal(net.examples(pairs).targets, pairs.targets.reshape(3, -1).T)


def test_other_classes_than_the_models_are_refused():
    with pytest.raises(InputError, match="'mine' has 4 classes, the model 3"):
        own_net().score(own_data(classes=4))


def test_every_name_leads_to_its_object_and_stands_in_the_help():
    text = pydoc.plain(pydoc.render_doc(refms))
    for name in refms.__all__[1:]:
        thing = getattr(refms, name)
        assert getattr(thing, "__name__", name) == name
        assert f"\n        {name} " in text


def test_importing_refms_imports_nothing_else():
    code = "import sys, refms; print([name for name in sys.modules if 'numpy' in name or 'refms.' in name])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "['refms.lazy']\n"
