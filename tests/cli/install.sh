#!/usr/bin/env bash
# install.sh -- `make install`, and a model outside the tree: the template built against what was installed, and plug-ins that are none.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

prefix=$work/usr
# The build folder is the one under test; MAKEFLAGS of a surrounding make would speak of its jobs.
unset MAKEFLAGS MFLAGS MAKELEVEL
sanitized=()
case $build in */sanitize-*) sanitized=("SANITIZE=${build##*-}") ;; esac
if make -C "$root" --no-print-directory install "PREFIX=$prefix" ${sanitized[@]+"${sanitized[@]}"} "B=${QUENCH_BUILD:-build}" >log 2>&1; then
    ok install
else
    not_ok install "$(tail -3 log)"
    finish
fi
for f in bin/quench lib/libquench.so lib/libquench.so.0 include/quench.h include/quench_objective.h lib/pkgconfig/quench.pc share/man/man1/quench.1 \
    share/bash-completion/completions/quench; do
    check "installed_${f##*/}" "$prefix/$f is not there" [ -s "$prefix/$f" ]
done
make -C "$root" --no-print-directory install DESTDIR="$work/stage" PREFIX=/opt/quench ${sanitized[@]+"${sanitized[@]}"} "B=${QUENCH_BUILD:-build}" >log 2>&1
check destdir "$(tail -3 log)" [ -x "$work/stage/opt/quench/bin/quench" ]
check destdir_is_not_the_prefix "$(cat stage/opt/quench/lib/pkgconfig/quench.pc)" grep -q '^prefix *= */opt/quench' stage/opt/quench/lib/pkgconfig/quench.pc

export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
check pkg_config "$(pkg-config --print-errors --exists quench 2>&1)" pkg-config --exists quench
check pkg_config_version "$(pkg-config --modversion quench)" [ "$(pkg-config --modversion quench)" = "$("$prefix/bin/quench" --version | cut -d' ' -f2)" ]
quench=$prefix/bin/quench

# ---- the template ----

