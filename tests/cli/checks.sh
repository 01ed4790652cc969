#!/usr/bin/env bash
# checks.sh -- verify and diff notice what they should; show, status and the other readers of a result agree with the file; the file
# opens in h5py, netCDF4, xarray, h5ls and h5dump.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

cat >sweep.yaml <<'YAML'
title: a small grid
model: hebbian
seed: 77
replicas: 8
parameters: {N: 32, P: 4}
sweep:
  load: [0.05, 0.2]
  T: [0.1, 0.3, 0.9]
sampling: {thermalization: 50, steps: 400, bins: 8}
YAML
q run sweep.yaml -q -j2 -o good.h5
expect run 0
python_check() { # NAME PROGRAM ARGUMENTS...
    local name=$1 why
    shift
    if why=$("$python" "$here/$1" "${@:2}" 2>&1); then ok "$name"; else not_ok "$name" "$(echo "$why" | tail -5 | tr '\n' ';')"; fi
}

# ---- verify ----

q verify good.h5
expect verify 0
check verify_says_so "$(cat out)" grep -q 'every bit is the same' out
q verify good.h5 --all
expect verify_all 0
check verify_all_reruns_all "$(cat out)" grep -q '48 tasks run again, 0 differ' out
cp good.h5 kept.h5
check verify_changes_nothing "the file changed" cmp -s good.h5 kept.h5
altered() { # DATASET HOW PATTERN
    local name=${1//\//_}
    cp kept.h5 bad.h5
    "$python" "$here/alter.py" bad.h5 "$1" "$2" || not_ok "alter_$name" "could not"
    q verify bad.h5
    if [ "$status" -eq 1 ] && grep -Eq "$3" out; then ok "verify_altered_$name"; else not_ok "verify_altered_$name" "exit status $status: $(cat out err)"; fi
}
altered samples/m bit 'does not match its digest'
altered samples/u bit 'does not match its digest'
altered samples/m_tau bit 'does not match its digest'
altered samples/retrieved value 'does not match its digest'
altered samples/digest bit 'does not match its digest'
altered samples/measurements bit 'does not match its digest'
altered samples/steps bit 'digest|steps'
altered samples/key bit 'the key of point'
altered samples/chain bit 'another sweep'
altered m bit 'm is not what the samples give'
altered u_err bit 'u_err is not'
altered m_tau value 'm_tau is not'
altered T value 'T is not'
# a liar who mends the digest too is caught by running the task again
cp kept.h5 bad.h5
"$python" - <<'PYTHON'
import h5py
with h5py.File("bad.h5", "r+") as f:  # one replica's numbers in another's place, digest and all
    for n, d in f["samples"].items():
        if d.ndim >= 3 and n not in ("key", "chain"):
            x = d[()]
            x[0, 0, 0] = x[0, 0, 1]
            d[...] = x
PYTHON
q verify bad.h5 --all
check verify_catches_a_swap "exit status $status: $(cat out)" [ "$status" -eq 1 ]
check verify_names_the_task "$(cat out)" grep -Eq 'point 0, replica 0 gives other numbers|is not what the samples give' out
cp kept.h5 bad.h5
offset=$("$python" -c 'import h5py; d = h5py.File("bad.h5")["samples/m"].id; print(d.get_offset() or d.get_chunk_info(0).byte_offset)')
printf 'XXXXXXXX' | dd of=bad.h5 bs=1 seek=$((offset + 64)) conv=notrunc 2>/dev/null # without mending any checksum
q verify bad.h5
check verify_rotten_file "exit status $status: $(cat out err)" [ "$status" -eq 1 -o "$status" -eq 2 ]
check verify_rotten_file_one_message "$(cat err)" [ "$(messages)" -le 1 ]

# ---- diff ----

q diff good.h5 kept.h5 --exact
expect diff_same_file 0
check diff_same_numbers "$(cat out)" grep -q 'the same numbers' out
q run sweep.yaml -q -j2 -o seed.h5 --set seed=78
q diff good.h5 seed.h5
expect diff_other_seed 0
q diff good.h5 seed.h5 --exact
expect diff_other_seed_exact 1
q run sweep.yaml -q -j2 -o hot.h5 --set 'T=[0.1, 0.3, 1.0]'
q diff good.h5 hot.h5
expect diff_common_points 0
check diff_counts_common_points "$(cat out)" grep -q '4 common points, 2 only in good.h5, 2 only in hot.h5' out
q run sweep.yaml -q -j2 -o p2.h5 --set P=2 --set 'load=[0.05, 0.2]'
q diff good.h5 p2.h5
expect diff_other_model_numbers 1

# ---- show ----

python_check show_tables tables.py good.h5 "$quench"
q show good.h5 m
check show_one_row_a_point "$(wc -l <out) lines" [ "$(wc -l <out)" -ge 6 ]
cp good.h5 "odd name é.h5"
q show "odd name é.h5" --csv
expect odd_file_name 0

# ---- status ----

"$quench" run sweep.yaml -q -j1 -o slow.h5 --set sampling.steps=300000 --set sampling.interval=100 --flush 0.1 2>run.err &
pid=$!
sleep 1
q status slow.h5
running=$status
cp out running.out
kill -TERM $pid
wait $pid
check status_while_running "exit status $running: $(cat running.out)" [ "$running" -eq 0 ]
check status_counts "$(cat running.out)" grep -Eq '^done +[0-9]+ of 48 tasks' running.out
check status_sees_the_process "$(cat running.out)" grep -Eq "^running +process $pid " running.out
q status slow.h5
expect status_after_a_stop 0
check status_after_a_stop_no_process "$(cat out)" sh -c '! grep -q "^running" out'
q status good.h5
expect status_finished 0
check status_finished_counts "$(cat out)" grep -q '48 of 48 tasks' out
check status_shows_errors "$(cat out)" grep -Eq '^m +6 ' out

# ---- check ----

q check sweep.yaml -o new.h5
expect check 0
check check_counts "$(cat out)" grep -Eq '^tasks +48' out
check check_writes_nothing "it wrote" [ ! -e new.h5 ]
q check sweep.yaml -o good.h5
check check_sees_what_is_done "$(cat out)" grep -q '48 are done' out

# ---- overlays by name, and the verdict on short tasks ----

q theory hebbian --sweep sweep.yaml -o theory.h5
expect theory 0
q plot good.h5 m --overlay theory.h5 --terminal --data all.csv
expect overlay_whole 0
check overlay_whole_has_all "$(cut -d, -f1 all.csv | sort -u | tr '\n' ';')" grep -q '^load below which retrieval is the ground phase' all.csv
q plot good.h5 m --overlay theory.h5:load_spinodal --terminal --data one.csv
expect overlay_by_name 0
lines_of() { sed 1d "$1" | cut -d, -f1 | sort -u | tr '\n' ';'; }
check overlay_by_name_only "$(lines_of one.csv)" test "$(lines_of one.csv | tr -cd ';')" = ';;'
check overlay_by_name_that "$(lines_of one.csv)" grep -q '^load below which retrieval exists' one.csv
cp theory.h5 a:b.h5
q plot good.h5 m --overlay a:b.h5 --terminal
expect overlay_with_colon 0
q plot good.h5 m --overlay a:b.h5:load_spinodal --terminal
expect overlay_with_colon_by_name 0
q plot good.h5 m --overlay theory.h5:load_spinodl --terminal
expect overlay_unknown 2 "theory.h5: there is no observable 'load_spinodl'; did you mean 'load_spinodal'"
q plot good.h5 m --overlay theory.h5: --terminal
expect overlay_empty 2 'after the colon'
q run sweep.yaml -q --set sampling.steps=20 -o short.h5
expect verdict_short 0 'measured 20 times on average: too few for a verdict'
grep -v '^  T:' sweep.yaml >descent.yaml
q run descent.yaml -q --set dynamics=zero --set start=random --set sampling.thermalization=0 -o descent.h5
expect verdict_descent 0 'measured [0-9]+ times on average: too few for a verdict'
q run sweep.yaml -q --set load=0.2 --set T=0.3 -o long.h5
expect verdict_long 0
check verdict_long_is_told "$(cat err)" test "$(grep -c 'too few for a verdict' err)" -eq 0

# ---- models, help, version ----

q models
expect models 0
check models_lists "$(cat out)" grep -q '^hebbian ' out
q models hebbian
expect models_hebbian 0
for word in load start_overlap m_abs q4 retrieved; do
    check "models_hebbian_$word" "not in the list" grep -Eq "^ +$word " out
done
for verb in check run status show models theory plot ladder merge diff verify; do
    q $verb --help
    if [ "$status" -eq 0 ] && grep -q "^usage: quench $verb" out && [ ! -s err ]; then ok "help_$verb"; else not_ok "help_$verb" "$(cat out err)"; fi
    q --help
    check "help_names_$verb" "not there" grep -Eq "^  $verb " out
done
q --version
expect version 0
check version_names_libraries "$(cat out)" grep -Eiq 'quench [0-9.]+ .*hdf5.*gsl|quench [0-9.]+ .*gsl.*hdf5' out
q
expect no_verb 2 '^usage: quench'

# ---- other programs ----

python_check python_opens opens.py good.h5 load T
q run sweep.yaml -q -j2 -o text.h5 --set 'dynamics=[heatbath, metropolis]' --set 'T=0.3'
python_check python_opens_text_axis opens.py text.h5 load dynamics
"$quench" theory hebbian --sweep sweep.yaml -o theory.h5 --set N=32 2>err || not_ok theory "$(cat err)"
check theory_opens "xarray cannot" "$python" -c 'import xarray; d = xarray.open_dataset("theory.h5"); assert d.m.dims == ("load", "T"), d'
for f in good.h5 text.h5 theory.h5; do
    check "h5ls_$f" "$(h5ls -r $f 2>&1 | tail -1)" sh -c "h5ls -r $f >out 2>err && [ ! -s err ]"
    check "h5dump_$f" "$(h5dump -H $f 2>&1 | tail -1)" sh -c "h5dump -H $f >out 2>err && [ ! -s err ]"
done
h5dump -H good.h5 >out
check no_compound_or_enum "h5dump shows one" sh -c '! grep -v "_LIST\|REFERENCE" out | grep -q "H5T_ENUM"'

# ---- a file by another hand ----

"$python" - <<'PYTHON'
import h5py, numpy as np
with h5py.File("hand.h5", "w") as f:  # the least that a table needs
    f["T"] = np.array([1.0, 2.0, 3.0])
    f["T"].make_scale("T")
    f["m"] = np.array([0.9, np.nan, 0.1])
    f["m"].dims[0].attach_scale(f["T"])
PYTHON
q show hand.h5 m --csv
if [ "$status" -eq 0 ]; then expect foreign_file 0; else expect foreign_file 2 '^quench: '; fi
finish
