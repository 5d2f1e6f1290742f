#!/usr/bin/env bash
# Set up and run the main job: verify this installation, let a net of digits cross resolutions, and let another
# learn to denoise photographs from coarse meshes to fine ones.
# Everything this makes lies in .venv and out/.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh
make_environment .venv data,plot
export PATH="$PWD/.venv/bin:$PATH"
mkdir -p out

refms verify --json out/verify.json --force
echo
refms train validation/learning_across_scales/digits.toml -o out/coarse.h5 --force
refms transfer out/coarse.h5 --to 8 -o out/fine.h5 --force
refms transfer out/coarse.h5 --to 8 --stencils keep -o out/kept.h5 --force
echo
echo "trained on 4x4; then on 8x8 without training, with the stencils prolonged and with the stencils unchanged:"
refms evaluate out/coarse.h5 --size 4
refms evaluate out/fine.h5 --size 8
refms evaluate out/kept.h5 --size 8

echo
echo "a small net learns to denoise photographs by Full-Multiscale, half a minute:"
refms reconstruct validation/multiscale_training/denoise_photographs.toml -o out/denoiser.h5 --force
refms evaluate out/denoiser.h5
refms plot out/denoiser.h5 --only restored --format png -o out/pictures --force
