#!/usr/bin/env bash
# cbo_user.sh -- objectives out of the user's shared objects: the example built against what was installed, and everything that may be wrong with one.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

prefix=$work/usr
unset MAKEFLAGS MFLAGS MAKELEVEL
sanitized=()
case $build in */sanitize-*) sanitized=("SANITIZE=${build##*-}") ;; esac
if make -C "$root" --no-print-directory install "PREFIX=$prefix" ${sanitized[@]+"${sanitized[@]}"} "B=$build" >log 2>&1; then
    ok install
else
    not_ok install "$(tail -3 log)"
    finish
fi
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
quench=$prefix/bin/quench

# ---- the example ----

cp -r "$root/models/template/objective" mine
rm -f mine/*.so
make -C mine >log 2>&1
check example_builds "$(tail -3 log)" [ -e mine/example.so ]
check example_without_warnings "$(grep warning log | head -1)" sh -c '! grep -q warning log'
cd mine || exit 1
q check chain.yaml
expect example_checks 0
q run chain.yaml -q
expect example_runs 0
q show chain.h5 success --csv
cp out table.csv
check example_finds_the_minimum "$(cat table.csv)" awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "success") c = i }
    NR > 1 { n++; s[n] = $c } END { exit !(n == 3 && s[1] > 0.5 && s[1] > s[3]) }' table.csv
q verify chain.h5
expect example_verifies 0
q run chain.yaml -q -j 1 -o one.h5
q run chain.yaml -q -j 2 -o two.h5
q diff one.h5 two.h5
expect example_same_bits 0
q run chain.yaml -q
expect example_done 0 '150 of 150 tasks done \(150 before\)'
# The file's content is part of a run's identity, its name is not.
cp example.so renamed.so
sed 's/example.so/renamed.so/' chain.yaml >renamed.yaml
q run renamed.yaml -q -o renamed.h5 --reuse chain.h5
expect same_content_is_the_same 0 '150 of 150 tasks done \(150 before\)'
make -B CFLAGS=-g0 >log 2>&1 # the same function in another file
q run chain.yaml -q -o anew.h5 --reuse chain.h5
expect another_content_is_another 0 '150 of 150 tasks done \(0 before\)'
cd "$work" || exit 1

# ---- objectives that are none: one message at the parameter's place, status 2, nothing written ----

sweep() { # NAME [LINE...]: a sweep of two tasks with ./NAME.so
    local name=$1
    shift
    {
        printf 'model: cbo\nseed: 7\nreplicas: 2\nparameters:\n  objective: user\n  objective_file: ./%s.so\n  d: 2\n  N: 20\n' "$name"
        printf '  success: f_c\n  success_tol: 0.1\n'
        printf '%s\n' "$@"
        printf 'sampling: {steps: 40, interval: 10}\n'
    } >"$name.yaml"
}
compile() { # NAME VALUE FIELDS [ABI]: f = VALUE, in terms of s = |x|^2 and x[i], the first coordinate
    cat >"$1.c" <<C
#include <quench_objective.h>
#include <math.h>
static void eval(size_t n, size_t d, size_t ld, const double *x, double *out, void *c)
{
    (void)c;
    for (size_t i = 0; i < n; i++) {
        double s = 0;
        for (size_t k = 0; k < d; k++)
            s += x[k * ld + i] * x[k * ld + i];
        out[i] = $2;
    }
}
const quench_objective_table quench_objective = {.abi = ${4:-QUENCH_OBJECTIVE_ABI}, .name = "$1", .eval = eval, $3};
C
    # shellcheck disable=SC2046
    cc -std=c11 -O2 -fPIC -shared $(pkg-config --cflags quench) "$1.c" -lm -o "$1.so" >log 2>&1 || not_ok "$1_compiles" "$(head -3 log)"
}
refused() { # NAME PATTERN LINE
    q run "$1.yaml" -q -o "$1.h5"
    expect "$1" 2 "^quench: $1.yaml:$3:[0-9]+: .*$2"
    check "$1_one_message" "$(cat err)" [ "$(messages)" -eq 1 ]
    check "$1_writes_nothing" "$(ls)" sh -c "! ls | grep -q '^$1.h5'"
}

compile bowl s ''
sweep bowl
q run bowl.yaml -q -o bowl.h5
expect bowl 0
compile old s '' 0
sweep old
refused old 'speaks version 0 of the interface of objectives, this quench version 1' 6
compile new s '' 7
sweep new
refused new 'speaks version 7' 6
echo 'int quench_objectives;' >symbol.c
cc -shared -fPIC symbol.c -o symbol.so
sweep symbol
refused symbol 'does not export' 6
echo 'no program' >text.so
sweep text
refused text 'cannot be loaded' 6
sweep missing
refused missing 'cannot be read' 6
compile plane s '.d_min = 2, .d_max = 2'
sweep plane
sed -i 's/  d: 2/  d: 3/' plane.yaml
refused plane 'takes d 2' 7
compile many s '.d_min = 10'
sweep many
refused many 'takes d at least 10' 7
printf 'model: cbo\nseed: 1\nparameters:\n  objective: user\nsampling: {steps: 2}\n' >nameless.yaml
refused nameless 'needs objective_file' 4

# What create() says ends the run with its sentence.
sweep wrong '  objective_options: "mass=3"'
cp mine/example.so wrong.so
q run wrong.yaml -q -o wrong.h5
expect create_refuses 1 'objective chain: options are stiffness='

# ---- what is not a number ----

outcome() { # FILE NAME: the mean of an outcome
    q show "$1" "$2" --csv
    awk -F, -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i } NR == 2 { print $c }' out
}
above() { awk -v x="$1" -v y="$2" 'BEGIN { exit !(x > y) }'; }
compile half 'x[i] < 0 ? (double)NAN : s' ''
sweep half
q run half.yaml -q -o half.h5
expect half_is_nan 0
check nan_is_counted "$(outcome half.h5 n_nonfinite)" above "$(outcome half.h5 n_nonfinite)" 0
check nan_has_no_weight "$(outcome half.h5 lost)" [ "$(outcome half.h5 lost)" = 0 ]
compile all '(double)NAN' ''
sweep all
q run all.yaml -q -o all.h5
expect all_is_nan 0
check all_nan_is_lost "$(outcome all.h5 lost)" [ "$(outcome all.h5 lost)" = 1 ]
check all_nan_status "$(outcome all.h5 status)" [ "$(outcome all.h5 status)" = 6 ]
compile deep 'x[i] > 0 ? -(double)INFINITY : s' ''
sweep deep
q run deep.yaml -q -o deep.h5
expect minus_infinity 0
check minus_infinity_is_unbounded "$(outcome deep.h5 status)" [ "$(outcome deep.h5 status)" = 7 ]
finish
