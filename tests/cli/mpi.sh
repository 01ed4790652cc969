#!/usr/bin/env bash
# mpi.sh -- one run in several processes: the same bits, work on every rank, a rank that dies, one voice.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
so=$build/quench_mpi.so
if ! command -v mpirun >/dev/null 2>&1 || [ ! -e "$so" ]; then
    echo "ok no_mpi_here"
    exit
fi
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
export ASAN_OPTIONS=detect_leaks=0:${ASAN_OPTIONS:-} # MPI libraries keep memory to the end
unset QUENCH_MPI
ranks() { # N ARGUMENTS...: as q, in N processes
    local n=$1
    shift
    status=0
    mpirun -n "$n" "$quench" "$@" >out 2>err </dev/null || status=$?
}
# same NAME A B: to the last bit
same() {
    q diff --exact "$2" "$3"
    expect "$1" 0
}

cat >tasks.yaml <<'YAML'
model: hebbian
seed: 1
replicas: 10
parameters: {N: 128, P: 4, K: 64}
sweep:
  T: {from: 0.3, to: 2, points: 10}
sampling: {thermalization: 10, steps: 100}
YAML
q run tasks.yaml -q -j1 -o one.h5

# ---- the same bits, and all ranks at work ----

ranks 2 run tasks.yaml -j2 -o two.h5
expect two_ranks 0 '^quench: 100 of 100 tasks done \(0 before\).*result in two.h5'
check one_voice "$(cat err)" [ "$(grep -c 'tasks done' err)" -eq 1 ]
same two_ranks_same_bits one.h5 two.h5
check ranks_are_told "no 2 in /environment" grep -q '(0): 2' <(h5dump -a /environment/ranks two.h5)
check no_parts_left "$(ls -d two.h5.parts 2>&1)" [ ! -e two.h5.parts ]
ranks 2 run tasks.yaml -j2 -o two.h5
expect finished_again 0 '100 before'

# As shares, which leave their parts: each rank has written some.
for i in 1 2; do
    ranks 2 run tasks.yaml -q -j2 -o share.h5 --part $i/2
    expect share_$i 0
done
writers=$(find share.h5.parts -name '*.h5' | sed 's/-[0-9]*\.h5$//' | sort -u | wc -l)
check every_rank_has_run_tasks "$writers processes wrote parts, not 4" [ "$writers" -eq 4 ]
q merge share.h5
same shares_same_bits one.h5 share.h5

ranks 3 run tasks.yaml -q -j1 -o few.h5 --set replicas=1 --set T=0.5 # fewer tasks than ranks
expect more_ranks_than_tasks 0
q run tasks.yaml -q -o few1.h5 --set replicas=1 --set T=0.5
same more_ranks_same_bits few.h5 few1.h5

# ---- adaptive: every stage by all ranks ----

cat >target.yaml <<'YAML'
model: hebbian
seed: 7
replicas: 4
parameters: {N: 64, P: 2}
sweep:
  T: {from: 0.4, to: 1.4, points: 5}
sampling: {thermalization: 10, steps: 60}
target: {m: 0.01, replicas: 24}
refine: {observable: m, level: 0.5, tolerance: 0.02, rounds: 4}
YAML
q run target.yaml -q -j1 -o target1.h5
expect adaptive_alone 0
ranks 2 run target.yaml -j1 -o target2.h5
expect adaptive 0 'is located'
same adaptive_same_bits target1.h5 target2.h5

# ---- stopped, killed, and on ----

# A run long enough to be hit, of tasks long enough to have checkpoints.
long=(--set K=256 --set sampling.steps=10000 --set replicas=4)
q run tasks.yaml -q -j2 -o whole.h5 "${long[@]}"
# start FILE: in the background, until parts are there; the launcher in $launcher
start() {
    mpirun -n 2 "$quench" run tasks.yaml -j1 -o "$1" --flush 0.1 "${long[@]}" >out 2>err </dev/null &
    launcher=$!
    for _ in $(seq 300); do
        [ "$(find "$1.parts" -name '[!.]*.h5' 2>/dev/null | wc -l)" -ge 2 ] && return
        sleep 0.05
    done
}
# One rank of the launcher, by its own number.
rank_of() {
    local p
    for p in $(ps -o pid= --ppid "$launcher"); do
        grep -qz "^OMPI_COMM_WORLD_RANK=$1\$" "/proc/$p/environ" 2>/dev/null && echo "$p"
    done
}
ended() {
    status=0
    wait "$launcher" || status=$?
}

