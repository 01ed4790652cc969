#!/bin/bash
# reweight.sh -- `quench reweight` as a user calls it: the numbers between, the file, the figure, what is refused.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

cat >sweep.yaml <<'Y'
model: ising
seed: 5
replicas: 8
parameters: {L: 4, dynamics: heatbath}
sweep:
  T: {from: 1.5, to: 4.0, points: 6}
sampling: {thermalization: 200, steps: 2000, interval: 2, bins: 1000}
output: runs.h5
Y
q run sweep.yaml --plugin "$root/models/template/ising.so" -q
expect run 0
q reweight runs.h5 u m_abs specific_heat --points 26
expect reweight 0 'runs_reweighted.h5'
# At the temperatures of the runs the reweighted means are those of the runs within their errors, and never less sure by much.
check agrees_with_the_runs "" "$python" - <<'P'
import numpy as np, xarray
a, b = xarray.open_dataset("runs.h5"), xarray.open_dataset("runs_reweighted.h5")
assert b.sizes["T"] == 26 and b.u.attrs["kind"] == "reweighted"
for n in ("u", "m_abs", "specific_heat"):
    for t in a["T"].values:
        x, y = a.sel(T=t), b.sel(T=t, method="nearest")
        assert abs(float(y["T"]) - t) < 1e-9
        assert abs(float(x[n] - y[n])) < 3 * float(x[n + "_err"]), (n, t)
        assert float(y[n + "_err"]) < 1.5 * float(x[n + "_err"]), (n, t)
assert abs(float(b.log_z.isel(T=-1))) < 1e-9 and float(b.log_z.isel(T=0)) > 5
P
q reweight runs.h5 'c=L^2*(u2-u^2)/T^2' specific_heat --where T=2:3 --csv
expect csv 0
check an_expression_is_its_derived_quantity "$(head -3 out)" "$python" - <<'P'
rows = [r.split(",") for r in open("out").read().split("\n")[1:] if r]
assert len(rows) == 100 and float(rows[0][0]) == 2 and float(rows[-1][0]) == 3
assert all(r[1:3] == r[3:5] for r in rows), rows[0]
P
q plot runs.h5 u --overlay runs_reweighted.h5 -o u.png
expect plot 0
sed 's/bins: 1000/bins: 32/; s/runs.h5/few.h5/' sweep.yaml >few.yaml
q run few.yaml --plugin "$root/models/template/ising.so" -q
refuse() { # NAME PATTERN ARGUMENTS...
    local name=$1 pattern=$2
    shift 2
    q reweight "$@" -o refused.h5
    expect "$name" 2 "$pattern"
    check "${name}_writes_nothing" "refused.h5 is there" test ! -e refused.h5
}
refuse not_every_measurement 'bins: 1000' few.h5
refuse no_such_observable 'm_abs' runs.h5 m_ab
refuse no_such_axis "no axis 'beta'" runs.h5 --along beta
refuse derived_of_another_kind 'neither a series' runs.h5 'c=u*height'
refuse without_a_name 'NAME=u' runs.h5 'u*m'
refuse bad_energy 'energy' runs.h5 --energy 'L^2*('
echo no >no.h5
refuse not_ours 'no.h5' no.h5
finish
