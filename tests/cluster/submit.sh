#!/usr/bin/env bash
# submit.sh -- `quench submit` and srun against a real slurmctld and slurmd: the array is what was missing, the merge comes last, what is stopped,
# requeued or out of time goes on, and the numbers are those of one run.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/cluster/lib.sh
. "$root/tests/cluster/lib.sh"
unset QUENCH_MPI
if ! cluster_programs; then
    not_ok programs "Slurm and munge are not here"
    finish
fi
trap 'cluster_down; cd /; rm -rf "$work"' EXIT
if ! cluster_up "$work/cluster" 2>err; then
    not_ok cluster "$(cat err)"
    finish
fi
ok cluster

cat >tasks.yaml <<'YAML'
model: hebbian
seed: 1
replicas: 4
parameters: {N: 128, P: 4, K: 256}
sweep:
  T: {from: 0.3, to: 2, points: 10}
sampling: {thermalization: 10, steps: 100}
YAML
long=(--set sampling.steps=30000)
q run tasks.yaml -q -j2 -o one.h5
q run tasks.yaml -q -j2 -o whole.h5 "${long[@]}"

jobs_of() { squeue --noheader --format='%A %T %j' | grep -- "quench-$1"; }
# Until no job of FILE is in the queue.  Slurm lets what is requeued wait for two minutes: not here.
wait_for() {
    local late
    for _ in $(seq 900); do
        [ -z "$(jobs_of "$1")" ] && return
        for late in $(squeue --noheader --format='%i %r' | sed -n 's/ BeginTime$//p'); do
            scontrol update JobId="$late" StartTime=now
        done
        sleep 0.2
    done
    not_ok "$1_ends" "$(squeue; tail -n 3 "$1".slurm/*.log)"
}
job_number() { sed -n 's/^job \([0-9]*\): .*job.sh$/\1/p' out; }
# same NAME A B
same() {
    q diff --exact "$2" "$3"
    expect "$1" 0
}

# ---- written, printed, submitted ----

q submit tasks.yaml -o dry.h5 --jobs 3 --dry-run
expect dry_run 0 '40 of 40 tasks are missing.*3 jobs of 1 thread'
check dry_run_prints_the_array "$(cat out)" grep -q '^#SBATCH --array=1-3$' out
check dry_run_warns_in_time "$(cat out)" grep -q '^#SBATCH --signal=TERM@120$' out
check dry_run_writes_nothing "$(ls)" [ -z "$(find . -name 'dry*')" ]
check dry_run_submits_nothing "$(squeue)" [ -z "$(squeue --noheader)" ]
check script_is_bash "$(bash -n out 2>&1)" bash -n out

q submit tasks.yaml --slurm -o two.h5 --jobs 2
expect submit 0
check two_jobs "$(cat out)" [ "$(grep -c '^job [0-9]*: ' out)" -eq 2 ]
wait_for two.h5
check merged "$(cat two.h5.slurm/*.log)" [ -e two.h5 ]
check no_parts_left "$(ls two.h5.parts 2>&1)" [ ! -e two.h5.parts ]
same same_bits one.h5 two.h5
q submit tasks.yaml -o two.h5 --jobs 2
expect nothing_to_submit 0 'already whole'
check nothing_submitted "$(squeue)" [ -z "$(jobs_of two.h5)" ]

# ---- only what is missing ----

q run tasks.yaml -q -j1 -o part.h5 --part 2/4
q submit tasks.yaml -o part.h5 --jobs 4 --dry-run
check only_missing_shares "$(cat out)" grep -q '^#SBATCH --array=1,3-4$' out
q submit tasks.yaml -o part.h5 --jobs 4
expect submit_missing 0 '30 of 40 tasks are missing'
wait_for part.h5
same missing_same_bits one.h5 part.h5
q run tasks.yaml -q -j1 -o only.h5 --part 1/2
q run tasks.yaml -q -j1 -o only.h5 --part 2/2
q submit tasks.yaml -o only.h5
expect only_the_merge 0 '0 of 40 tasks are missing'
check only_one_job "$(cat out)" [ "$(grep -c '^job' out)" -eq 1 ]
wait_for only.h5
same only_merged_same_bits one.h5 only.h5

# An odd name, one job, which merges by itself.
q submit tasks.yaml -o "an odd 'name' %j.h5"
expect odd_name 0 '1 job of 1 thread'
wait_for an_odd
same odd_name_same_bits one.h5 "an odd 'name' %j.h5"

# ---- stopped, requeued, out of time ----

q submit tasks.yaml -o stop.h5 --jobs 2 "${long[@]}"
expect submit_long 0
id=$(job_number)

