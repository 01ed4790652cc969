#!/bin/bash
# adaptive.sh -- target and refine: errors that are reached, boundaries that are found, the same bits in pieces and on any number of threads, and how
# little a boundary costs.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

plugin=(--plugin "$root/models/template/ising.so")
cat >target.yaml <<'Y'
model: ising
seed: 5
replicas: 4
parameters: {L: 8, dynamics: heatbath}
sweep:
  T: {from: 1.6, to: 3.2, points: 5}
sampling: {thermalization: 100, steps: 400}
target: {m_abs: 0.01, replicas: 24}
output: target.h5
Y
sed 's/^replicas: 4/replicas: 8/; s/  T:/  L: [8, 16]\n  T:/; s/{L: 8, dynamics: heatbath}/{dynamics: cluster}/; s/^target:.*/refine: {observable: m_abs, level: 0.5, tolerance: 0.01, replicas: 64}/; s/target.h5/refine.h5/' target.yaml >refine.yaml

for kind in target refine; do
    q check $kind.yaml "${plugin[@]}"
    expect ${kind}_check 0
    q run $kind.yaml "${plugin[@]}" -j1 -q
    expect $kind 0
    q run $kind.yaml "${plugin[@]}" -j2 -q -o two.h5
    check ${kind}_two_threads "two threads give other numbers" "$quench" diff --exact $kind.h5 two.h5
    # Killed again and again; the parts must carry it to the same end.
    for ((i = 0; i < 25; i++)); do
        { timeout -s KILL 0.3 "$quench" run $kind.yaml "${plugin[@]}" -j2 -q --flush 0.02 -o pieces.h5; } >/dev/null 2>&1 && break
    done 2>/dev/null
    q run $kind.yaml "${plugin[@]}" -j2 -q -o pieces.h5
    expect ${kind}_in_pieces 0
    check ${kind}_in_pieces_same_bits "the pieces give other numbers (after $i kills)" "$quench" diff --exact $kind.h5 pieces.h5
    q verify $kind.h5 "${plugin[@]}" --all
    expect ${kind}_verify 0
    q run $kind.yaml "${plugin[@]}" -q
    expect ${kind}_again 0 '0 steps'
    q status $kind.h5 "${plugin[@]}"
    expect ${kind}_status 0
    rm -f two.h5 pieces.h5
done

# The number of replicas is the first of 4, 5, 6, 7, 8, 10, ... whose first n meet the target: with one number less they do not.
grep -v ^target target.yaml >plain.yaml
check first_that_meets "" "$python" - "$quench" "${plugin[1]}" <<'P'
import subprocess, sys, h5py, numpy as np
quench, so = sys.argv[1:]
d = h5py.File("target.h5")
n, err = d["replicas"][:], d["m_abs_err"][:]
sequence = [4]
while sequence[-1] < 24:
    sequence.append(min(24, max(sequence[-1] + 1, sequence[-1] * 5 // 4)))
assert set(n) <= set(sequence) and len(set(n)) > 1, n
assert all(e <= 0.01 or k == 24 for e, k in zip(err, n)) and (n == 24).any(), (n, err)
for i in np.flatnonzero((n > 4) & (err <= 0.01)):
    before = sequence[sequence.index(n[i]) - 1]
    subprocess.run([quench, "run", "plain.yaml", "--plugin", so, "-q", "--set", f"T={float(d['T'][i])!r}", "--set", f"replicas={before}",
                    "-o", f"before{i}.h5"], check=True, capture_output=True)
    assert h5py.File(f"before{i}.h5")["m_abs_err"][()] > 0.01, (i, before)
P
check where_it_crosses "" "$python" - <<'P'
import h5py, numpy as np, xarray
assert xarray.open_dataset("refine.h5").m_abs.dims == ("point",)
d = h5py.File("refine.h5")
assert d.attrs["axes"] in ("point", b"point") and d["m_abs"].shape == d["T"].shape == d["L"].shape
for L in (8, 16):
    at = d["L"][:] == L
    t, m = d["T"][at], d["m_abs"][at]
    o = np.argsort(t)
    t, m = t[o], m[o]
    assert len(t) > 8
    gap = min(b - a for a, b, x, y in zip(t, t[1:], m, m[1:]) if (x - 0.5) * (y - 0.5) <= 0)
    assert gap <= 0.02 + 1e-12, gap
P
q plot refine.h5 m_abs -o refine.png
expect plot 0
q show refine.h5 m_abs --where L=8
expect show 0

# Hebbian retrieval boundary: less than half of the updates of the full grid of the same spacing with the replicas of the first round, which itself
# does not reach the tolerance (its errors are as large there).
cat >hebbian.yaml <<'Y'
model: hebbian
seed: 11
replicas: 8
parameters: {N: 64, P: 4}
sweep:
  load: [0.05, 0.1, 0.15]
  T: {from: 0.2, to: 1.4, points: 4}
sampling: {thermalization: 50, steps: 100}
refine: {observable: m_abs, level: 0.5, tolerance: 0.01}
output: hebbian.h5
Y
q run hebbian.yaml -q
expect hebbian 0 'on 3 of 3 lines'
check less_than_half_of_the_grid "" "$python" - <<'P'
import h5py
d = h5py.File("hebbian.h5")
tasks = (d["samples/measurements"][...] > 0).sum()
grid = 3 * (round(1.2 / 0.02) + 1) * 8  # points 2 tolerance apart
assert tasks <= grid / 2, (tasks, grid)
P

refuse() { # NAME PATTERN SED-EXPRESSION
    sed "$3" target.yaml >bad.yaml
    q run bad.yaml "${plugin[@]}" -q -o bad.h5
    expect "$1" 2 "$2"
    check "${1}_writes_nothing" "bad.h5 is there" test ! -e bad.h5
}
refuse no_such_quantity "did you mean 'm_abs'" 's/m_abs: 0.01/m_ab: 0.01/'
refuse target_not_positive 'positive' 's/m_abs: 0.01/m_abs: -1/'
refuse fewer_at_most 'replicas' 's/replicas: 24/replicas: 2/'
sed 's/^model.*/model: hebbian/; s/^parameters.*/parameters: {N: 32, P: 2, load: 0.05}/; s/m_abs: 0.01/q2: 0.01/' target.yaml >unmeasured.yaml # q needs two chains
q run unmeasured.yaml -q -o unmeasured.h5
expect target_not_measured 2 'target: q2 has no standard error'
refuse one_replica 'at least 2 replicas' 's/^replicas: 4/replicas: 1/'
refuse refine_without_level 'level and a tolerance' 's/^target:.*/refine: {observable: m_abs}/'
refuse refine_unknown_key 'along' 's/^target:.*/refine: {observable: m_abs, level: 0.5, tolerance: 0.1, alog: T}/'
refuse refine_no_such_axis 'no axis of that name' 's/^target:.*/refine: {observable: m_abs, level: 0.5, tolerance: 0.1, along: L}/'
q run target.yaml "${plugin[@]}" -q -o bad.h5 --part 1/2
expect with_part 2 'shares'
finish
