#!/usr/bin/env bash
# chains.sh -- chained axes end to end: the same bits with any number of threads, stopped, killed, in parts; samples, artifacts and the verbs on
# them; a ladder that is given more steps; input that is wrong.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

cc -std=c11 -D_GNU_SOURCE -O2 -fPIC -shared "-I$root/src/core" "$here/pieces.c" -o pieces.so >log 2>&1 || not_ok compiles "$(head -3 log)"
ising=$root/models/template/ising.so
plugins=(--plugin ./pieces.so --plugin "$ising")

cat >spins.yaml <<'YAML'
model: hebbian
seed: 4
replicas: 3
parameters: {N: 64, P: 4, replicas_per_disorder: 2, start: noisy, start_overlap: 0.8, correlation_lags: 5, histograms: true}
sweep:
  load: [0.1, 0.2]
  T: [0.3, 0.4, 0.5, 0.6]
sampling: {thermalization: 50, steps: 3000, interval: 20, bins: 7}
tempering: {axis: T, interval: 2}
YAML
cat >magnet.yaml <<'YAML'
model: ising
seed: 4
replicas: 2
sweep:
  T: [2.6, 2.3, 2.0]
  L: [8, 16]
sampling: {thermalization: 50, steps: 3000, interval: 20, bins: 7}
continuation: {axis: T}
YAML
cat >walk.yaml <<'YAML'
model: pieces
seed: 4
replicas: 2
parameters: {length: 60000}
sweep:
  k: [0.5, 0.1, 0.02]
sampling: {steps: 60, interval: 4, artifacts: [track]}
tempering: {axis: k}
YAML
sed 's/^tempering.*/continuation: {axis: k}/' walk.yaml >walked.yaml
same() { # NAME A B [attributes of the root that may differ]
    local name=$1 why
    shift
    if why=$("$python" "$here/same.py" "$@" 2>&1); then ok "$name"; else not_ok "$name" "$(echo "$why" | head -3 | tr '\n' ';')"; fi
}
steps() { sed -n 's/^quench: .* tasks done .*, \([0-9]*\) steps in .*/\1/p' err | tail -1; }
now() { date +%s%N; }

