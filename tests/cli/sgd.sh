#!/usr/bin/env bash
# sgd.sh -- engine sgd at the command line: mistakes with their sentences, damaged data files, how runs end (fitted, out of time, diverged,
# dead), the same bits with 1, 2, 3 and 8 threads and after interruptions for every kind of net and dynamics.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

# sweep PARAMETERS [SWEEP [SAMPLING]]: the inside of flow mappings; writes s.yaml
sweep() {
    cat >s.yaml <<YAML
model: sgd
seed: 1
replicas: 8
parameters: {$1}
sweep: {${2:-}}
sampling: {${3:-steps: 8}}
output: s.h5
YAML
}
# bad NAME PATTERN PARAMETERS [SWEEP]: one message that fits, at a line and column, exit status 2, no result
bad() {
    sweep "$3" "${4:-}"
    q run s.yaml -q
    expect "$1" 2 "^quench: s.yaml:[1-5]:[0-9]+: $2"
    check "$1: one message" "$(messages) messages: $(head -c 400 err)" [ "$(messages)" -eq 1 ]
    check "$1: writes nothing" "there is a result" [ ! -e s.h5 ]
}

# ---- mistakes ----

bad net_unknown "net cannot be 'perceptrn'; did you mean 'perceptron'" 'net: perceptrn'
bad all_three 'eta: T, B and eta are all given' 'T: 1, B: 2, eta: 2'
bad all_three_on_an_axis 'eta: T, B and eta are all given' 'B: 2, eta: 2' 'T: [1, 2]'
bad no_whole_batch 'eta: 3 at T = 2 makes batches of B = eta/T = 1.5 points' 'eta: 3, T: 2'
bad batch_beyond_points 'B: 2000 points of 1024; B must be at most P' 'B: 2000'
bad batch_beyond_some 'B: 16 points of 8; B must be at most P' 'P: 8' 'B: [2, 4, 16]'
bad temperature_negative 'T = -1 is out of range' 'T: -1'
bad temperature_nan 'T must be a ' 'T: nan'
bad chi_too_small 'chi = -1 is out of range' 'chi: -1'
bad alpha_beyond_single 'alpha: 100000: in single precision .*alpha = 16777; take precision: f64' 'net: mlp, alpha: 1e5'
bad alpha_zero 'alpha = 0 is out of range' 'net: mlp, alpha: 0'
bad online_net 'P: 0: nets with hidden layers need training points' 'net: mlp, P: 0'
bad online_events 'dynamics: event needs a list of training points' 'P: 0, dynamics: event'
bad events_of_an_mlp 'dynamics: event leaves out the steps' 'net: mlp, dynamics: event'
bad events_of_epochs 'batch: epoch: successive batches depend' 'dynamics: event, batch: epoch'
bad flow_with_a_step 'eta: gradient flow chooses its own steps' 'T: 0, eta: 1'
bad curvature_of_the_hinge 'hessian: the hinge has no curvature' 'net: mlp, hessian: full'
bad stability_of_many 'stability: needs P > 0 points of which P .* at most 200' 'net: diagonal, P: 201, stability: true'
bad not_of_this_net 'h: has a meaning with net: mlp or kernel only, and net is perceptron' 'h: 10'
bad data_unknown 'data: .*strip' 'net: mlp, data: strip'
bad memory 'P: 2000000000 points of d = 100000 inputs need .* of memory' 'P: 2000000000, d: 100000'

# ---- files: missing, cut short, of another kind ----

