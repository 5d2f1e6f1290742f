"""Networks: one file each, and the registry by which configurations and files name them."""
