#!/usr/bin/env bash
# bits.sh -- the same bits: one sweep with 1 and 2 threads, stopped and resumed, killed ten times and resumed, in parts, extended by
# points, replicas and steps.  Every dataset outside /environment must be that of the uninterrupted run.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

cat >sweep.yaml <<'YAML'
model: hebbian
seed: 20261124
replicas: 3
parameters:
  N: 48
  P: 4
  start: noisy
  start_overlap: 0.9
  replicas_per_disorder: 2
  histograms: true
  correlation_lags: 5
sweep:
  load: [0.1, 0.3]
  T: [0.2, 0.6, 1.0]
sampling:
  thermalization: 100
  steps: 30000
  interval: 30
  bins: 7
YAML

same() { # NAME A B [attributes of the root that may differ]
    local name=$1 why
    shift
    if why=$("$python" "$here/same.py" "$@" 2>&1); then ok "$name"; else not_ok "$name" "$(echo "$why" | head -3 | tr '\n' ';')"; fi
}
steps() { sed -n 's/^quench: .* tasks done .*, \([0-9]*\) steps in .*/\1/p' err | tail -1; }
clean() { # NAME OUT: nothing but the result is left
    if ls -d "$2".* >/dev/null 2>&1; then not_ok "$1" "left over: $(echo "$2".*)"; else ok "$1"; fi
}
now() { date +%s%N; }
until_part() { # OUT: waits for the first part, 20 s at most
    for _ in $(seq 400); do
        ls "$1.parts"/*.h5 >/dev/null 2>&1 && return 0
        sleep 0.05
    done
    return 1
}

# ---- the uninterrupted run, then two threads ----

begin=$(now)
q run sweep.yaml -j1 -o one.h5
wall=$((($(now) - begin) / 1000000))
expect uninterrupted 0
all=$(steps)
check uninterrupted_steps "counts $all steps, not $((18 * 30100))" [ "$all" = $((18 * 30100)) ]
clean uninterrupted_leaves_only_the_result one.h5

q run sweep.yaml -j2 -o two.h5
expect two_threads 0
same two_threads_same_bits one.h5 two.h5

cp one.h5 again.h5
q run sweep.yaml -j2 -o again.h5
expect finished_run_again 0
check finished_run_again_does_nothing "ran $(steps) steps" [ "$(steps)" = 0 ]
check finished_run_again_changes_nothing "the file is another" cmp -s one.h5 again.h5

# ---- stopped by SIGTERM, resumed ----

seconds() { awk "BEGIN { printf \"%.3f\", $wall * $1 / 1000 }"; } # a share of the uninterrupted run's time

status=0
"$quench" run sweep.yaml -j1 -o term.h5 --flush 0.1 2>err &
pid=$!
check sigterm_after_the_first_part "no part in 20 s" until_part term.h5
kill -TERM $pid
wait $pid || status=$?
expect sigterm_exits_75 75 'stopped; the same command goes on'
check sigterm_writes_no_result "term.h5 is there" [ ! -e term.h5 ]
check sigterm_leaves_parts "no parts" ls term.h5.parts/*.h5
first=$(steps)
q run sweep.yaml -j2 -o term.h5
expect sigterm_resumed 0
second=$(steps)
check sigterm_resumed_goes_on "$first and $second steps, not $all together" [ $((first + second)) -eq "$all" ]
same sigterm_same_bits one.h5 term.h5
clean sigterm_cleans_up term.h5

q run sweep.yaml -j1 -o time.h5 --time "$(seconds 0.1)"
expect time_limit_exits_75 75
q run sweep.yaml -j1 -o time.h5
expect time_limit_resumed 0
check time_limit_goes_on "ran all $all steps again" [ "$(steps)" -lt "$all" ]
same time_limit_same_bits one.h5 time.h5

# ---- killed ten times ----

RANDOM=20261124
killed_after() { # SECONDS ARGUMENTS...: true when it was killed and did not end before
    "$quench" "${@:2}" 2>/dev/null &
    local pid=$!
    sleep "$1"
    kill -KILL $pid 2>/dev/null
    wait $pid 2>/dev/null
    [ $? -eq 137 ]
}
for shorter in 1 2 4; do # a machine that was busy during the first run may finish too early
    rm -rf kill.h5*
    kills=0
    while [ $kills -lt 10 ] &&
        killed_after "$(seconds "0.0$((400 + RANDOM % 600)) / $shorter")" run sweep.yaml -j1 -o kill.h5 --flush "$(seconds "0.015 / $shorter")"; do
        kills=$((kills + 1)) # each after 4 to 10 % of the uninterrupted run
    done
    [ $kills -eq 10 ] && break
done
check sigkill_ten_times "only $kills kills before the end" [ $kills -eq 10 ]
q status kill.h5
expect sigkill_status 0
q run sweep.yaml -j1 -o kill.h5
expect sigkill_resumed 0
check sigkill_goes_on "$(steps) steps, $all in all" [ "$(steps)" -lt "$all" ]
same sigkill_same_bits one.h5 kill.h5
clean sigkill_cleans_up kill.h5

tiny=(--set sampling.steps=30 --set sampling.interval=3)
# killed while it merges: the result appears whole or not at all
for _ in 1 2 3 4 5 6; do
    rm -rf merge.h5*
    "$quench" run sweep.yaml -q -j2 -o merge.h5 --part 1/2 "${tiny[@]}" 2>/dev/null
    "$quench" run sweep.yaml -q -j2 -o merge.h5 --part 2/2 "${tiny[@]}" 2>/dev/null
    killed_after "0.0$((RANDOM % 50 + 10))" merge merge.h5
    if [ -e merge.h5 ] && ! "$quench" show merge.h5 --csv >/dev/null 2>err; then
        not_ok sigkill_in_merge "merge.h5 does not open: $(cat err)"
    fi
    q run sweep.yaml -j1 -o merge.h5 "${tiny[@]}"
    [ "$status" -eq 0 ] || not_ok sigkill_in_merge "going on: $(cat err)"
done
clean sigkill_in_merge_cleans_up merge.h5

# ---- a flush on request ----

status=0
"$quench" run sweep.yaml -j1 -o usr1.h5 --set sampling.steps=2000000 2>err &
pid=$!
sleep 0.5
check sigusr1_not_before "there is a part" sh -c '! ls usr1.h5.parts/*.h5 2>/dev/null'
kill -USR1 $pid
check sigusr1_flushes "no part in 20 s" until_part usr1.h5
kill -TERM $pid
wait $pid || status=$?
expect sigusr1_goes_on 75 '^quench: [0-9]+ of 18 tasks, '

# ---- in parts ----

q run sweep.yaml -j1 -o part.h5 --part 3/3
expect part_3 0 'left to other parts'
"$quench" run sweep.yaml -q -j1 -o part.h5 --part 1/3 2>/dev/null &
pid=$!
q merge part.h5
expect merge_of_unfinished 1 'are missing'
check merge_of_unfinished_writes_nothing "part.h5 is there" [ ! -e part.h5 ]
q run sweep.yaml -j1 -o part.h5 --part 2/3
expect part_2 0
wait $pid
q merge part.h5
expect merge 0 '18 of 18 tasks merged'
same parts_same_bits one.h5 part.h5
clean parts_are_cleaned_up part.h5

rm -f part.h5
q run sweep.yaml -j1 -o some.h5 --part 1/2 "${tiny[@]}"
q merge some.h5 --allow-missing
expect merge_allow_missing 0
check merge_allow_missing_keeps_parts "no parts" ls some.h5.parts/*.h5
q run sweep.yaml -j1 -o some.h5 "${tiny[@]}"
expect missing_are_added 0
q run sweep.yaml -j1 -o whole.h5 "${tiny[@]}"
same missing_are_added_same_bits whole.h5 some.h5

# ---- extended: points, replicas, steps ----

short=(--set sampling.steps=600 --set sampling.interval=3)
q run sweep.yaml -j2 -o small.h5 "${short[@]}" --set 'T=[0.2, 1.0]'
expect small_grid 0
q run sweep.yaml -j1 -o big.h5 "${short[@]}"
expect big_grid 0
total=$(steps)
cp small.h5 grown.h5
q run sweep.yaml -j1 -o grown.h5 "${short[@]}"
expect more_points_in_place 0
check more_points_runs_the_new_ones "$(steps) steps of $total" [ "$(steps)" = $((total / 3)) ]
same more_points_in_place_same_bits big.h5 grown.h5
cp small.h5 kept.h5
q run sweep.yaml -j2 -o reused.h5 "${short[@]}" --reuse small.h5
expect more_points_reuse 0
check more_points_reuse_runs_the_new_ones "$(steps) steps of $total" [ "$(steps)" = $((total / 3)) ]
same more_points_reuse_same_bits big.h5 reused.h5
check reused_file_is_left_alone "small.h5 changed" cmp -s small.h5 kept.h5
q run sweep.yaml -j1 -o refused.h5 "${short[@]}"
q run sweep.yaml -j1 -o refused.h5 "${short[@]}" --set 'T=[0.2, 1.0]'
expect fewer_points_are_refused 2 'would be lost'
same fewer_points_change_nothing big.h5 refused.h5

q run sweep.yaml -j1 -o more.h5 "${short[@]}" --set replicas=2
expect two_replicas 0
q run sweep.yaml -j1 -o more.h5 "${short[@]}"
expect more_replicas 0
check more_replicas_runs_the_new_ones "$(steps) steps of $total" [ "$(steps)" = $((total / 3)) ]
same more_replicas_same_bits big.h5 more.h5 set

keep=(--set sampling.checkpoint=true)
q run sweep.yaml -j2 -o long.h5 "${short[@]}" "${keep[@]}"
expect with_checkpoints 0
q diff big.h5 long.h5 --exact
expect with_checkpoints_same_numbers 0
q run sweep.yaml -j1 -o longer.h5 --set sampling.steps=200 --set sampling.interval=3 "${keep[@]}"
expect fewer_steps 0
q run sweep.yaml -j1 -o longer.h5 "${short[@]}" "${keep[@]}"
expect more_steps 0
check more_steps_goes_on "$(steps) steps, not $((18 * 400))" [ "$(steps)" = $((18 * 400)) ]
same more_steps_same_bits long.h5 longer.h5
q run sweep.yaml -j1 -o longer.h5 --set sampling.steps=200 --set sampling.interval=3 "${keep[@]}"
expect fewer_steps_again_are_refused 2 'more steps'
same fewer_steps_change_nothing long.h5 longer.h5

# ---- a grid over sizes, whose curves differ in length, of chains that end by themselves, on a logarithmic time grid ----

cat >sizes.yaml <<'YAML'
model: hebbian
seed: 9
replicas: 9
parameters: {P: 2, K: 4, dynamics: zero, start: random, replicas_per_disorder: 2, histograms: true, correlation_lags: 8}
sweep:
  N: [12, 40]
  energy: [distinct, full]
sampling: {steps: 60, points_per_decade: 5, bins: 3}
YAML
q run sizes.yaml -j1 -o sizes.h5
expect sizes 0
q run sizes.yaml -j2 -o grow.h5 --set 'N=[12]'
expect one_size 0
q run sizes.yaml -j2 -o grow.h5
expect larger_size_is_added 0
same larger_size_same_bits sizes.h5 grow.h5
for i in 2 3 1; do q run sizes.yaml -j1 -o share.h5 --part $i/3; done
q merge share.h5
expect sizes_in_parts 0
same sizes_in_parts_same_bits sizes.h5 share.h5
q verify sizes.h5 --all
expect sizes_verify 0

# ---- a second run of an output that is being written is refused; what the first finished is untouched ----

"$quench" run sweep.yaml -q -j1 -o both.h5 --flush 0.1 2>/dev/null &
pid=$!
until [ -e both.h5.parts ] || ! kill -0 $pid 2>/dev/null; do sleep 0.01; done
q run sweep.yaml -j1 -o both.h5 --set replicas=40
expect second_run_is_refused 2
check second_run_says_why "$(cat err)" grep -q 'another run is writing both.h5' err
wait $pid
check first_run_ended "exit status $?" [ $? -eq 0 ]
q run sweep.yaml -q -j1 -o alone.h5
same two_runs_at_once_same_bits alone.h5 both.h5
clean two_runs_at_once_cleans_up both.h5

# ---- a longer dimension in the file that is reused is padding ----

cat >padded.yaml <<'YAML'
model: hebbian
seed: 5
replicas: 2
parameters: {K: 20, histograms: true}
sweep: {N: [16, 32]}
sampling: {steps: 50}
YAML
q run padded.yaml -q -o padded.h5
q run padded.yaml -q -o cut.h5 --set 'N=[16]' --reuse padded.h5
expect reuse_of_longer_dimensions 0
check reuse_of_longer_dimensions_runs_nothing "$(cat err)" grep -q ', 0 steps in' err
q run padded.yaml -q -o fresh.h5 --set 'N=[16]'
same reuse_of_longer_dimensions_same_bits fresh.h5 cut.h5

# ---- a descent that ends while it is thermalized is measured once, at its end ----

q run padded.yaml -q -o descent.h5 --set dynamics=zero --set sampling.thermalization=500
expect descent_within_thermalization 0
check descent_is_measured "no m" sh -c '"$1" show descent.h5 m --csv | tail -1 | cut -d, -f4 | grep -q "[0-9]"' sh "$quench"
finish