zcat "$data/mnist-test5k-images-idx3-ubyte.gz" >images
zcat "$data/mnist-test5k-labels-idx1-ubyte.gz" >labels
head -c 100000 images >short
head -c 100000 "$data/mnist-test5k-images-idx3-ubyte.gz" >short.gz
head -c 8 images >header
: >empty
{ cat images; printf x; } >longer
{ printf '\0\0\10\7'; tail -c +5 images; } >magic
head -c 500 labels >few
{ printf '\0\0\10\1\0\0\0\12'; head -c 10 /dev/zero; } >ten
head -c 30730 /dev/urandom >cifar
parity() { echo "net: mlp, data: 'mnist:parity', P: 100, images: $1, labels: $2"; }
bad file_missing "images: the file 'nowhere' cannot be read" "$(parity nowhere labels)"
bad labels_missing "labels: the file 'nowhere' cannot be read" "$(parity images nowhere)"
bad labels_not_given 'labels: not given; images needs' "net: mlp, data: 'mnist:parity', images: images"
bad file_cut 'images: short: its header promises 3920000 bytes of data but only 99984 follow' "$(parity short labels)"
bad gzip_cut 'images: short.gz: its gzip stream is cut short' "$(parity short.gz labels)"
bad header_cut 'images: header: ends inside the header' "$(parity header labels)"
bad file_empty 'images: empty: holds 0 bytes' "$(parity empty labels)"
bad file_longer 'images: longer: more bytes follow the 3920000' "$(parity longer labels)"
bad file_magic 'images: magic: begins with 00 00 08 07; an IDX file of 3-dimensional' "$(parity magic labels)"
bad labels_cut 'labels: few: its header promises 5000 bytes of data but only 492 follow' "$(parity images few)"
bad labels_are_images 'labels: images: begins with 00 00 08 03; .*exchanged' "$(parity images images)"
bad labels_of_others '(labels|images): .*10 labels' "$(parity images ten)"
bad not_cifar 'images: images: holds 3920016 bytes, and CIFAR-10 records have 3073' "net: mlp, data: 'cifar10:animal', images: images, P: 10"
bad cifar_labels 'images: cifar: .*label' "net: mlp, data: 'cifar10:animal', images: cifar, P: 5"
bad more_points_than_images 'P: 5001 training points of the 5000 images' "$(parity images labels | sed 's/P: 100/P: 5001/')"

# ---- how runs end: an outcome each, and exit status 0 ----

# ends NAME PARAMETERS STATUSES: of eight runs of at most 20000 steps; t_star is a number where the status is 0 and nowhere else
ends() {
    sweep "$2" '' 'steps: 20000, points_per_decade: 2'
    q run s.yaml -q
    expect "$1" 0
    check "$1: outcomes" "$("$quench" show s.h5 samples/status samples/t_star --csv | tr '\n' ' ')" "$python" - "$3" <<'PY'
import h5py, numpy, sys
f = h5py.File("s.h5")
status, t = f["samples/status"][()].ravel(), f["samples/t_star"][()].ravel()
want = {int(x) for x in sys.argv[1].split(",")}
assert len(status) == 8 and set(status.astype(int)) == want, status
assert numpy.array_equal(numpy.isfinite(t), status == 0), t
assert f["fitted"][()].ravel()[0] == (status == 0).mean()
# a run that diverged has no last values; the others have
end = f["train_loss_end"][()].ravel()[0]
assert numpy.isfinite(end) != (status == 2).all(), end
PY
    rm -f s.h5
}
ends fitted 'd: 5, P: 100, chi: 1' 0
ends fitted_by_events 'd: 5, P: 100, chi: 1, dynamics: event' 0
ends out_of_time 'd: 5, P: 100, chi: 1, max_time: 5' 1
ends out_of_steps 'd: 50, P: 10000, T: 0.01' 1
ends diverged 'net: diagonal, d: 10, P: 20, T: 100' 2
ends diverged_deep 'net: mlp, data: sign, d: 5, h: 4, P: 50, B: 5, T: 10, loss: square' 2
ends dead_or_not "$(parity images labels | sed 's/P: 100/P: 64/'), tests: 100, h: 4, B: 4, T: 100" 1,3
ends some_of_each 'net: mlp, data: sign, d: 5, h: 4, P: 50, B: 5, T: 30, depth: 2' 1,2,3

