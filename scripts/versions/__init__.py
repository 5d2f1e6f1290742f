"""The parts of compare_versions.py: two versions of refms, each in processes of its own, measured in turn."""
