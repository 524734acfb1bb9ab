#!/bin/bash
# The driver of a farm as a small job of its own; it submits the shards as an array and waits for them.
#   sbatch docs/scaling/slurm.sh SWEEP_OR_WORKFLOW
# Set the three folders and the partition. The environment needs: pip install 'submitit>=1.5'
#SBATCH --job-name=hyponet-driver
#SBATCH --cpus-per-task=1
#SBATCH --mem=2G
#SBATCH --time=7-00:00:00
#SBATCH --requeue
set -eu

COMFYUI=$HOME/ComfyUI            # with HypoNet in custom_nodes and the models, on a disk that all nodes see
OUTPUT=$SCRATCH/hyponet/output   # the sets; all nodes must see it too
STATE=$SCRATCH/hyponet/state     # what is done; submit this script again to go on

exec python3 -m headless farm "$1" --slurm \
    --comfyui "$COMFYUI" --output "$OUTPUT" --state "$STATE" \
    --workers 12 --shards 48 \
    --slurm-set slurm_partition=gpu --slurm-set gpus_per_node=1 \
    --slurm-set cpus_per_task=4 --slurm-set mem_gb=32 --slurm-set timeout_min=240
