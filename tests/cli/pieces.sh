#!/usr/bin/env bash
# pieces.sh -- units that are made in pieces: the same bits however they are cut, stops and checkpoints in the middle of one, and the
# model's own line in the progress of `run` and in `status`.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

if ! cc -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -fPIC -shared "-I$root/src/core" "$here/pieces.c" -o pieces.so >log 2>&1; then
    not_ok compiles "$(head -3 log)"
    finish
fi
check compiles_without_warnings "$(head -3 log)" [ ! -s log ]
cat >sweep.yaml <<'YAML'
model: pieces
seed: 3
replicas: 3
sweep: {length: [7, 40]}
sampling: {steps: 12, interval: 4}
YAML
same() { # NAME A B
    local why
    if why=$("$python" "$here/same.py" "$2" "$3" 2>&1); then ok "$1"; else not_ok "$1" "$(echo "$why" | head -3 | tr '\n' ';')"; fi
}
moves() { awk '{ n += $1 } END { print n + 0 }' moves.log; }

# ---- however they are cut ----

q run sweep.yaml --plugin ./pieces.so -o whole.h5
expect whole 0
check whole_counts_units "$(cat err)" grep -q ', 72 steps in' err
for cut in 1 5 1000; do
    PIECES_CUT=$cut q run sweep.yaml --plugin ./pieces.so -j2 -o cut$cut.h5
    expect cut_$cut 0
    check cut_${cut}_counts_units "$(cat err)" grep -q ', 72 steps in' err
    same cut_${cut}_same_bits whole.h5 cut$cut.h5
done
PIECES_CUT=3 q verify whole.h5 --all --plugin ./pieces.so
expect verify_cut 0

# a walk that ends in the middle of a unit: steps are whole units, the end is measured
for cut in 1 5 1000; do
    PIECES_CUT=$cut q run sweep.yaml --plugin ./pieces.so -o end$cut.h5 --set limit=33 --set sampling.checkpoint=true
    expect end_in_a_unit_$cut 0
    same end_in_a_unit_${cut}_same_bits end1.h5 end$cut.h5
done
q show end1.h5 moves --csv
check end_in_a_unit_moves "$(cat out)" awk -F, 'NR > 1 && $2 == 33 { n++ } END { exit n != 2 }' out
q show end1.h5 x_end end --csv
check end_in_a_unit_is_measured "$(cat out)" awk -F, 'NR > 1 && $2 == $4 && $2 != "" { n++ } END { exit n != 2 }' out

q run sweep.yaml --plugin ./pieces.so -o longer.h5 --set limit=33 --set sampling.checkpoint=true --set sampling.steps=8
q run sweep.yaml --plugin ./pieces.so -o longer.h5 --set limit=33 --set sampling.checkpoint=true
expect end_in_a_unit_longer 0
same end_in_a_unit_longer_same_bits end1.h5 longer.h5

# ---- stopped in the middle of the first unit ----

slow=(--set replicas=1 --set length=1500 --set pause=0.001 --set sampling.steps=2 --set sampling.interval=1)
export PIECES_LOG=$work/moves.log PIECES_CUT=5
status=0
"$quench" run sweep.yaml --plugin ./pieces.so -j1 -o slow.h5 "${slow[@]}" --flush 0.1 2>err &
pid=$!
for _ in $(seq 400); do
    ls slow.h5.parts/*.h5 >/dev/null 2>&1 && break
    sleep 0.05
done
q status slow.h5 --plugin ./pieces.so
check status_while_running "exit status $status: $(cat out)" [ "$status" -eq 0 ]
check status_shows_the_line "$(cat out)" grep -Eq '^in progress +replica 0: step 0 of 2; move [0-9]+ of the walk$' out
kill -USR1 $pid
sleep 0.3
kill -TERM $pid
wait $pid
status=$?
expect stopped_in_a_unit 75 '^quench: 0 of 1 tasks, .*; move [0-9]+ of the walk$'
first=$(moves)
check stopped_before_the_first_unit "made $first moves" [ "$first" -gt 0 -a "$first" -lt 1500 ]

# a later checkpoint of the same unit counts, also where parts of several processes lie there
"$quench" run sweep.yaml --plugin ./pieces.so -j1 -o slow.h5 "${slow[@]}" --time 0.2 2>err
status=$?
expect stopped_again_in_a_unit 75
second=$(moves)
q run sweep.yaml --plugin ./pieces.so -j1 -o slow.h5 "${slow[@]}" --time 1.8
third=$(moves)
q status slow.h5 --plugin ./pieces.so
if [ "$third" -ge 1500 ] && [ "$third" -lt 3000 ]; then
    check status_tells_the_time "$(cat out)" grep -Eq '^in progress .*: step 1 of 2; move [0-9]+ of the walk; at most [0-9.]+ .*left$' out
    check status_tells_the_time_of_all "$(cat out)" grep -q '(from the tasks in progress)$' out
fi
q run sweep.yaml --plugin ./pieces.so -j1 -o slow.h5 "${slow[@]}"
expect resumed_in_a_unit 0
check resumed_in_a_unit_goes_on "made $first, $second, $third, $(moves) moves, not 3000 in all" [ "$(moves)" -eq 3000 ]
unset PIECES_LOG PIECES_CUT
q run sweep.yaml --plugin ./pieces.so -o once.h5 "${slow[@]}"
same resumed_in_a_unit_same_bits once.h5 slow.h5
finish
