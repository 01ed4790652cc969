#!/usr/bin/env bash
# cbo.sh -- engine cbo at the command line: mistakes and warnings with their sentences, the same bits with 1, 2, 3 and 8 threads and
# after interruptions, infinite alpha, theory.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

# sweep PARAMETERS [SWEEP]: the inside of two flow mappings; writes s.yaml
sweep() {
    cat >s.yaml <<YAML
model: cbo
seed: 1
parameters: {$1}
sweep: {${2:-}}
sampling: {steps: 8}
output: s.h5
YAML
}
# bad NAME PATTERN PARAMETERS [SWEEP]: one message that fits, at a line and column, exit status 2, no result
bad() {
    sweep "$3" "${4:-}"
    q run s.yaml -q
    expect "$1" 2 "^quench: s.yaml:[34]:[0-9]+: $2"
    check "$1: one message" "$(messages) messages: $(head -c 400 err)" [ "$(messages)" -eq 1 ]
    check "$1: writes nothing" "there is a result" [ ! -e s.h5 ]
}
# warns NAME PATTERN PARAMETERS [SWEEP]: check and run succeed and say so; the result is there
warns() {
    sweep "$3" "${4:-}"
    q check s.yaml
    expect "$1: check" 0 "^quench: s.yaml:[34]:[0-9]+: warning: $2"
    q run s.yaml -q
    expect "$1: run" 0 "^quench: s.yaml:[34]:[0-9]+: warning: $2"
    check "$1: one warning" "$(grep -c warning: err) warnings: $(head -c 400 err)" [ "$(grep -c warning: err)" -eq 1 ]
    check "$1: result" "no result" [ -e s.h5 ]
    rm -f s.h5
}
silent() { # NAME PARAMETERS [SWEEP]: no warning
    sweep "$2" "${3:-}"
    q run s.yaml -q
    expect "$1" 0
    check "$1: no warning" "$(head -c 400 err)" [ "$(grep -c warning: err)" -eq 0 ]
    rm -f s.h5
}

# ---- mistakes ----

bad unknown_objective "objective cannot be 'rastrgin'; did you mean 'rastrigin'" 'objective: rastrgin'
bad alpha_negative 'alpha = -1 is out of range; allowed is 0 <= alpha .*or inf' 'alpha: -1'
bad alpha_nan 'alpha must be a number or inf' 'alpha: nan'
bad sigma_inf 'sigma must be a finite number' 'sigma: inf'
bad lambda_dt 'dt: lambda dt = 2: .* at most 1 \(dt up to 1\)' 'dt: 2'
bad lambda_dt_by_lambda 'lambda: lambda dt = 1.01' 'lambda: 101'
bad n_zero 'N = 0 is out of range' 'N: 0'
bad d_too_many 'd: d is 3, but canyon is a function of 2 coordinates' 'objective: canyon, d: 3'
bad d_by_default 'objective: d is 2, but wshaped is a function of 1 coordinate;' 'objective: wshaped'
bad user_without_file 'objective: user needs objective_file' 'objective: user'
bad no_such_file "objective_file: the file '/nonexistent.so' cannot be read" 'objective: user, objective_file: /nonexistent.so'
bad truncated_without 'noise: truncated needs truncation' 'noise: truncated'
bad geometric_isotropic 'integrator: geometric is the exact' 'integrator: geometric'
bad batches_do_not_divide 'batch_size: 30 does not divide N = 100' 'batch_size: 30'
bad batches_and_heaviside 'batch_update: full moves particles' 'batch_size: 10, batch_update: full, heaviside: sharp'
bad empty_box 'start_low: start_low = 4 is above start_high = 3' 'start_low: 4'
bad sampling_infinite 'alpha: sampling from exp\(-f\) needs a finite alpha' 'method: sampling, alpha: inf'
bad gradient_infinite 'alpha: gradient steps by tau' 'method: gradient, alpha: inf'
bad neff_of_one 'alpha_schedule: neff chooses alpha by the ensemble' 'method: langevin, alpha_schedule: neff'
bad sphere_noise 'noise: the sphere.s noise is isotropic' 'objective: spherical_pspin, d: 5, method: sphere, noise: anisotropic'
bad minimiser_unknown 'success: c_inf needs a known minimiser, and teacher' 'objective: teacher, success: c_inf'
bad memory 'N: 1000000000 particles of d = 100000 coordinates need .* of memory' 'N: 1000000000, d: 100000'
bad one_of_many 'dt: lambda dt = 3' 'N: 10' 'dt: [0.01, 0.1, 3]'

# ---- warnings ----

