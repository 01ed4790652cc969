#!/usr/bin/env bash
# povm_from.sh -- engine povm starts from the parameters in a result file (`from`): the same state at first, and one sentence for a file that does not fit.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

cat >first.yaml <<'YAML'
model: povm
seed: 1
parameters: {task: steady, ansatz: made, N: 3, batch: 256, enumerate: true, decay: 50}
sampling: {steps: 50, interval: 50, artifacts: [theta]}
YAML
q run first.yaml -q -o first.h5
expect first 0
q run first.yaml -q -o again.h5 --set from=first.h5 --set sampling.steps=1 --set sampling.interval=1 --set lr=1e-12 --set report=last --set 'sampling.artifacts=[]'
expect again 0
check same_state "$(cat err)" "$python" -c '
import xarray
a, b = xarray.open_dataset("first.h5"), xarray.open_dataset("again.h5")
assert abs(a.sz_end + 1) > 0.01 and abs(a.C_end) > 0.01 # not a state that anything reaches
for o in "sx_end", "sy_end", "sz_end", "C_end":
    assert abs(float(a[o]) - float(b[o])) < 1e-5, (o, float(a[o]), float(b[o]))'

refused() { # NAME PATTERN OPTIONS...
    q run first.yaml -q -o refused.h5 "${@:3}"
    expect "$1" 2 "$2"
    check "$1: writes nothing" "there is a result" [ ! -e refused.h5 ]
}
refused other_size 'from: first.h5: its network has number of sites 3; 4 was expected' --set from=first.h5 --set N=4
refused other_ansatz 'from: first.h5: it holds the parameters of ansatz made; those of gru were expected' --set from=first.h5 --set ansatz=gru
refused other_povm 'from: first.h5: its network is for the outcomes of povm tetra_cube; pauli4 was expected' --set from=first.h5 --set povm=pauli4
refused no_theta "from: again.h5: does not hold the artifact 'theta'" --set from=again.h5
refused no_file 'from: .*nowhere.h5' --set from=nowhere.h5

finish
