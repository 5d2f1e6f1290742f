"""Networks: one file each, and the registry by which configurations and files name them."""

# a file that names one of them may be read first
from refms.maps.architectures import espcn as espcn
from refms.maps.architectures import residual as residual
from refms.maps.architectures import residual_image as residual_image
from refms.maps.architectures import resnet as resnet
from refms.maps.architectures import unet as unet
