#!/usr/bin/env bash
# input.sh -- bad input: one clear message for each mistake, exit status 2 (1 for a full disk), nothing written.  And input that
# looks odd but is valid.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

listing() { find . -mindepth 1 ! -name out ! -name err ! -name before ! -name after ! -name checked | LC_ALL=C sort >"$1"; }
# bad NAME STATUS MESSAGES PATTERN ARGUMENTS...: fails so, with that many messages, one of which fits, and writes nothing
bad() {
    local name=$1 want=$2 count=$3 pattern=$4
    shift 4
    listing before
    q "$@"
    listing after
    if [ "$status" -ne "$want" ]; then
        not_ok "$name" "exit status $status, not $want: $(head -c 300 err)"
    elif [ "$(messages)" -ne "$count" ]; then
        not_ok "$name" "$(messages) messages, not $count: $(head -c 600 err)"
    elif ! grep -Eq -- "$pattern" err; then
        not_ok "$name" "no /$pattern/ in: $(head -c 300 err)"
    elif ! cmp -s before after; then
        not_ok "$name" "left behind: $(diff before after | tr '\n' ' ')"
    elif [ -s out ]; then
        not_ok "$name" "prints a result: $(head -c 200 out)"
    else
        ok "$name"
    fi
}
# sweep PARAMETERS [SWEEP [SAMPLING]]: each the inside of a flow mapping; writes s.yaml, a tiny sweep
sweep() {
    cat >s.yaml <<YAML
model: hebbian
seed: 1
parameters: {N: 16, K: 3, P: 4, $1}
sweep: {${2:-}}
sampling: {${3:-steps: 8, bins: 2}}
output: s.h5
YAML
}
good() { # NAME ARGUMENTS...: runs, and the result opens
    local name=$1
    shift
    rm -rf s.h5 s.h5.parts
    q run s.yaml -q "$@"
    expect "$name" 0
    "$quench" show s.h5 --csv >/dev/null 2>err || not_ok "$name" "no result that opens: $(cat err)"
    rm -rf s.h5
}

# ---- mistakes in the sweep file ----