cp -r "$root/models/template" mine
rm -f mine/*.so
make -C mine >log 2>&1
check template_builds "$(tail -3 log)" [ -e mine/ising.so ]
check template_without_warnings "$(grep warning log | head -1)" sh -c '! grep -q warning log'
q models ising --plugin mine/ising.so
expect template_models 0
cat >ising.yaml <<'YAML'
model: ising
seed: 3
replicas: 8
parameters: {L: 8}
sweep: {T: [1.8, 3.5]}
sampling: {thermalization: 200, steps: 3000}
YAML
q run ising.yaml -q --plugin mine/ising.so -o ising.h5
expect template_runs 0
q verify ising.h5 --plugin mine/ising.so
expect template_verifies 0
(cd mine && "$quench" show ../ising.h5 binder --csv --where T=1.8 >../out 2>../err)
check template_orders "$(cat out err)" awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "binder") c = i } NR == 2 { exit !(c && $c > 0.6 && $c < 0.667) }' out
q verify ising.h5
expect without_its_plugin 2 "^quench: ising.h5 was made by model 'ising'.*--plugin"
cp mine/ising.so here.so
q models ising --plugin here.so
expect plugin_in_this_folder 0
q models --plugin mine/ising.so --plugin here.so
expect plugin_twice 2 "already a model 'ising'"

# ---- plug-ins that are none ----

plugin() { # NAME PATTERN: compiled from standard input; refused with one message
    cat >"$1.c"
    if ! cc -std=c11 -fPIC -shared "-I$prefix/include" "$1.c" -o "$1.so" >log 2>&1; then
        not_ok "plugin_$1" "does not compile: $(head -3 log)"
        return
    fi
    q models --plugin "./$1.so"
    expect "plugin_$1" 2 "$2"
    check "plugin_$1_one_message" "$(cat err)" [ "$(messages)" -eq 1 ]
}
plugin no_symbol 'does not export' <<'C'
int something_else;
C
plugin old_interface 'interface version [0-9]+, this quench speaks' <<'C'
#include <quench.h>
static const qn_model m = {.abi = QN_ABI - 1, .name = "old", .summary = "old"};
const qn_model *quench_model(void);
const qn_model *quench_model(void) { return &m; }
C
plugin new_interface 'interface version 99' <<'C'
#include <quench.h>
static const qn_model m = {.abi = 99, .name = "new", .summary = "new"};
const qn_model *quench_model(void);
const qn_model *quench_model(void) { return &m; }
C
plugin half_a_model 'lacks' <<'C'
#include <quench.h>
static const qn_param none[] = {{.name = NULL}};
static const qn_model m = {.abi = QN_ABI, .name = "half", .summary = "half", .parameters = none};
const qn_model *quench_model(void);
const qn_model *quench_model(void) { return &m; }
C
plugin nothing 'interface|model' <<'C'
#include <quench.h>
const qn_model *quench_model(void);
const qn_model *quench_model(void) { return NULL; }
C
plugin undefined_function 'nowhere' <<'C'
#include <quench.h>
extern const qn_model *nowhere(void);
const qn_model *quench_model(void);
const qn_model *quench_model(void) { return nowhere(); }
C
plugin clash 'name of a parameter' <<'C'
#include <quench.h>
static const qn_param p[] = {{.name = "m", .type = QN_REAL, .def = "1", .meaning = "a number"}, {.name = NULL}};
static const qn_observable o[] = {{.name = "m", .kind = QN_SERIES, .unit = "1", .meaning = "the same name"}, {.name = NULL}};
static int create(const qn_params *a, const void *b, qn_streams *c, void **d) { (void)a; (void)b; (void)c; *d = 0; return 0; }
static void destroy(void *a) { (void)a; }
static int step(void *a, qn_streams *b) { (void)a; (void)b; return 0; }
static int measure(void *a, qn_streams *b, qn_record *r) { (void)a; (void)b; (void)r; return 0; }
static int save(const void *a, qn_group *g) { (void)a; (void)g; return 0; }
static int load(void *a, const qn_group *g) { (void)a; (void)g; return 0; }
static const qn_model m = {.abi = QN_ABI, .name = "clash", .summary = "clash", .parameters = p, .observables = o, .create = create,
                           .destroy = destroy, .step = step, .measure = measure, .save = save, .load = load};
const qn_model *quench_model(void);
const qn_model *quench_model(void) { return &m; }
C
echo 'no program' >text.so
q models --plugin ./text.so
expect plugin_text 2 '^quench: --plugin ./text.so cannot be loaded'
check plugin_text_one_message "$(cat err)" [ "$(messages)" -eq 1 ]
q models --plugin .
expect plugin_folder 2 '^quench: --plugin'
printf 'int main(void) { return 0; }' >main.c && cc main.c -o program && q models --plugin ./program
expect plugin_program 2 '^quench: --plugin ./program'

# ---- manual page, completion ----

page=$prefix/share/man/man1/quench.1
if command -v groff >/dev/null; then
    groff -man -ww -Tascii -P-cbou "$page" >out 2>err
    check man_page_without_warnings "$(head -3 err)" [ ! -s err ]
    for word in run verify --reuse QUENCH_ISA 75; do
        check "man_page_${word#--}" "not mentioned" grep -q -e "$word" out
    done
fi
check completion_is_bash "$(bash -n "$prefix/share/bash-completion/completions/quench" 2>&1)" bash -n "$prefix/share/bash-completion/completions/quench"
cat >complete.sh <<'SH'
. "$1"
COMP_WORDS=(quench ver) COMP_CWORD=1 COMP_LINE='quench ver' COMP_POINT=10
f=$(complete -p quench | sed 's/.*-F \([^ ]*\).*/\1/')
"$f" quench ver quench
echo "${COMPREPLY[@]}"
SH
check completion_completes "$(bash complete.sh "$prefix/share/bash-completion/completions/quench" 2>&1)" \
    sh -c "PATH=$prefix/bin:\$PATH bash complete.sh $prefix/share/bash-completion/completions/quench | grep -q '^verify'"
finish