declare -A tasks=([spins]=6 [magnet]=4 [walk]=2 [walked]=2) all=([spins]=$((24 * 3050)) [magnet]=$((12 * 3050)) [walk]=$((6 * 60)) [walked]=$((6 * 60)))
export PIECES_CUT=7000
for name in spins magnet walk walked; do
    begin=$(now)
    q run $name.yaml "${plugins[@]}" -j1 -o $name.h5
    wall=$((($(now) - begin) / 1000000))
    expect ${name} 0 "${tasks[$name]} of ${tasks[$name]} tasks done"
    check ${name}_steps "$(steps), not ${all[$name]}" [ "$(steps)" = "${all[$name]}" ]
    q run $name.yaml "${plugins[@]}" -j2 -o ${name}2.h5
    expect ${name}_two_threads 0
    same ${name}_two_threads_same_bits $name.h5 ${name}2.h5
    q verify $name.h5 --all "${plugins[@]}"
    expect ${name}_verify 0
    check ${name}_verify_all "$(cat out)" grep -q "${tasks[$name]} tasks run again, 0 differ" out

    # stopped and resumed, killed five times and resumed: at random moments, after 8 to 18 % of the uninterrupted run's time
    RANDOM=7
    kills=0
    for _ in $(seq 40); do
        [ $kills -ge 5 ] && break
        signal=KILL
        [ $((kills % 2)) -eq 1 ] && signal=TERM
        "$quench" run $name.yaml "${plugins[@]}" -j1 -o kill.h5 --flush "$(awk "BEGIN { printf \"%.4f\", $wall / 60000 }")" 2>/dev/null &
        pid=$!
        until [ "$(cat /proc/$pid/comm 2>/dev/null)" != bash ]; do :; done # a shell that is stopped before it has become the program would clean up
        sleep "$(awk "BEGIN { printf \"%.3f\", $wall / 1000 * (0.08 + 0.1 * $RANDOM / 32768) }")"
        kill -$signal $pid 2>/dev/null
        wait $pid 2>/dev/null
        case $? in 137 | 75) kills=$((kills + 1)) ;; 0) rm -rf kill.h5*; kills=0 ;; esac # a slow moment of the machine: begin again
    done
    check ${name}_interrupted "only $kills times" [ $kills -ge 5 ]
    q status kill.h5 "${plugins[@]}"
    expect ${name}_status 0
    check ${name}_status_counts_tasks "$(cat out)" grep -Eq "^done +[0-9]+ of ${tasks[$name]} tasks" out
    q run $name.yaml "${plugins[@]}" -j2 -o kill.h5
    expect ${name}_resumed 0
    same ${name}_interrupted_same_bits $name.h5 kill.h5
    check ${name}_cleans_up "left over: $(echo kill.h5.*)" sh -c '! ls -d kill.h5.* 2>/dev/null'
    rm -rf kill.h5*

    # in parts
    q run $name.yaml "${plugins[@]}" -j1 -o part.h5 --part 2/2
    expect ${name}_part_2 0
    q merge part.h5 --allow-missing "${plugins[@]}"
    expect ${name}_merge_allow_missing 0 "$((tasks[$name] / 2)) of ${tasks[$name]} tasks merged"
    q run $name.yaml "${plugins[@]}" -j1 -o part.h5 --part 1/2
    q merge part.h5 "${plugins[@]}"
    expect ${name}_merge 0 "${tasks[$name]} of ${tasks[$name]} tasks merged"
    same ${name}_parts_same_bits $name.h5 part.h5
    rm -rf part.h5*
done

# ---- what is in them ----

q show spins.h5 exchange_rate round_trips --csv
expect show_ladder 0
check show_ladder_rows "$(cat out)" awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i } NR > 1 { n++
    if ($c["T"] < 0.55 ? !($c["exchange_rate"] > 0.05 && $c["exchange_rate"] < 1) : $c["exchange_rate"] != "" && $c["exchange_rate"] != "nan" && $c["exchange_rate"] != "NaN") bad++
    if (!($c["round_trips"] > 0)) bad++ } END { exit n != 8 || bad }' out
for f in spins magnet walk walked; do
    "$python" -c "import sys, xarray; d = xarray.open_dataset('$f.h5'); s = xarray.open_dataset('$f.h5', group='samples'); sys.exit(not (s.key.values != 0).all())" 2>err
    check ${f}_opens "$(cat err)" [ $? -eq 0 ]
done
q plot spins.h5 m --terminal
expect plot_ladder 0
q show walk.h5 samples/track --csv
check artifacts_of_a_ladder "$(head -3 out)" awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i } NR > 1 && $c["mark"] == 2 { n++; if ($c["track"] != $c["k"]) bad++ } END { exit n != 6 || bad }' out
q show walked.h5 samples/track --csv
check artifacts_along_a_continuation "$(head -3 out)" awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i }
    NR > 1 && $c["mark"] == 1 { n++; if ($c["track"] != 3600000 * ($c["k"] > 0.3 ? 1 : $c["k"] > 0.05 ? 2 : 3)) bad++ } END { exit n != 6 || bad }' out
q check spins.yaml -o other.h5
expect check_ladder 0
check check_ladder_says_so "$(cat out)" grep -q '^tempering        all 4 values of T are one task, exchanges every 2 steps' out
check check_ladder_counts "$(cat out)" grep -Eq '^tasks +6, of which 0 are done' out
q check magnet.yaml --plugin "$ising" -o magnet.h5
check check_continuation_says_so "$(cat out)" grep -q '^continuation     all 3 values of T are one task' out
check check_continuation_counts "$(cat out)" grep -Eq '^tasks +4, of which 4 are done' out

