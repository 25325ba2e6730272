#!/bin/bash
# A sweep as an array job: each task measures one shard into a store of its own.
#
#   sbatch examples/slurm_sweep.sh nb201 --all          # what `gradalign sweep` takes
#   gradalign merge part-*.db --into nb201.db           # when all tasks have ended
#
# A task that was stopped, or ran out of time, goes on when the same job is submitted again.
#SBATCH --job-name=gradalign
#SBATCH --array=0-7
#SBATCH --cpus-per-task=8
#SBATCH --mem=16G
#SBATCH --time=04:00:00
#SBATCH --signal=B:TERM@120
set -euo pipefail

: "${SLURM_ARRAY_TASK_ID:?run this with sbatch}"

# A store that is written to stands on the node's own disk, never on a network drive.
home="$PWD/part-$SLURM_ARRAY_TASK_ID.db"
work="$(mktemp -d)"
if [ -e "$home" ]; then cp "$home" "$work/part.db"; fi

gradalign sweep "$@" \
    --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" \
    --workers "${SLURM_CPUS_PER_TASK:-1}" \
    --db "$work/part.db" --resume --quiet &
trap 'kill $!' TERM # two minutes before the time is up
code=0
wait $! || code=$?
trap - TERM
wait $! || true # for its end, where a signal ended the first wait

# `merge` also takes what is still in the log of a store whose process was killed.
gradalign merge "$work/part.db" --into "$work/whole.db"
cp "$work/whole.db" "$home.half"
mv "$home.half" "$home"
rm -r "$work"
exit "$code"