sweep 'T: 0.5'
good plain
sed -i 's/steps:/sweps:/' s.yaml
bad unknown_sampling_key 2 1 "^quench: s.yaml:5:12: unknown key 'sweps' in sampling; did you mean 'steps'" run s.yaml
check caret "no caret under the key" grep -Eq '^ +\| +\^~~~~$' err
sweep 'T: 0.5'
sed -i 's/^seed: 1/sed: 1/' s.yaml
bad unknown_top_key 2 2 "^quench: s.yaml:2:1: unknown key 'sed' .*did you mean 'seed'" run s.yaml
sweep 'temprature: 0.5'
bad unknown_parameter 2 1 "^quench: s.yaml:3:33: .*'temprature'" run s.yaml
sweep 'star: random'
bad nearest_name 2 1 "did you mean 'start'" run s.yaml
sweep 'T: warm'
bad wrong_type 2 1 '^quench: s.yaml:3:36: .*T.*warm' run s.yaml
sweep 'T: 0.5'
sed -i 's/N: 16/N: 16.5/' s.yaml
bad real_for_int 2 1 '^quench: s.yaml:3:17: .*N.*16.5' run s.yaml
sweep 'T: -0.5'
bad out_of_range 2 1 '^quench: s.yaml:3:36: .*T.*-0.5.*0' run s.yaml
sweep 'dynamics: heatbad'
bad wrong_choice 2 1 '^quench: s.yaml:3:43: .*heatbad.*heatbath' run s.yaml
sweep 'T: [0.1, 0.2]'
bad list_among_parameters 2 1 'takes one value.*sweep' run s.yaml
sweep 'T: nan'
bad nan 2 1 '^quench: s.yaml:3:36: ' run s.yaml
sweep 'T: .nan'
bad yaml_nan 2 1 '^quench: s.yaml:3:36: ' run s.yaml
sweep 'T: inf'
bad inf 2 1 '^quench: s.yaml:3:36: ' run s.yaml
sweep 'T: 1e999'
bad overflow 2 1 '^quench: s.yaml:3:36: ' run s.yaml
sweep 'T:'
bad no_value 2 1 'T has no value' run s.yaml
sweep '' 'T: [0.1, nan]'
bad nan_in_an_axis 2 1 '^quench: s.yaml:4:18: ' run s.yaml
sweep '' 'T: {from: 0.1, to: inf, points: 3}'
bad inf_in_a_range 2 1 '^quench: s.yaml:4:' run s.yaml
sweep '' 'T: {from: 0.1, to: 1, points: 0}'
bad no_points 2 1 '^quench: s.yaml:4:' run s.yaml
sweep '' 'T: {from: 0, to: 1, points: 3, scale: log}'
bad samples_beyond_memory 2 1 'more than this machine' run s.yaml --set sampling.steps=90000000 --set 'T={from: 0.1, to: 2, points: 10000}' --set replicas=1000 --set sampling.bins=65536
bad log_from_zero 2 1 'log range' run s.yaml
sweep '' 'T: []'
bad empty_axis 2 1 'no values' run s.yaml
sweep '' 'T: [0.1, 0.2, 0.1]'
bad duplicate_axis_values 2 1 'T has the value 0.1 twice' run s.yaml
sweep 'T: 0.5' 'T: [0.1, 0.2]'
bad fixed_and_swept 2 1 'either fixed or swept' run s.yaml
sweep '' 'T: {from: 0.1, to: 2, points: 1000000}, left_threshold: {from: 0, to: 1, points: 1000}'
bad too_many_points 2 1 'tasks' run s.yaml
sweep 'T: 0.5' '' 'steps: 0'
bad no_steps 2 1 '^quench: s.yaml:5:' run s.yaml
sweep 'T: 0.5' '' 'steps: 8, interval: 9'
bad interval_beyond_steps 2 1 'nothing would be measured' run s.yaml
sweep 'T: 0.5' '' 'steps: 8, bins: 0'
bad no_bins 2 1 '^quench: s.yaml:5:' run s.yaml
sweep 'T: 0.5, load: 0.1'
bad load_and_k 2 1 '^quench: s.yaml:3:.*load' run s.yaml
sweep 'T: 0.5'
sed -i 's/P: 4/P: 5/' s.yaml
bad odd_p 2 1 '^quench: s.yaml:3:' run s.yaml
sweep 'T: 0.5'
sed -i 's/^model: hebbian/model: hebian/' s.yaml
bad unknown_model 2 1 "^quench: s.yaml:1:8: unknown model 'hebian'; did you mean 'hebbian'" run s.yaml
sweep 'T: 0.5'
sed -i '/^seed/d' s.yaml
bad no_seed 2 1 'must give a seed' run s.yaml
sweep 'T: 0.5'
sed -i 's/^seed: 1/seed: -1/' s.yaml
bad negative_seed 2 1 '^quench: s.yaml:2:7: seed' run s.yaml
sweep 'T: 0.5'
echo 'replicas: 0' >>s.yaml
bad no_replicas 2 1 '^quench: s.yaml:7:11: ' run s.yaml

cat >s.yaml <<'YAML'
model: hebbian
sed: 1
seed: 7
parameters:
  N: many
  T: -3
  colour: red
sampling:
  steps: 10
  bin: 4
YAML
bad several_at_once 2 5 '^quench: s.yaml:5:6: ' run s.yaml
for place in 2:1 5:6 6:6 7:3 10:3; do
    check "several_at_$place" "no message there" grep -q "^quench: s.yaml:$place: " err
