"""Networks: one file each, and the registry by which configurations and files name them."""

from refms.maps.architectures import residual as residual  # a file with its name may be read first