warns mean_square 'sigma: the mean square of x - c grows: 2 lambda < d sigma\^2 \(2 < 2.56\); .* sigma\^2 = 2 lambda/\(d-2\)' 'd: 4, sigma: 0.8'
warns mean_square_low_d 'sigma: the mean square' 'd: 2, sigma: 1.6'
warns both_lines 'sigma: x - c grows, .*2 lambda < \(d-2\) sigma\^2, 2 < 8' 'd: 4, sigma: 2'
warns anisotropic_line 'sigma: the mean square of x - c grows: 2 lambda < sigma\^2 \(2 < 4\)' 'd: 40, sigma: 2, noise: anisotropic'
warns along_an_axis 'sigma: x - c grows.*at 3 points in all' 'd: 4' 'sigma: [0.5, 1.1, 1.5, 2]'
warns one_particle 'N: one particle is its own consensus' 'N: 1'
warns no_part 'truncation: has no part in noise: isotropic' 'truncation: 1'
silent below_the_line 'd: 4, sigma: 0.7'
silent anisotropic_below 'd: 40, sigma: 1.4, noise: anisotropic'
silent one_particle_that_diffuses 'N: 1, noise: constant'
sweep 'd: 4, sigma: 2'
q run s.yaml -q
q status s.h5
check status_does_not_warn "$(cat err)" [ "$(grep -c warning: err)" -eq 0 ]
rm -f s.h5

# ---- infinite alpha is a value like others ----

for inf in inf .inf; do
    sweep 'N: 20, sigma: 0.3' "alpha: [1, 1e300, $inf]"
    q run s.yaml -q
    expect "alpha_$inf" 0
    q show s.h5 f_c_end --csv
    check "alpha_$inf: coordinate" "$(cat out)" grep -q '^inf,' out
    check "alpha_$inf: 1e300 picks the same particles" "$(cat out)" \
        "$python" -c 'import xarray; x = xarray.open_dataset("s.h5"); assert x.alpha[2] == float("inf") and (x.f_c_end > 0).all()'
    rm -f s.h5
done

# ---- the same bits ----

cat >bits.yaml <<'YAML'
model: cbo
seed: 20261124
replicas: 2
parameters: {objective: rastrigin, d: 3, N: 70, sigma: 0.5, keep_consensus: true, implicit: true, batch_size: 35, alpha_schedule: doubling, sigma_cooling: log}
sweep:
  method: [cbo, memory, polarized, sphere, hopping, gradient, langevin]
  alpha: [1, 30]
sampling: {steps: 800, interval: 40}
YAML
same() { # NAME A B
    local why
    if why=$("$python" "$here/same.py" "$2" "$3" 2>&1); then ok "$1"; else not_ok "$1" "$(echo "$why" | head -3 | tr '\n' ';')"; fi
}
begin=$(date +%s%N)
q run bits.yaml -q -j1 -o one.h5
wall=$((($(date +%s%N) - begin) / 1000000))
expect one_thread 0
for j in 2 3 8; do
    q run bits.yaml -q -j$j -o "$j.h5"
    expect "$j threads" 0
    same "$j threads, same bits" one.h5 "$j.h5"
done

# Stopped after a tenth of the time, again and again until it is done: checkpoints within tasks.  (The time grows a little with every
# stop: it includes reading what is there, which a build with sanitizers does slowly.)
stops=0
for _ in $(seq 100); do
    q run bits.yaml -q -j2 -o stopped.h5 --time "$(awk "BEGIN { printf \"%.3f\", $wall / 10000 * (1 + $stops / 8) }")" --flush 0.01
    [ "$status" -eq 75 ] || break
    stops=$((stops + 1))
done
expect stopped_and_resumed 0
check stopped_at_all "stopped $stops times" [ "$stops" -ge 1 ]
same stopped_and_resumed_same_bits one.h5 stopped.h5

# A longer run is the continuation of the shorter: the same curves as far as that went.
q run bits.yaml -q -j2 -o longer.h5 --set sampling.steps=1600
expect longer 0
check longer_begins_alike "other numbers" "$python" -c '
import numpy, xarray
a, b = xarray.open_dataset("one.h5"), xarray.open_dataset("longer.h5")
assert a.err_inf.shape[-1] == 20 and b.err_inf.shape[-1] == 40
for name in "err_inf", "V", "n_eff", "survival":
    assert numpy.array_equal(a[name], b[name][..., :20], equal_nan=True), name'
q verify one.h5 --points 4
expect verify 0

# ---- theory ----

q theory cbo --set d=4 --set lambda=1 --csv
expect theory 0
for want in sigma_mean_square:0.7071067 sigma_pathwise:1 rate:1; do
    check "theory ${want%%:*}" "$(cat out)" "$python" - "$want" <<'PY'
import csv, sys
name, want = sys.argv[1].split(":")
row = next(csv.DictReader(open("out")))
assert abs(float(row[name]) - float(want)) < 1e-6, row
PY
done

finish