done
check several_have_carets "$(grep -c '| *^' err) carets" [ "$(grep -c '| *^' err)" -eq 5 ]
check several_in_order "not sorted by line" sh -c "grep -o '^quench: s.yaml:[0-9]*' err | sort -t: -k3n -c"

# ---- not a sweep file at all ----

printf 'model: hebbian\nseed: [1\nreplicas: 2\n' >s.yaml
bad yaml_syntax 2 1 '^quench: s.yaml:[234]:[0-9]+: YAML' run s.yaml
printf 'model: hebbian\nseed: 1\nseed: 2\n' >s.yaml
bad yaml_double_key 2 1 '^quench: s.yaml:3:' run s.yaml
: >s.yaml
bad empty_file 2 1 '^quench: s.yaml' run s.yaml
printf '# nothing\n' >s.yaml
bad only_a_comment 2 1 '^quench: s.yaml' run s.yaml
echo 'just a sentence' >s.yaml
bad no_mapping 2 1 '^quench: s.yaml:1:1: ' run s.yaml
head -c 4096 /bin/sh >s.yaml
bad binary_file 2 1 'not text' run s.yaml
printf 'model: hebbian\nseed: 1\ntitle: "\xff\xfe"\n' >s.yaml
bad bytes_that_are_no_utf8 2 1 '^quench: s.yaml' run s.yaml
printf 'model: hebbian\nseed: 1\nparameters: &a {N: 16, K: 3, T: &t 0.5}\nsampling: {steps: *t}\n' >s.yaml
q run s.yaml
check anchors "exit status $status: $(cat err)" grep -q '^quench: s.yaml:4:.*anchors, aliases' err
check anchors_exit_2 "exit status $status" [ "$status" -eq 2 ]
printf 'model: hebbian\nseed: 1\nparameters: [1, 2]\n' >s.yaml
bad parameters_as_a_list 2 1 'parameters must be a mapping' run s.yaml
printf 'model: hebbian\nseed: 1\n? [a, b]\n: 1\n' >s.yaml
bad key_that_is_a_list 2 1 'plain name' run s.yaml
bad no_such_file 2 1 'absent.yaml: No such file' run absent.yaml
bad folder_as_sweep_file 2 1 'Is a directory' run .

# ---- options ----

sweep 'T: 0.5'
bad unknown_verb 2 1 "no verb 'rum'; did you mean 'run'" rum s.yaml
bad unknown_option 2 1 "no option --flash; did you mean --flush" run s.yaml --flash 3
bad unknown_letter 2 1 'no option -z' run s.yaml -z
bad no_file 2 1 'usage: quench run' run
bad two_files 2 1 'usage: quench run' run s.yaml s.yaml
bad option_without_value 2 1 'output needs' run s.yaml -o
bad threads_zero 2 1 'threads takes' run s.yaml -j 0
bad threads_text 2 1 'threads takes' run s.yaml -j two
bad time_text 2 1 'time takes' run s.yaml --time soon
bad part_zero 2 1 'part takes' run s.yaml --part 0/3
bad part_beyond 2 1 'part takes' run s.yaml --part 4/3
bad part_text 2 1 'part takes' run s.yaml --part half
bad set_without_value 2 1 'NAME=VALUE' run s.yaml --set T
bad set_unknown 2 1 "no parameter 'temprature'" run s.yaml --set temprature=1
bad set_wrong_type 2 1 'T.*hot' run s.yaml --set T=hot
bad set_out_of_range 2 1 'T' run s.yaml --set T=-1
bad set_bad_yaml 2 1 'not valid YAML' run s.yaml --set 'T=[1, 2'
bad set_unknown_sampling 2 1 "'sweps' in sampling" run s.yaml --set sampling.sweps=3
bad reuse_absent 2 1 'reuse.*absent.h5' run s.yaml --reuse absent.h5
bad plugin_absent 2 1 'plugin .*absent.so' run s.yaml --plugin absent.so
bad model_absent 2 1 "no model 'nothing'" models nothing
bad theory_model_absent 2 1 "no model 'nothing'" theory nothing --csv
for verb in status show merge verify plot; do
    bad "${verb}_absent" 2 1 'absent.h5' "$verb" absent.h5
    bad "${verb}_no_hdf5" 2 1 's.yaml.* not an HDF5 file' "$verb" s.yaml