for rank in 1 0; do
    start killed$rank.h5
    victim=$(rank_of $rank)
    check found_rank_$rank "no process of that rank" [ -n "$victim" ]
    kill -9 "$victim"
    ended
    check rank_${rank}_died "the launcher returned 0" [ "$status" -ne 0 ]
    check rank_${rank}_left_parts "none" [ "$(find killed$rank.h5.parts -name '[!.]*.h5' | wc -l)" -ge 1 ]
    ranks 2 run tasks.yaml -j1 -o killed$rank.h5 "${long[@]}"
    expect goes_on_without_rank_$rank 0 'result in'
    check did_not_begin_again_$rank "$(cat err)" test "$(sed -n 's/.*done (.*), \([0-9]*\) steps in.*/\1/p' err)" -lt 400400
    same killed_${rank}_same_bits killed$rank.h5 whole.h5
done

start stopped.h5
kill -TERM "$(rank_of 1)" # one rank alone: all stop
ended
check one_stops_all "exit status $status: $(head -c 300 err)" [ "$status" -eq 75 ]
check stop_is_told_once "$(cat err)" [ "$(grep -c 'stopped; the same command goes on' err)" -eq 1 ]
q run tasks.yaml -j2 -o stopped.h5 "${long[@]}"
expect goes_on_alone 0 'result in'
same stopped_same_bits stopped.h5 whole.h5

start locked.h5
q run tasks.yaml -j1 -o locked.h5 "${long[@]}"
expect ranks_hold_the_lock 2 'another run is writing'
kill -TERM "$launcher" # which passes it on
ended
check launcher_stopped "exit status $status" [ "$status" -ne 0 ]

# ---- bad input, told once ----

# once NAME PATTERN ARGUMENTS...
once() {
    local name=$1 pattern=$2
    shift 2
    ranks 2 "$@"
    expect "$name" 2 "$pattern"
    check "${name}_once" "$(cat err)" [ "$(grep -Ec -- "$pattern" err)" -eq 1 ]
}
once no_file 'nowhere.yaml: No such file' run nowhere.yaml
sed 's/model: hebbian/model: hebian/' tasks.yaml >typo.yaml
once typo "unknown model" run typo.yaml -o bad.h5
once option 'no option --thread' run tasks.yaml --thread 3
printf 'not a result\n' >text.h5
once foreign_output 'it is left as it is' run tasks.yaml -q -o text.h5
check nothing_written "$(ls)" [ ! -e bad.h5 ] && check nothing_left "$(ls)" [ ! -e bad.h5.parts ]
ranks 2 run tasks.yaml -q -o nofolder/x.h5
expect no_folder 2 'cannot be written'
check no_folder_once "$(cat err)" [ "$(grep -c 'cannot be written' err)" -eq 1 ]
cat >ranked <<'SH'
#!/bin/sh
exec "$QUENCH" run tasks.yaml -q -o unlike.h5 --set seed="$OMPI_COMM_WORLD_RANK"
SH
chmod +x ranked
status=0
QUENCH=$quench mpirun -n 2 ./ranked >out 2>err </dev/null || status=$?
check unlike_ranks "exit status $status: $(cat err)" grep -q 'has other tasks to run' err
cat >ranked <<'SH'
#!/bin/sh
[ "$OMPI_COMM_WORLD_RANK" = 0 ] || set -- -o
exec "$QUENCH" run tasks.yaml -q "$@"
SH
status=0
QUENCH=$quench mpirun -n 2 ./ranked >out 2>err </dev/null || status=$?
check the_other_ranks_mistake_is_told "$(cat err)" [ "$status" -eq 2 ] && grep -q -- '--output needs' err

# ---- without MPI, or with another ----

check program_knows_no_mpi "$(ldd "$quench")" [ -z "$(ldd "$quench" | grep -i mpi)" ]
mkdir alone
cp "$quench" alone/
status=0
OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_RANK=0 alone/quench run tasks.yaml -q -o alone.h5 >out 2>err || status=$?
expect no_shared_object 2 'quench_mpi.so, which joins them, is not beside the program'
status=0
OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_RANK=1 alone/quench run tasks.yaml -q -o alone.h5 >out 2>err || status=$?
check no_shared_object_once "$(cat err)" [ "$status" -eq 2 ] && [ ! -s err ]
status=0
SLURM_STEP_NUM_TASKS=2 SLURM_PROCID=0 "$quench" run tasks.yaml -q -o alone.h5 >out 2>err || status=$?
expect srun_without_pmi 2 'without a way for MPI to join them'
status=0
QUENCH_MPI=0 OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_RANK=1 alone/quench run tasks.yaml -q -j1 -o alone.h5 >out 2>err || status=$?
expect on_its_own 0
same on_its_own_same_bits alone.h5 one.h5

# `make` adds the shared object to a tree that is built already, once mpicc is there, and needs none.
made() { make -C "$root" -n B="$work/tree" MPICC="$1" all 2>/dev/null | grep -c 'quench_mpi.so'; }
check made_with_mpicc "make does not build it" [ "$(made mpicc)" -ge 1 ]
check not_made_without "make wants it" [ "$(made no-such-compiler)" -eq 0 ]
finish
