#!/usr/bin/env bash
# povm.sh -- engine povm at the command line: mistakes and warnings with their sentences, couplings as parameters and axes, the same bits with any number of
# threads and after interruptions, theory.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

# sweep PARAMETERS [SWEEP]: the inside of two flow mappings; writes s.yaml
sweep() {
    cat >s.yaml <<YAML
model: povm
seed: 1
parameters: {$1}
sweep: {${2:-}}
sampling: {steps: 2}
output: s.h5
YAML
}
# bad NAME PATTERN PARAMETERS [SWEEP]: one message that fits, exit status 2, no result
bad() {
    sweep "$3" "${4:-}"
    q run s.yaml -q
    expect "$1" 2 "^quench: s.yaml:[0-9]+:[0-9]+: $2"
    check "$1: one message" "$(messages) messages: $(head -c 600 err)" [ "$(messages)" -eq 1 ]
    check "$1: writes nothing" "there is a result" [ ! -e s.h5 ]
}
warns() { # NAME PATTERN PARAMETERS [SWEEP]: runs, with one warning
    sweep "$3" "${4:-}"
    q run s.yaml -q
    expect "$1" 0 "^quench: s.yaml:[0-9]+:[0-9]+: warning: $2"
    check "$1: one warning" "$(head -c 400 err)" [ "$(grep -c warning: err)" -eq 1 ]
    check "$1: result" "no result" [ -e s.h5 ]
    rm -f s.h5
}
silent() { # NAME PARAMETERS [SWEEP]: runs without a word
    sweep "$2" "${3:-}"
    q run s.yaml -q
    expect "$1" 0
    check "$1: no warning" "$(head -c 400 err)" [ "$(grep -c warning: err)" -eq 0 ]
    rm -f s.h5
}

# ---- mistakes ----

bad imaginary_factor "hamiltonian: the factor 'i' is not real, so that the term is not Hermitian" 'hamiltonian: "i ZZ"'
bad imaginary_number "hamiltonian: the factor '0.5j' is not real" 'hamiltonian: "V/4 ZZ + 0.5j X"'
bad imaginary_and_a_name 'hamiltonian: the factor .* not real' 'hamiltonian: "i*J ZZ", J: 2'
bad lowering_operator "hamiltonian: the term 's-' is not Hermitian; use X, Y and Z" 'hamiltonian: "g s-"'
bad hopping "hamiltonian: the term 's\+s-' is not Hermitian" 'hamiltonian: "J s+s-", J: 1'
bad three_letters "hamiltonian: the word 'XYZ' is too long; one letter acts on every site, two on every bond" 'hamiltonian: "V XYZ"'
bad unknown_letter "hamiltonian: 'ZQ' is no word; the letters are X, Y, Z" 'hamiltonian: "J/4 ZQ + g X", J: 2'
bad unknown_jump "jumps: 'Q' is no word" 'jumps: "0.5 Q"'
bad no_word "hamiltonian: '2' has no word" 'hamiltonian: "2"'
bad infinite_factor "hamiltonian: the factor 'V/g' is -?(inf|nan)" 'hamiltonian: "V/g ZZ", g: 0'
bad infinite_factor_on_an_axis "hamiltonian: the factor 'V/g' is" 'hamiltonian: "V/g ZZ"' 'g: [1, 0]'
bad missing_coupling 'model povm needs the parameter J \(named in hamiltonian\)' 'hamiltonian: "J XX"'
bad observable_as_coupling "hamiltonian names 'ess', which is an observable" 'hamiltonian: "ess XX"'
bad unknown_start "start: 'sideways' is no product state; up, down" 'start: sideways'
bad long_start "start: the Bloch vector '0, 0, 2' has the length 2; it is at most 1" 'start: "0, 0, 2"'
bad mixed_trajectories 'start: trajectories start from a pure state; .* length 0.5' 'task: trajectories, start: "0, 0, 0.5"'
bad site_out_of_range 'bonds: site 4 is out of range; the sites of N = 4 are 0 to 3' 'lattice: graph, N: 4, bonds: [0, 1, 1, 4]'
bad half_a_bond 'bonds: 3 numbers are no pairs of sites' 'lattice: graph, N: 4, bonds: [0, 1, 2]'
bad bond_to_itself 'bonds: the bond 2, 2 joins a site with itself' 'lattice: graph, N: 4, bonds: [0, 1, 2, 2]'
bad too_many_for_exact 'N: exact_steady of 20 sites needs 21 TiB of memory, and this machine has' 'N: 20'
bad too_many_for_exact_by_L 'Lx: exact_dynamics of 25 sites needs .*iB of memory' 'task: exact_dynamics, lattice: grid, Lx: 5, Ly: 5'
bad too_many_for_trajectories 'N: 24 sites are too many for trajectories; at most 20' 'task: trajectories, N: 24'
bad too_many_trajectories 'trajectories: 1000000 trajectories of 20 sites need 15 TiB of memory' 'task: trajectories, N: 20, trajectories: 1000000'
bad pauli6_steady 'povm: pauli6 has directions outside the states' 'task: steady, povm: pauli6'
bad pauli6_fbt 'povm: pauli6 has directions outside the states' 'task: fbt, povm: pauli6'
bad task_unknown "task cannot be 'exact_stedy'; did you mean 'exact_steady'" 'task: exact_stedy'
bad tau_zero 'tau = 0 is out of range' 'tau: 0'
bad no_sites 'N = 0 is out of range' 'N: 0'

# ---- warnings ----