done
bad diff_absent 2 1 'absent.h5' diff absent.h5 absent.h5
listing before
QUENCH_ISA=nonsense "$quench" run s.yaml >out 2>err
status=$?
expect isa_nonsense 2 '^quench: .*QUENCH_ISA.*nonsense'
listing after
check isa_nonsense_writes_nothing "$(diff before after)" cmp -s before after

q run s.yaml -q -o r.h5 --set 'T=[0.2, 0.4]'
bad where_unknown 2 1 "'X'|X" show r.h5 --where X=1
bad where_no_value 2 1 'where|NAME=' show r.h5 --where T
bad where_no_match 2 1 '0.3' show r.h5 --where T=0.3
bad where_text 2 1 'warm' show r.h5 --where T=warm
bad show_unknown 2 1 "magnetisation" show r.h5 magnetisation
bad show_both_forms 2 1 'exclude' show r.h5 --csv --json

# ---- data files ----

mkdir idx
cp "$data/mnist-test5k-images-idx3-ubyte.gz" idx/images.gz
cp "$data/mnist-test5k-labels-idx1-ubyte.gz" idx/labels.gz
mnist() { # IMAGES
    cat >s.yaml <<YAML
model: hebbian
seed: 1
parameters: {P: 4, patterns: mnist, images: $1, labels: idx/labels.gz, K: 3, T: 0.1}
sampling: {steps: 2, bins: 1}
output: s.h5
YAML
}
mnist idx/images.gz
good idx
zcat idx/images.gz >idx/images
mnist idx/images
good idx_plain
mnist idx/absent
bad idx_missing 2 1 '^quench: s.yaml:3:.*images.*absent' run s.yaml
head -c 100000 idx/images.gz >idx/cut.gz
mnist idx/cut.gz
bad idx_gz_cut 2 1 'idx/cut.gz' run s.yaml
head -c 100000 idx/images >idx/cut
mnist idx/cut
bad idx_cut 2 1 'idx/cut' run s.yaml
head -c 10 idx/images >idx/header
mnist idx/header
bad idx_header_cut 2 1 'idx/header' run s.yaml
: >idx/empty
mnist idx/empty
bad idx_empty 2 1 'idx/empty' run s.yaml
{ printf '\0\0\10\3\377\377\377\377\377\377\377\377\377\377\377\377'; head -c 5000 idx/images; } >idx/huge
mnist idx/huge
bad idx_huge_header 2 1 'idx/huge' run s.yaml
mnist idx/labels.gz
bad idx_labels_as_images 2 1 'idx/labels.gz' run s.yaml
{ head -c 60000 idx/images.gz; printf 'XXXXXXXXXXXXXXXX'; tail -c +60017 idx/images.gz; } >idx/rotten.gz
mnist idx/rotten.gz
bad idx_gz_damaged 2 1 'idx/rotten.gz' run s.yaml
mnist .
bad idx_folder 2 1 '' run s.yaml
pattern_file() {
    sweep "T: 0.5, patterns: file, pattern_file: $1"
    sed -i 's/N: 16, K: 3, //' s.yaml
}
printf '1 -1 1 1\n-1 1 1 -1\n' >idx/rows
pattern_file idx/rows
good patterns
printf '1 -1 1 1\n-1 1 1\n' >idx/ragged
pattern_file idx/ragged
bad patterns_ragged 2 1 'idx/ragged' run s.yaml
printf '1 -1 1 1\n-1 1 2 1\n' >idx/values
pattern_file idx/values
bad patterns_no_sign 2 1 'idx/values' run s.yaml
printf '1 -1 one 1\n' >idx/words
pattern_file idx/words
bad patterns_text 2 1 'idx/words' run s.yaml
: >idx/none
pattern_file idx/none
bad patterns_empty 2 1 'idx/none' run s.yaml
pattern_file idx/absent
bad patterns_absent 2 1 '^quench: s.yaml:3:.*absent' run s.yaml

