#!/usr/bin/env bash
# Table 2 of [MST] at the paper's sizes: four tasks, three estimators, 128×128 images, batches and iterations as printed.
#
#     full_protocol.sh train OUT [OPTIONS of refms reconstruct]   hours on a GPU: --backend cupy --dataset folder:DIR
#     full_protocol.sh work                                       print the work units of each training, run nothing
#
# One model file a training in OUT. What is finished is not done again, what was stopped goes on from its checkpoint.
set -euo pipefail
what=${1:-}
case $what in
    train) out=${2:?"the folder for the models is missing: full_protocol.sh train OUT [OPTIONS]"} && mkdir -p "$out" && shift 2 ;;
    work) shift ;;
    *) echo "full_protocol.sh train OUT [OPTIONS of refms reconstruct], or full_protocol.sh work" >&2 && exit 2 ;;
esac
others=("$@")

one() { # name, then options of the training
    local model=${out:-}/$1.h5
    local arguments=(--size 128 "${@:2}" "${others[@]}")
    if [ "$what" = work ]; then
        echo "$1: $(refms work "${arguments[@]}" | tail -1)"
    elif [ -e "$model" ]; then
        echo "$1: finished"
    else
        echo "$1"
        local resume=()
        compgen -G "${model%.h5}.checkpoint-*" >/dev/null && resume=(--resume)
        refms reconstruct "${arguments[@]}" "${resume[@]}" -o "$model"
    fi
}

estimators() { # name, batch of the finest mesh and of single scale, iterations alone and in stages, then options
    local name=$1 batch=$2 alone=$3 iterations=$4 stages=$5
    shift 5
    one "$name-single" --estimator single --batch "$alone" --iterations "$iterations" "$@"
    one "$name-mge" --estimator mge --levels 4 --batch "$batch" --iterations "$iterations" "$@"
    for windows in coarsen crop both; do
        one "$name-full-$windows" --estimator full-multiscale --levels 4 --batch "$batch" \
            --iterations "$stages" --subsampling "$windows" "$@"
    done
}

same() { echo "$1,$1,$1,$1"; } # as many iterations in each stage

for network in unet residual-image; do
    for task in denoise deblur; do
        estimators "$task-$network" 16 240 2000 2000 --task "$task" --network "$network"
    done
    estimators "inpaint-$network" 16 240 2000 "$(same 2000)" --task inpaint --network "$network"
done
enlarge=(--task super-resolve --loss ssim --learning-rate 1e-3 --schedule constant)
estimators super-resolve-espcn 8 120 250 "$(same 250)" "${enlarge[@]}" --network espcn
estimators super-resolve-residual-image 8 120 250 "$(same 250)" "${enlarge[@]}" --network residual-image \
    --option width=100 --option blocks=9 --option time=false --option add_input=true