# status of one that is stopped tells where along the chain it is
q run magnet.yaml --plugin "$ising" -q -j1 -o stop.h5 --set sampling.steps=300000 --set replicas=1 --set L=16 --flush 0.05 --time 0.6
expect stopped_continuation 75
q status stop.h5 --plugin "$ising"
check status_of_a_continuation "$(cat out)" grep -Eq '^in progress +L = 16, replica 0: step [0-9]+ of 900150; T = 2\.[0-9]+, u = -[0-9.]+, m = -?[0-9.]+; .* left$|^in progress +replica 0: step [0-9]+ of 900150; T = 2\.[0-9]*, u = -[0-9.]+, m = -?[0-9.]+; .* left$' out

# ---- a ladder that is given more steps goes on; another ladder is other work ----

keep=(--set sampling.checkpoint=true)
q run spins.yaml -q -j2 -o long.h5 "${keep[@]}"
q run spins.yaml -j1 -o longer.h5 --set sampling.steps=1000 "${keep[@]}"
expect ladder_fewer_steps 0
q run spins.yaml -j1 -o longer.h5 "${keep[@]}"
expect ladder_more_steps 0
check ladder_more_steps_goes_on "$(steps) steps, not $((24 * 2000))" [ "$(steps)" = $((24 * 2000)) ]
same ladder_more_steps_same_bits long.h5 longer.h5
q run spins.yaml -j1 -o more.h5 --set replicas=2
q run spins.yaml -j1 -o more.h5
expect ladder_more_replicas 0
check ladder_more_replicas_goes_on "$(steps)" [ "$(steps)" = $((8 * 3050)) ]
same ladder_more_replicas_same_bits spins.h5 more.h5 set
cp spins.h5 kept.h5
q run spins.yaml -o spins.h5 --set 'T=[0.3, 0.4, 0.5]'
expect another_ladder_is_refused 2 'is the result of another sweep'
check another_ladder_changes_nothing "the file changed" cmp -s spins.h5 kept.h5

# ---- mistakes: one message each, nothing written ----

bad() { # NAME PATTERN ARGUMENTS...
    local name=$1 pattern=$2
    shift 2
    q run "$@" -o bad.h5
    expect "$name" 2 "$pattern"
    check "${name}_one_message" "$(cat err)" [ "$(messages)" -eq 1 ]
    check "${name}_writes_nothing" "$(ls -d bad.h5* 2>/dev/null)" sh -c '! ls -d bad.h5* 2>/dev/null'
}
sed 's/hebbian/cbo/; /parameters/d; s/load:.*/N: [10, 20]/; s/T: .*/alpha: [1, 2]/; s/axis: T/axis: alpha/' spins.yaml >swarm.yaml
bad axis_not_swept "^quench: spins.yaml:9:19: tempering runs along an axis of the sweep, which 'T' is not; swept is load" spins.yaml --set T=0.5
bad axis_of_the_disorder "^quench: --set: a state of model hebbian cannot change its load; tempering may run along T" spins.yaml --set tempering.axis=load
bad model_without_retune "^quench: swarm.yaml:8:13: model cbo cannot change the parameters of a state" swarm.yaml
bad no_weight_at_zero 'log weight' spins.yaml --set 'T=[0, 0.5]'
bad ladder_beyond_memory 'the states of one ladder are [0-9.]+ .iB, more than this machine' spins.yaml --set 'T={from: 0.1, to: 1, points: 20000}' --set load=0.2 --set N=600 --set replicas=1 --set sampling.steps=1 --set sampling.interval=1 --set sampling.bins=1 --set histograms=false --set correlation_lags=0
q run spins.yaml -o bad.h5 --set dynamics=zero
expect no_weight_of_a_descent 2 'log weight'
check no_weight_of_a_descent_writes_nothing "$(ls -d bad.h5* 2>/dev/null)" sh -c '! ls -d bad.h5* 2>/dev/null'
finish