for _ in $(seq 300); do squeue --noheader --format=%T | grep -q RUNNING && break; sleep 0.1; done
q submit tasks.yaml -o stop.h5 --jobs 2 "${long[@]}"
expect submitted_once 2 "job $id is at stop.h5 already"
sleep 1
scancel --signal=TERM "${id}_1" # what --signal does before the limit: to the program, not to the script
scontrol requeue "${id}_2"      # what a preemption or a node that fails does
wait_for stop.h5
check stopped_in_good_time "$(cat stop.h5.slurm/1.log)" grep -q 'stopped; the same command goes on' stop.h5.slurm/1.log
check went_on_from_there "$(cat stop.h5.slurm/1.log)" [ "$(grep -c 'tasks done' stop.h5.slurm/1.log)" -eq 2 ]
same stopped_same_bits whole.h5 stop.h5

# Two minutes, and a warning long before their end: Slurm itself, which looks twice a minute, sends the signal to a run that would take far longer.
q submit tasks.yaml -o limit.h5 --sbatch=--time=2 --sbatch=--signal=TERM@115 --set sampling.steps=3000000
expect submit_limited 0
id=$(job_number)
for _ in $(seq 900); do
    squeue --noheader --format='%i %r' | grep -q "^$id BeginTime" && break
    sleep 0.1
done
check slurm_sent_the_signal "$(cat limit.h5.slurm/job.log)" grep -q 'stopped; the same command goes on' limit.h5.slurm/job.log
check back_in_the_queue "$(squeue)" [ "$(scontrol show job "$id" | sed -n 's/.* Restarts=\([0-9]*\) .*/\1/p')" = 1 ]
check checkpoints_are_there "none" [ -n "$(find limit.h5.parts -name '[!.]*.h5')" ]
scontrol update JobId="$id" StartTime=now
for _ in $(seq 100); do
    squeue --noheader --format='%A %T' | grep -q "^$id RUNNING" && break
    sleep 0.1
done
sleep 1
scancel "$id"
wait_for limit.h5 # cancelled: not back in the queue
check cancelled_is_over "$(scontrol show job "$id")" grep -q 'JobState=CANCELLED' <(scontrol show job "$id")

# A share that fails takes the merge with it; what is there stays.
q run tasks.yaml -q -j1 -o fail.h5 --part 1/2
first=$(find fail.h5.parts -name '[!.]*.h5' | sort)
cat >gone.so <<'SO'
no plug-in
SO
q submit tasks.yaml -o fail.h5 --plugin gone.so
expect bad_plugin 2 'cannot be loaded'
q submit tasks.yaml -o fail.h5 --jobs 2 --sbatch=--export=NONE,QUENCH_ISA=none
wait_for fail.h5
check failed_is_told "$(cat fail.h5.slurm/*.log)" grep -q QUENCH_ISA fail.h5.slurm/2.log
check not_merged_after_failure "$(ls)" [ ! -e fail.h5 ]
check parts_stay "$(ls fail.h5.parts)" [ "$first" = "$(find fail.h5.parts -name '[!.]*.h5' | sort)" ]
q submit tasks.yaml -o fail.h5 --jobs 2
wait_for fail.h5
same after_failure_same_bits one.h5 fail.h5

# ---- ranks under srun ----

if [ -e "$build/quench_mpi.so" ] && srun --mpi=list 2>&1 | grep -q pmix; then
    status=0
    timeout 60 srun -n 2 --mpi=pmix "$quench" run tasks.yaml -j1 -o ranks.h5 >out 2>err </dev/null || status=$?
    expect srun 0 '40 of 40 tasks done'
    check srun_one_voice "$(cat err)" [ "$(grep -c 'tasks done' err)" -eq 1 ]
    same srun_same_bits one.h5 ranks.h5
fi
status=0
timeout 60 srun -n 2 --mpi=none "$quench" run tasks.yaml -q -j1 -o none.h5 >out 2>err </dev/null || status=$?
expect srun_without_pmi 2 'without a way for MPI to join them'
check srun_without_pmi_once "$(cat err)" [ "$(grep -c 'without a way' err)" -eq 1 ]
cat >own <<'SH'
#!/bin/sh
exec "$QUENCH" run tasks.yaml -q -j1 -o own.h5 --part $((SLURM_PROCID + 1))/2
SH
chmod +x own
status=0
QUENCH=$quench QUENCH_MPI=0 timeout 60 srun -n 2 --mpi=none ./own >out 2>err </dev/null || status=$?
expect processes_on_their_own 0
q merge own.h5
same own_same_bits one.h5 own.h5

cluster_down
check taken_down "$(pgrep -af "$work/cluster")" [ -z "$(pgrep -f "$work/cluster")" ]
finish