# ---- the same bits ----

small="net: mlp, data: sign, d: 10, h: 20, P: 60"
same() { # NAME A B
    local why
    if why=$("$python" "$here/same.py" "$2" "$3" 2>&1); then ok "$1"; else not_ok "$1" "$(echo "$why" | head -3 | tr '\n' ';')"; fi
}
# kind NAME PARAMETERS SAMPLING: threads and interruptions change nothing.  The limit is a sixth of the whole time at first, and grows with every
# stop: it includes reading what is there.
kind() {
    local begin wall
    sweep "$2" '' "$3"
    begin=$(date +%s%N)
    q run s.yaml -q -j1 -o "$1.h5"
    wall=$((($(date +%s%N) - begin) / 1000000))
    expect "$1" 0
    for j in 2 3 8; do
        q run s.yaml -q -j$j -o more.h5
        same "$1: $j threads, same bits" "$1.h5" more.h5
        rm -f more.h5
    done
    stops=0
    for _ in $(seq 40); do
        q run s.yaml -q -j2 -o more.h5 --time "$(awk "BEGIN { printf \"%.3f\", $wall / 6000 * (1 + $stops / 2) }")" --flush 0.02
        [ "$status" -eq 75 ] || break
        stops=$((stops + 1))
    done
    expect "$1: stopped and resumed" 0
    same "$1: stopped $stops times, same bits" "$1.h5" more.h5
    total=$((total + stops))
    rm -rf more.h5 more.h5.parts
}
total=0
kind perceptron 'd: 20, P: 400, chi: 0, B: 3, T: 2' 'steps: 100000, points_per_decade: 4'
kind events 'd: 20, P: 400, chi: 0, B: 2, T: 2, dynamics: event' 'steps: 10000000, points_per_decade: 4'
kind epochs 'd: 20, P: 400, chi: 1, B: 7, T: 2, batch: epoch' 'steps: 100000, points_per_decade: 4'
kind flow "$small, T: 0, loss: quadratic_hinge" 'steps: 2000, points_per_decade: 4'
kind mlp "$small, B: 6, T: 0.2, depth: 2, hessian: full, loss: square, geometry: true" 'steps: 4000, points_per_decade: 4'
kind diagonal 'net: diagonal, d: 100, P: 40, s: 0.1, T: 0.01, hessian: gauss_newton, stability: true' 'steps: 20000, points_per_decade: 4'
kind kernel "net: kernel, data: sign, d: 10, h: 20, P: 200, T: 0.2, dynamics: event" 'steps: 100000, points_per_decade: 4'
kind chain 'P: 0, dynamics: chain, T: 2' 'steps: 100000, points_per_decade: 4'
check stopped_at_all "stopped $total times" [ "$total" -ge 1 ]
q verify perceptron.h5 --points 4
expect verify 0

# A longer run is the continuation of the shorter.
sweep "$small, B: 6, T: 0.2, loss: square" '' 'steps: 1000, interval: 100'
q run s.yaml -q -o short.h5
q run s.yaml -q -o longer.h5 --set sampling.steps=2000
check longer_begins_alike "other numbers" "$python" -c '
import h5py, numpy
a, b = h5py.File("short.h5"), h5py.File("longer.h5")
assert a["train_loss"].shape[-1] == 10 and b["train_loss"].shape[-1] == 20
for name in "train_loss", "test_err", "dw", "kta":
    assert numpy.array_equal(a[name][()], b[name][()][..., :10], equal_nan=True), name'

# ---- theory ----

q theory sgd --set net=linear --set P=0 --set d=10 --set T=0.1 --set sigma=1 --csv
expect theory 0
check theory_excess "$(cat out)" "$python" -c '
import csv
row = next(csv.DictReader(open("out")))
assert abs(float(row["excess"]) - 1.25) < 1e-9 and abs(float(row["eta_max"]) - 2 / 12) < 1e-9, row'

finish
