"""Data: readers that check before they allocate, data sets, and the pre-processing stored with a model."""

from refms.data.by_name import read_dataset as read_dataset
from refms.data.dataset import Dataset as Dataset
from refms.data.dataset import one_hot as one_hot
from refms.data.dataset import split as split
from refms.data.dataset import subset as subset
from refms.data.digits import load_digits as load_digits
from refms.data.idx import read_idx as read_idx
from refms.data.idx_dataset import load_idx as load_idx
from refms.data.image_sets import load_images as load_images
from refms.data.mnist import load_mnist as load_mnist
from refms.data.npy_xz import read_npy_xz as read_npy_xz
from refms.data.preprocessing import Preprocessing as Preprocessing
from refms.data.preprocessing import prepare as prepare