# ---- memory ----

cat >s.yaml <<'YAML'
model: hebbian
seed: 1
parameters: {N: 30000, K: 2000000000, P: 4, T: 0.5}
output: s.h5
YAML
bad beyond_memory 2 1 '^quench: s.yaml:3:.*(memory|GiB|TiB)' run s.yaml
bad beyond_memory_check 2 1 '^quench: s.yaml:3:' check s.yaml

# ---- the output ----

sweep 'T: 0.5'
bad output_in_no_folder 2 1 'absent/s.h5' run s.yaml -o absent/s.h5
bad output_below_a_file 2 1 's.yaml/s.h5' run s.yaml -o s.yaml/s.h5
bad output_in_proc 2 1 '/proc/s.h5' run s.yaml -o /proc/s.h5
mkdir folder.h5
bad output_is_a_folder 2 1 'folder.h5' run s.yaml -o folder.h5
rmdir folder.h5
q run s.yaml -q -o other.h5 --set seed=99
kept() { # NAME FILE ARGUMENTS...: refused, and the file stays bit for bit
    local name=$1 file=$2
    shift 2
    cp -p "$file" kept
    bad "$name" 2 1 "$file" run s.yaml -o "$file" "$@"
    check "${name}_unchanged" "the file changed" cmp -s kept "$file"
    rm kept
}
kept output_of_another_sweep other.h5
q run s.yaml -q -o many.h5 --set 'T=[0.3, 0.5]'
kept output_with_more_points many.h5
"$quench" theory hebbian --set N=16 --set K=3 --set P=4 -o theory.h5 2>/dev/null
kept output_is_theory theory.h5
echo 'my notes' >notes.h5
kept output_is_text notes.h5
: >empty.h5
kept output_is_empty empty.h5
"$python" -c 'import h5py; h5py.File("foreign.h5", "w")["x"] = [1.0, 2.0]'
kept output_is_foreign foreign.h5
head -c 3000 other.h5 >cut.h5
kept output_is_cut cut.h5
q run s.yaml -q -o mixed.h5 --part 1/2 --set seed=99
cp -r mixed.h5.parts parts.kept
q run s.yaml -q -o mixed.h5
expect parts_of_another_sweep 2 'another sweep'
check parts_of_another_sweep_unchanged "the parts changed" diff -r parts.kept mixed.h5.parts
rm -rf mixed.h5.parts parts.kept

# ---- a full disk ----

cat >full.yaml <<'YAML'
model: hebbian
seed: 5
replicas: 60
parameters: {N: 32, K: 3, P: 4}
sweep:
  T: {from: 0.1, to: 2, points: 20}
sampling: {steps: 500, bins: 100}
YAML
mkdir small
on_full_disk() { # NAME FOLDER PREFIX...: runs there, with the command in front
    local name=$1 folder=$2
    shift 2
    status=0
    "$@" "$quench" run full.yaml -q -j2 -o "$folder/full.h5" --flush 0.05 >out 2>err </dev/null || status=$?
    expect "$name" 1 '^quench: .*full.h5'
    check "${name}_one_message" "$(cat err)" [ "$(messages)" -eq 1 ]
    check "${name}_no_half_files" "$(find "$folder" -name '*.tmp*')" [ -z "$(find "$folder" -name '*.tmp*')" ]
    check "${name}_no_result" "a result is there" [ ! -e "$folder/full.h5" ]
}
q run full.yaml -q -j2 -o roomy.h5
if mount -t tmpfs -o size=1500k none small 2>/dev/null; then
    trap 'cd /; umount "$work/small" 2>/dev/null; rm -rf "$work"' EXIT
    on_full_disk full_disk small env
    mount -o remount,size=64m small
    before=$(find small -name '*.h5' | wc -l)
    q run full.yaml -q -j2 -o small/full.h5
    expect room_again 0
    check room_again_goes_on "nothing was kept" [ "$before" -gt 0 ]
    check room_again_same_bits "differs" "$python" "$here/same.py" roomy.h5 small/full.h5
    umount small
