#!/bin/bash
# reader.sh -- tools/quench.py against what the program itself computed: means, derived quantities and their errors.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

cat >sweep.yaml <<'Y'
model: hebbian
seed: 8
replicas: 10
parameters: {N: 60, P: 2, start: "random"}
sweep:
  load: [0.05, 0.1]
  T: [0.6, 0.9, 1.2]
sampling: {thermalization: 50, steps: 205, bins: 10}
output: many.h5
Y
q run sweep.yaml -q
expect run 0
q run "$root/models/template/ising.yaml" --plugin "$root/models/template/ising.so" --set replicas=3 --set sampling.steps=1003 -o few.h5 -q
expect run_few 0
export PYTHONPATH=$root/tools
check reads "" "$python" - <<'P'
import numpy as np, quench
r = quench.open("many.h5")
assert r.axes == ["load", "T"] and r.data.m2.dims == ("load", "T")
b = r.bins("m2")
assert b.dims == ("load", "T", "replica", "bin") and b.shape == (2, 3, 10, 10), b.shape
assert np.allclose(b["T"], [0.6, 0.9, 1.2])
n = r.bin_sizes(10)
assert n.shape == (2, 3, 10, 10) and (n.sum("bin") == 205).all() and set(np.unique(n)) == {20, 21}
mean = (b * n).sum("bin") / n.sum("bin")
assert np.allclose(mean.mean("replica"), r.data.m2, rtol=1e-13)
assert r.value("m_final").dims == ("load", "T", "replica")
v, e = r.jackknife(lambda m2: m2, "m2")
assert np.allclose(v, r.data.m2, rtol=1e-12) and np.allclose(e, r.data.m2_err, rtol=1e-10)
v, e = r.jackknife(lambda x: x, "m_final")
assert np.allclose(v, r.data.m_final, rtol=1e-12) and np.allclose(e, r.data.m_final_err, rtol=1e-10)
P
# Every derived quantity that the program stores, out of its own expression: over replicas (ten) and over blocks of bins (three).
cat >derived.py <<'P'
import re, sys, numpy as np, quench
r = quench.open(sys.argv[1])
d, seen = r.data, 0
for name, v in d.data_vars.items():
    e = v.attrs.get("expression")
    if not e or v.attrs["average"] != "of the series before the expression":
        continue
    words = sorted(set(re.findall(r"[A-Za-z_]\w*", e)) - {"sqrt", "log", "exp", "abs"})
    series = [w for w in words if w in d and w not in d.coords]
    for point in np.ndindex(v.shape):
        have = {w: d[w].values[point[v.dims.index(w)]] if w in v.dims else float(d.attrs["parameter:" + w]) for w in words if w not in series}
        f = lambda *a: eval(e.replace("^", "**"), {"sqrt": np.sqrt, "log": np.log, "exp": np.exp, "abs": abs}, {**have, **dict(zip(series, a))})
        value, err = r.jackknife(f, *series)
        want, want_err = v.values[point], d[name + "_err"].values[point]
        if np.isnan(want):
            continue
        assert np.isclose(value.values[point], want, rtol=1e-8, atol=1e-12), (name, point, value.values[point], want)
        assert np.isclose(err.values[point], want_err, rtol=1e-8, atol=1e-12), (name, point, err.values[point], want_err)
        seen += 1
assert seen >= int(sys.argv[2]), seen
P
check derived_over_replicas "" "$python" derived.py many.h5 6
check derived_over_bins "" "$python" derived.py few.h5 6
echo no >no.h5
check not_ours "" "$python" -c '
import quench
try: quench.open("no.h5")
except (OSError, ValueError): pass
else: raise SystemExit("opened")
try: quench.open("many.h5").bins("magnetisation")
except KeyError as e: assert "m2" in str(e)
else: raise SystemExit("found")
try: quench.open("many.h5").bins("m_final")
except KeyError as e: assert "no series" in str(e)
else: raise SystemExit("found")'
finish
