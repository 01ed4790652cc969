#!/usr/bin/env bash
# runs.sh -- the figures' sweep files are valid, and the scripts around them can fail: a figure that is off says FAIL, a missing number is
# off, only temperatures are scaled, and selftest notices a check that is blind to them.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
export QUENCH=$quench
unset FULL T_SCALE RUN_OPTIONS THREADS

# ---- what is there ----

for sweep in "$root"/runs/*/*/*.yaml; do
    more=() # the template is a plug-in; CIFAR-10 is the user's, and stands in for any images here
    case $sweep in
    */runs/template/*) more=(--plugin "$root/models/template/ising.so") ;;
    */cifar*.yaml)
        "$python" -c 'import numpy
x = numpy.full((10000, 3073), 7, numpy.uint8); x[:, 0] = numpy.arange(10000) % 10; x.tofile("batch_1.bin"); x.tofile("batch_2.bin")'
        more=(--set "images=$work/batch_1.bin" --set "test_images=$work/batch_2.bin")
        ;;
    esac
    (cd "$root" && "$quench" check "$sweep" "${more[@]}" >/dev/null) 2>err
    status=$?
    expect "sweep_${sweep#"$root"/runs/}" 0
done
for figure in "$root"/runs/*/*/figure; do
    name=${figure#"$root"/runs/} name=${name%/figure}
    check "help_$name" "no usage: $(cat checked 2>/dev/null)" "$figure" -h
    check "readme_$name" "README.md does not say what must be shown" grep -q 'PASS or FAIL' "${figure%figure}README.md"
done

# ---- a figure of our own, seen and blind ----

mkdir -p tree/runs/own/seen tree/runs/own/blind
cp "$root"/runs/lib.sh "$root"/runs/selftest tree/runs/
cat >tree/runs/own/seen/warm.yaml <<'YAML'
model: hebbian
seed: 1
replicas: 8
parameters: {N: 1000, P: 2}
sweep:
  load: [0.01, 0.02]
  T: {from: 0.3, to: 0.6, points: 2}    # at 2 points
sampling: {thermalization: 50, steps: 100}
YAML
cat >tree/runs/own/seen/figure <<'SH'
#!/usr/bin/env bash
. "$(dirname "$0")/../../lib.sh"
figure_begin "a figure of the tests" "$@"
simulate warm as result -q
numbers result m >"$out/m.csv"
theory_numbers warm hebbian >"$out/theory.csv"
beside_theory "$out/m.csv" "$out/theory.csv" | with_columns '{ print col("m"), col("m_err"), 0.002, col("theory_m"), "m at", col("theory_T") }' | expect 4
figure_end
SH
cat >tree/runs/own/blind/figure <<'SH'
#!/usr/bin/env bash
. "$(dirname "$0")/../../lib.sh"
figure_begin "a figure whose check does not depend on T" "$@"
echo "1 0 0 1 one is one" | expect 4
figure_end
SH
chmod +x tree/runs/own/*/figure
seen=tree/runs/own/seen/figure blind=tree/runs/own/blind/figure

status=0
"$seen" >out 2>err || status=$?
expect figure_passes 0
check figure_says_pass "$(tail -n 1 out)" grep -q '^PASS: own/seen: 4 numbers' out
status=0
T_SCALE=1.1 "$seen" >out 2>err || status=$?
expect figure_fails 1
check figure_says_fail "$(tail -n 1 out)" grep -q '^FAIL: own/seen: [1-4] of 4 numbers' out
check only_temperatures_are_scaled "$(cat tree/runs/own/seen/out/scaled/result.yaml)" grep -q '^  T: {from: 0.33, to: 0.66, points: 2}' tree/runs/own/seen/out/scaled/result.yaml
check nothing_else_is_scaled "$(cat tree/runs/own/seen/out/scaled/result.yaml)" \
    cmp -s <(grep -v ' T:' tree/runs/own/seen/warm.yaml) <(grep -v ' T:' tree/runs/own/seen/out/scaled/result.yaml)
status=0
tree/runs/selftest "$seen" >out 2>err || status=$?
expect selftest_sees 0
status=0
tree/runs/selftest "$seen" "$blind" >out 2>err || status=$?
expect selftest_notices_the_blind 1
check selftest_counts "$(cat out)" grep -q '^1 of 2 figures notice' out
status=0
tree/runs/selftest /bin/false >out 2>err || status=$?
expect selftest_takes_no_crash_for_a_check 1

# ---- numbers ----

verdict() { # NAME ok|OFF FUNCTION ARGUMENT INPUT
    local said
    said=$(bash -c '. "$1"; out=$2; printf "%s\n" "$5" | "$3" $4' - "$root/runs/lib.sh" "$work" "$3" "$4" "$5")
    case $said in *"$2 "*) ok "$1" ;; *) not_ok "$1" "said: $said" ;; esac
}
verdict within ok expect 4 "1.0 0.1 0.05 1.44 x"
verdict beyond OFF expect 4 "1.0 0.1 0.05 1.46 x"
verdict below OFF expect 4 "1.0 0.1 0.05 0.54 x"
verdict no_number OFF expect 4 "nan 0.1 0.05 1 x"
verdict not_a_number OFF expect 4 "? 0 0 0 x"
verdict infinite_error OFF expect 4 "1.0 inf 0.05 1 x"
verdict nan_wanted OFF expect 4 "1.0 0.1 0.05 nan x"
verdict in_range ok expect_range "" "0.5 0 1 x"
verdict out_of_range OFF expect_range "" "1.5 0 1 x"
verdict range_of_nan OFF expect_range "" "nan 0 1 x"
finish
