"""Labelled images and image pairs: reading them, preparing them, choosing among them."""

from refms.data.augmentation import Augmentation, augment
from refms.data.by_name import read_dataset
from refms.data.clean_images import clean_images
from refms.data.corruption import Deblur, Denoise, Inpaint, SuperResolve, draw_corruption, task_named
from refms.data.dataset import Dataset, one_hot, split, subset
from refms.data.description import Description, describe_dataset
from refms.data.digits import load_digits
from refms.data.idx import read_idx
from refms.data.idx_dataset import load_idx
from refms.data.image_sets import load_images
from refms.data.mnist import load_mnist
from refms.data.npy_xz import read_npy_xz
from refms.data.photographs import load_photographs
from refms.data.preprocessing import Preprocessing, prepare
from refms.data.streams import random_stream

__all__ = [
    "Augmentation",
    "Dataset",
    "Deblur",
    "Denoise",
    "Description",
    "Inpaint",
    "Preprocessing",
    "SuperResolve",
    "augment",
    "clean_images",
    "describe_dataset",
    "draw_corruption",
    "load_digits",
    "load_idx",
    "load_images",
    "load_mnist",
    "load_photographs",
    "one_hot",
    "prepare",
    "random_stream",
    "read_dataset",
    "read_idx",
    "read_npy_xz",
    "split",
    "subset",
    "task_named",
]