fi
on_full_disk file_size_limit small bash -c 'ulimit -f 600; exec "$@"' bash
q run full.yaml -q -j2 -o small/full.h5
expect file_size_again 0
check file_size_again_same_bits "differs" "$python" "$here/same.py" roomy.h5 small/full.h5
"$quench" show roomy.h5 --csv >/dev/full 2>err
status=$?
expect standard_output_full 1 'standard output'

# ---- parts that are damaged ----

damage() { # NAME COMMAND...: damages the part $p; it is named, set aside and run again
    local name=$1 p
    shift
    rm -rf part.h5 part.h5.parts
    "$quench" run full.yaml -q -j1 -o part.h5 --part 1/2 2>/dev/null
    p=$(find part.h5.parts -name '*.h5' | head -1)
    "$@" "$p"
    q run full.yaml -q -j2 -o part.h5
    expect "part_$name" 0 "^quench: .*${p##*/}.* set aside as .*\.bad"
    check "part_${name}_kept_to_look_at" "no .bad file" [ -e "$p.bad" ]
    check "part_${name}_same_bits" "differs" "$python" "$here/same.py" roomy.h5 part.h5
}
cut() { truncate -s 5000 "$1"; }
empty() { : >"$1"; }
flip() { "$python" -c 'import sys; p = sys.argv[1]; b = bytearray(open(p, "rb").read()); b[len(b) // 2] ^= 4; open(p, "wb").write(b)' "$1"; }
garbage() { echo 'not a part' >"$1"; }
damage cut cut
damage empty empty
damage bit_flipped flip
damage garbage garbage

# ---- odd but valid ----

sweep 'T: 0.5'
sed -i 's/N: 16, K: 3, P: 4/N: 1, K: 1, P: 2/' s.yaml
q run s.yaml -q
if [ "$status" -eq 2 ]; then expect n_is_one 2 '^quench: s.yaml:3:.*N'; else expect n_is_one 0; fi
rm -rf s.h5
sweep 'T: 0'
good t_is_zero
sweep 'T: 0.5' '' 'steps: 8, bins: 1'
good one_bin
sweep 'T: 0.5'
echo 'replicas: 1' >>s.yaml
good one_replica
sweep 'T: 0.5' '' 'steps: 10, bins: 4'
good bins_do_not_divide
sweep 'T: 0.5' '' 'steps: 3, bins: 32'
good fewer_steps_than_bins
sweep 'T: 0.5' '' 'steps: 1, bins: 32'
good one_step
sed -i '/^sampling/d' s.yaml
good no_sampling
sed -i '/^sweep/d; /^output/d' s.yaml
good no_sweep
printf 'model: hebbian\nseed: 18446744073709551615\nparameters: {N: 16, K: 2, P: 4}\n' >s.yaml
good largest_seed
printf '\xef\xbb\xbfmodel: hebbian\r\nseed: 0x1F\r\nparameters: {N: 16, K: 2, P: 4}\r\n' >s.yaml
q check s.yaml
if [ "$status" -eq 2 ]; then expect windows_file 2 'seed must be'; else expect windows_file 0; fi
sweep 'T: 0.5'
awk 'BEGIN { for (i = 0; i < 3000; i++) print "# a long comment, as someone may well keep in a sweep file: line " i }' >>s.yaml
good long_file
sweep '' 'T: [0.5]'
good axis_of_one
finish