warns not_connected 'bonds: the graph is not connected' 'lattice: graph, N: 4, bonds: [0, 1, 2, 3]'
warns no_bonds 'lattice: a graph without bonds' 'lattice: graph, N: 2'
warns idle_coupling 'gamma: neither hamiltonian nor jumps name it' 'jumps: "0.5 Z", gamma: 2'
warns idle_size 'N: has no part in lattice: grid' 'lattice: grid, Lx: 2, Ly: 2, N: 5'
silent pauli6_exact 'povm: pauli6'
silent every_task_that_is_exact 'N: 3' 'task: [exact_steady, exact_dynamics, trajectories]'

# ---- couplings are parameters ----

sweep 'hamiltonian: "J/N ZZ + (h + 1) X", h: -0.5, N: 3' 'J: [1.5, -3], jumps: [s-, "sqrt(kappa) Z + s-"], kappa: [0, 2]'
q run s.yaml -q
expect named_axes 0
check named_axes_values "$(cat err)" "$python" -c '
import xarray, numpy as np
x = xarray.open_dataset("s.h5")
assert x.sz.sizes["J"] == 2 and x.sz.sizes["kappa"] == 2 and x.sz.sizes["jumps"] == 2
z = x.sz_end.values
assert np.isfinite(z).all() and np.ptp(z) > 1e-3
assert np.abs(x.sz_end.isel(jumps=0, kappa=0) - x.sz_end.isel(jumps=0, kappa=1)).max() == 0
assert np.abs(x.sz_end.isel(jumps=1, kappa=0) - x.sz_end.isel(jumps=0, kappa=0)).max() < 1e-12'
rm -f s.h5

# ---- the same bits ----

cat >bits.yaml <<'YAML'
model: povm
seed: 20261124
replicas: 2
parameters: {tau: 0.2, trajectories: 20}
sweep:
  task: [exact_steady, exact_dynamics, trajectories]
  N: [3, 5]
  g: [0.7, 2]
sampling: {steps: 60, interval: 4}
YAML
same() { # NAME A B
    local why
    if why=$("$python" "$here/same.py" "$2" "$3" 2>&1); then ok "$1"; else not_ok "$1" "$(echo "$why" | head -3 | tr '\n' ';')"; fi
}
q run bits.yaml -q -j1 -o one.h5
expect one_thread 0
for j in 2 8; do
    q run bits.yaml -q -j$j -o "$j.h5"
    expect "$j threads" 0
    same "$j threads, same bits" one.h5 "$j.h5"
done

# One task that has several threads to itself, and one that is stopped in the middle again and again.
cat >alone.yaml <<'YAML'
model: povm
seed: 3
parameters: {task: trajectories, N: 10, tau: 0.5, trajectories: 160}
sampling: {steps: 30, interval: 10}
YAML
begin=$(date +%s%N)
q run alone.yaml -q -j1 -o alone1.h5
wall=$((($(date +%s%N) - begin) / 1000000))
expect alone_one_thread 0
q run alone.yaml -q -j3 -o alone3.h5
expect alone_three_threads 0
same "threads inside a task, same bits" alone1.h5 alone3.h5
stops=0
for _ in $(seq 40); do
    q run alone.yaml -q -j2 -o stopped.h5 --time "$(awk "BEGIN { printf \"%.3f\", $wall / 5000 * (1 + $stops / 8) }")" --flush 0.01
    [ "$status" -eq 75 ] || break
    stops=$((stops + 1))
done
expect stopped_and_resumed 0
check stopped_at_all "stopped $stops times" [ "$stops" -ge 1 ]
same stopped_and_resumed_same_bits alone1.h5 stopped.h5
q verify one.h5 --points 4
expect verify 0

# ---- continuation along a coupling: the same steady states, from the neighbour's ----

for chain in "" "continuation: {axis: g}"; do
    cat >chain.yaml <<YAML
model: povm
seed: 5
parameters: {N: 5, tau: 0.5, trajectories: 64}
sweep: {task: [exact_steady, trajectories], g: [0.5, 1, 1.5]}
sampling: {thermalization: 20, steps: 100}
$chain
YAML
    q run chain.yaml -q -j2 -o "chain${chain:+ed}.h5"
    expect "continuation '$chain'" 0
done
check continuation_values "$(cat err)" "$python" -c '
import xarray, numpy as np
a, b = xarray.open_dataset("chain.h5"), xarray.open_dataset("chained.h5")
for o in "sx_end", "sy_end", "zz_end":
    x, y = (d[o].sel(task="exact_steady") for d in (a, b))
    assert np.isfinite(y).all() and abs(x - y).max() < 1e-11, o
exact = b.sz_end.sel(task="exact_steady")
mean, err = b.sz_mean.sel(task="trajectories"), b.sz_mean_err.sel(task="trajectories")
assert (err < 0.02).all() and (abs(mean - exact) < 5 * err).all(), (mean - exact) / err'
sweep 'N: 3, task: exact_dynamics' 'g: [0.5, 1]'
echo 'continuation: {axis: g}' >>s.yaml
q run s.yaml -q
expect continuation_of_dynamics 2 'exact_dynamics begins at t = 0 at every point'

# ---- theory ----

q theory povm --set N=4 --set g=1 --csv
expect theory 0
for want in sx_end:0.4397812534 sy_end:0.1871861250 sz_end:-0.8128138750 sz_mean:-0.8128138750 zz_end:0.7028685617 gap:0.5450532782 sz_identity:-0.8128138750 sy_spin:0.6666666667; do
    check "theory ${want%%:*}" "$(cat out)" "$python" - "$want" <<'PY'
import csv, sys
name, want = sys.argv[1].split(":")
row = next(csv.DictReader(open("out")))
assert abs(float(row[name]) - float(want)) < 2e-10, row
PY
done

finish
