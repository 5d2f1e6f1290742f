"""What the experiments share: plans, trainings that leave a file each, and publishing."""
