#!/usr/bin/env bash
# submit.sh -- `quench submit` without a cluster: what the printed job says, and what is refused.  tests/cluster/ runs it on one.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

cat >tasks.yaml <<'YAML'
model: hebbian
seed: 1
replicas: 4
parameters: {N: 64, P: 2}
sweep:
  T: {from: 0.3, to: 2, points: 5}
sampling: {thermalization: 10, steps: 50}
YAML
says() { check "$1" "$(cat out)" grep -Eq -- "$2" out; } # NAME PATTERN

q submit tasks.yaml -o a.h5 --dry-run --jobs 4 -j 2 --time 90m --set 'P=[2, 4]' --sbatch=--partition=long
expect dry_run 0 '40 of 40 tasks are missing.*4 jobs of 2 threads'
says array '^#SBATCH --array=1-4$'
says threads '^#SBATCH --cpus-per-task=2$'
says limit '^#SBATCH --time=1:30:00$'
says signal '^#SBATCH --signal=TERM@120$'
says own_option '^#SBATCH --partition=long$'
says set_is_quoted "--set 'P=\[2, 4\]'"
says share '--part "\$SLURM_ARRAY_TASK_ID"/4$'
says merge 'exec .*quench merge a.h5$'
check bash_reads_it "$(bash -n out 2>&1)" bash -n out
check nothing_written "$(ls)" [ -z "$(find . -name 'a.h5*')" ]

# By the estimate: a share of an hour, or of half the limit.
q submit tasks.yaml -o a.h5 --dry-run
says one_job_merges_itself '-j 1 -o a.h5$'
check one_job_is_no_array "$(cat out)" [ "$(grep -c -e '--array' -e 'merge a.h5' out)" -eq 0 ]
q submit tasks.yaml -o a.h5 --dry-run --set sampling.steps=1000000000 --set sampling.interval=100000
says long_sweep '^#SBATCH --array=1-[0-9]+$'

# Memory grows with the system, by the model's account.
mem() { sed -n 's/^#SBATCH --mem=\([0-9]*\)M$/\1/p' out; }
q submit tasks.yaml -o a.h5 --dry-run
small=$(mem)
q submit tasks.yaml -o a.h5 --dry-run --set N=32000 --set K=32000
check memory_is_the_models "$small and $(mem) MB" [ "$(mem)" -gt $((small + 90)) ]

# Only what is missing.
q run tasks.yaml -q -j1 -o b.h5 --part 2/4
q submit tasks.yaml -o b.h5 --dry-run --jobs 4
says missing_shares '^#SBATCH --array=1,3-4$'
q run tasks.yaml -q -j1 -o b.h5
q submit tasks.yaml -o b.h5 --dry-run
expect whole 0 'already whole'

# Adaptive: one job.
printf 'target: {m: 0.01, replicas: 8}\n' | cat tasks.yaml - >target.yaml
q submit target.yaml -o c.h5 --dry-run --jobs 8
expect adaptive 0 'in the first round'
check adaptive_is_one_job "$(cat out)" [ "$(grep -c -e '--array' -e '--part' out)" -eq 0 ]

q submit tasks.yaml -o a.h5 --time 60
expect short_limit 2 'at least 5m'
q submit tasks.yaml -o a.h5 --sbatch partition=long
expect no_option 2 'takes an option of sbatch'
q submit nowhere.yaml
expect no_file 2 'No such file'
mkdir empty
status=0
PATH=$work/empty "$quench" submit tasks.yaml -o a.h5 >out 2>err || status=$?
check no_slurm "exit status $status: $(cat err)" [ "$status" -eq 1 ] && grep -q squeue err
check nothing_left "$(ls)" [ -z "$(find . -name 'a.h5*')" ]
finish
