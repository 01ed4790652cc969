#!/bin/bash
# trace.sh -- `quench trace`: one task, every measurement of it, with the random numbers that it has in its sweep.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

cat >sweep.yaml <<'Y'
model: hebbian
seed: 3
replicas: 3
parameters: {N: 100, P: 4, replicas_per_disorder: 2}
sweep:
  load: [0.05, 0.1]
  T: {from: 0.2, to: 0.8, points: 4}
sampling: {thermalization: 50, steps: 200, bins: 10}
output: result.h5
Y
q run sweep.yaml -j 2 -q
expect sweep 0
q trace sweep.yaml --where T=0.6 --where load=0.1 --replica 2
expect trace 0 'result_trace.h5'
q trace result.h5 --where T=0.6 --where load=0.1 --replica 2 -o again.h5
expect of_a_result 0
check a_result_has_its_sweep "the traces differ" "$quench" diff result_trace.h5 again.h5

# The means of the result are the means of the trace after thermalization, to rounding.
check means "" "$python" - <<'P'
import h5py, numpy as np
r, t = h5py.File("result.h5"), h5py.File("result_trace.h5")
i = int(np.argmin(abs(r["T"][:] - 0.6)))
assert t["time"].shape == (250,) and t["time"][0] == 1 and t["time"][249] == 250
assert t.attrs["thermalization"] == 50 and t.attrs["replica"] == 1 and t.attrs["steps"] == 250
names = [n for n in r["samples"] if n + "_tau" in r["samples"] and r["samples/" + n].ndim == 4]
assert len(names) >= 8, names
for n in names:
    assert t[n].shape == (250,), n
    want, have = r["samples/" + n][1, i, 1].mean(), t[n][50:].mean()
    assert abs(want - have) <= 1e-12 * max(1, abs(want)), (n, want, have)
assert np.ptp(t["u"][:]) > 0
want, have = r["samples/m_final"][1, i, 1], t["m_final"][()]
assert want == have, (want, have)
P
check xarray "" "$python" -c 'import xarray; d = xarray.open_dataset("result_trace.h5"); assert d.u.dims == ("time",)'

q trace sweep.yaml --where T=0.6 --where load=0.1 --replica 2 --csv
expect csv 0
check csv_has_all "$(head -3 out)" test "$(wc -l <out)" -eq 251
q plot result_trace.h5 u -o u.png
expect plot 0
q trace sweep.yaml --where T=0.6 --where load=0.1 --set sampling.interval=10 -o coarse.h5
expect other_grid 0
check a_coarser_grid_is_the_same_task "" "$python" -c '
import h5py
a, b = h5py.File("coarse.h5"), h5py.File("again.h5")
assert a["time"][:].tolist() == list(range(10, 251, 10))'

# A rung of a ladder, and a point along a continuation: the task is the whole chain.
for chain in 'tempering: {axis: T, interval: 2}' 'continuation: {axis: T}'; do
    name=${chain%%:*}
    { sed "s/result.h5/$name.h5/" sweep.yaml && echo "$chain"; } >"$name.yaml"
    q run "$name.yaml" -j 2 -q
    expect "$name" 0
    q trace "$name.yaml" --where T=0.6 --where load=0.1 --replica 2
    expect "${name}_trace" 0
    check "${name}_same_task" "" "$python" - "$name" <<'P'
import sys, h5py, numpy as np
r, t = h5py.File(sys.argv[1] + ".h5"), h5py.File(sys.argv[1] + "_trace.h5")
i = int(np.argmin(abs(r["T"][:] - 0.6)))
last = r["samples/u"][1, i, 1][-1]  # the mean of the last bin, the last 20 measurements
assert abs(t["u"][:][-20:].mean() - last) < 1e-12
assert b"0.6" in np.bytes_(t.attrs["parameter:T"]) and "T" not in t
P
done

refuse() { # NAME PATTERN ARGUMENTS...
    local name=$1 pattern=$2
    shift 2
    q trace "$@" -o refused.h5
    expect "$name" 2 "$pattern"
    check "${name}_writes_nothing" "refused.h5 is there" test ! -e refused.h5
}
refuse axis_not_named 'load=VALUE' sweep.yaml --where T=0.6
refuse no_such_value 'T has 0.2' sweep.yaml --where T=0.7 --where load=0.1
refuse no_such_axis 'no axis of that name' sweep.yaml --where beta=1
refuse no_condition 'NAME=VALUE is expected' sweep.yaml --where T
refuse not_a_number 'no such value' sweep.yaml --where T=warm --where load=0.1
refuse set_of_a_result 'is a result' result.h5 --where T=0.6 --where load=0.1 --set P=2
refuse no_file 'nothing.yaml' nothing.yaml
q trace sweep.yaml --where T=0.6 --where load=0.1 --replica 0
expect replicas_from_one 2 'replica'
finish
