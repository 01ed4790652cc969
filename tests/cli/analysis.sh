#!/usr/bin/env bash
# analysis.sh -- fit, boundary and collapse at the command line: a pipeline from a run to a fit of a boundary, forms of output, and every mistake answered by
# one sentence and exit status 2.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

listing() { find . -type f ! -name before ! -name after ! -name out ! -name err ! -name checked -printf '%p %s\n' | sort >"$1"; }
# bad NAME PATTERN ARGUMENTS...: exit status 2, one message that fits, nothing written, nothing printed
bad() {
    local name=$1 pattern=$2
    shift 2
    listing before
    q "$@"
    listing after
    if [ "$status" -ne 2 ]; then
        not_ok "$name" "exit status $status, not 2: $(head -c 300 err)"
    elif [ "$(messages)" -ne 1 ] || [ "$(wc -l <err)" -ne 1 ]; then
        not_ok "$name" "not one message: $(head -c 600 err)"
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
# near NAME GOT ERR WANT: within 4 errors
near() {
    if awk -v g="$2" -v e="$3" -v w="$4" 'BEGIN { d = g - w; if (d < 0) d = -d; exit !(e > 0 && d <= 4 * e) }'; then
        ok "$1"
    else
        not_ok "$1" "$2 +- $3, not $4"
    fi
}
column() { # column NAME [ROW]: of the CSV in ./out
    awk -F, -v name="$1" -v row="${2:-1}" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i } NR == row + 1 { print $c }' out
}

# ---- made-up results with known answers -----------------------------------------------------------------------------------------

"$python" "$here/analysis.py" . || { not_ok results "analysis.py failed"; finish; }

# w = (1 + T) P^0.7 of replicas that share their disorder over T; some runs have no t
q fit power.h5 w --along P --csv
expect fit_runs 0
near fit_exponent "$(column exponent 2)" "$(column exponent_err 2)" 0.7
near fit_amplitude "$(column amplitude 2)" "$(column amplitude_err 2)" 2
check fit_rows "$(wc -l <out) lines" test "$(wc -l <out)" -eq 4
cp out whole.csv
q fit power.h5 w --along P --csv
check fit_same_bits "another run gives other numbers" cmp -s out whole.csv
OMP_NUM_THREADS=3 "$quench" fit power.h5 w --along P --csv >out 2>err
check fit_threads "3 threads give other numbers" cmp -s out whole.csv
q fit power.h5 w --along P --where 'P>=64' --where T=1 --json
expect fit_json 0
check fit_json_valid "$(head -c 200 out)" "$python" -c 'import json; a = json.load(open("out")); assert len(a) == 1 and a[0]["points"] == 4, a'
q fit power.h5 w --along P --form 'a*P^b*(1 + T)' --start b=1 --csv
near fit_expression "$(column b 3)" "$(column b_err 3)" 0.7
near fit_expression_constant "$(column a 3)" "$(column a_err 3)" 1
q fit power.h5 w --along P --local
expect fit_local 0
check fit_local_rows "$(cat out)" test "$(grep -c . out)" -eq 16
q fit power.h5 t --along P --statistic median
expect fit_median 0 'runs have no t: the median counts them as above all others'
q fit power.h5 t --along P
expect fit_mean_says 0 'the mean is over the others; --statistic median'

# a fit of a fit: exponent = b + c T has c = 0; from a file, and from a group of the file
q fit power.h5 w --along P -o found.h5 --write
expect fit_keeps 0 'written in power.h5:/fit'
q fit found.h5 exponent --along T --form 'b + c*T' --csv
near fit_of_fit "$(column c)" "$(column c_err)" 0
cp out first
q fit power.h5:/fit exponent --along T --form 'b + c*T' --csv
check fit_of_group "$(diff first out)" cmp -s first out
q show power.h5:/fit exponent
expect show_group 0
q fit power.h5 w --along P --write
expect fit_replaces 0 'replaced in power.h5:/fit'
check opens_in_xarray "xarray does not open /fit" "$python" -c '
import xarray
d = xarray.open_dataset("power.h5", group="fit")
assert d.exponent.dims == ("T",) and d.exponent.sel(T=1) > 0
assert xarray.open_dataset("found.h5").exponent_err.shape == (3,)'
q status power.h5
q show power.h5 w
expect file_stays_whole 0

# a boundary m = 0.5 at T = 0.5 + load, over the map with its band; success = 1/2 at the same place
q boundary phase.h5 m --along T --level 0.5 -o edge.h5 --csv
expect boundary_runs 0
near boundary_level "$(column T_c 2)" "$(column T_c_err 2)" 0.7
q plot phase.h5 m --overlay edge.h5 -o edge.png --keep
expect boundary_draws 0
check boundary_band "no band in the script" grep -q 'band1 using 1:2 with filledcurves' edge.gp
q boundary phase.h5 m --along T --level 0.5 --write
q plot phase.h5 m --overlay phase.h5:/boundary -o edge.png --keep
check boundary_of_group "no band in the script" grep -q 'band1 using 1:2 with filledcurves' edge.gp
q boundary phase.h5 success --csv
near boundary_half "$(column T_c 2)" "$(column T_c_err 2)" 0.7
q boundary phase.h5 m --steepest --csv
near boundary_steepest "$(column T_c 2)" "$(column T_c_err 2)" 0.7
q fit edge.h5 T_c --along load --form 'a + b*load' --csv
near fit_of_boundary "$(column b)" "$(column b_err)" 1

# sizes: crossings by default for a ratio, also as an expression; collapse with its figure
q boundary sizes.h5 binder --csv
expect crossing_runs 0 'limit of the crossings'
near crossing_limit "$(column T_c)" "$(column T_c_err)" 2
cp out first
q boundary sizes.h5 '1 - m4/(3*m2^2)' --csv
expect crossing_expression 0
near crossing_expression_limit "$(column T_c)" "$(column T_c_err)" 2
q boundary sizes.h5 binder
check crossing_pairs "no crossings of pairs" grep -q 'T_crossing' out
q collapse sizes.h5 m2 --exponents beta/nu --figure collapse.png --csv
expect collapse_runs 0 'collapse in collapse.png'
near collapse_place "$(column T_c)" "$(column T_c_err)" 2
near collapse_nu "$(column inverse_nu)" "$(column inverse_nu_err)" 1
near collapse_beta "$(column beta_over_nu)" "$(column beta_over_nu_err)" 0.25
check collapse_figure "no figure" test -s collapse.png

# ---- mistakes ----------------------------------------------------------------------------------------------------------------------

for verb in fit boundary collapse; do
    bad "${verb}_absent" 'absent.h5' "$verb" absent.h5 m
    bad "${verb}_no_hdf5" 'not an HDF5 file' "$verb" whole.csv m
    bad "${verb}_foreign" "no observable 'm'" "$verb" foreign.h5 m
    bad "${verb}_unknown" "no observable 'mm'; did you mean 'm|there are" "$verb" phase.h5 mm
    bad "${verb}_axis" "no axis of that name; did you mean 'load'" "$verb" phase.h5 m --along laod
    bad "${verb}_group" 'no group /fits' "$verb" power.h5:/fits m
    bad "${verb}_where" "no axis 'X'" "$verb" phase.h5 m --along T --where X=1
    bad "${verb}_compare" 'takes a number to compare' "$verb" phase.h5 m --along T --where 'T>warm'
    bad "${verb}_nothing_left" 'has no value >9' "$verb" phase.h5 m --along T --where 'T>9'
    bad "${verb}_one_replica" 'too few to resample' "$verb" single.h5 m --along T
    bad "${verb}_statistic" 'mean, median or geometric' "$verb" phase.h5 m --statistic mode
    bad "${verb}_forms" 'exclude' "$verb" phase.h5 m --csv --json
    bad "${verb}_resamples" '100 to 100000' "$verb" phase.h5 m --resamples 10
    bad "${verb}_expression" 'column 3' "$verb" phase.h5 'm*' --along T
done
bad fit_no_axis '--along says' fit phase.h5 m
bad fit_form "did you mean 'logistic'" fit phase.h5 m --along T --form logstic
bad fit_form_free 'does not depend on T' fit phase.h5 m --along T --form 'a*load'
bad fit_start "has no parameter 'b'" fit phase.h5 m --along T --start b=1
bad fit_few 'needs' fit phase.h5 m --along T --form stretched --where 'T<=0.1'
bad fit_window '2 parameters' fit phase.h5 m --along T --window 1
bad boundary_no_crossing 'no crossing: m does not cross 7' boundary phase.h5 m --along T --level 7
bad boundary_coarse 'too coarse' boundary phase.h5 m --along T --level 0.5 --where T=0,1
bad boundary_ways 'exclude' boundary phase.h5 m --level 1 --steepest
bad boundary_which '--level X' boundary phase.h5 m
bad boundary_number 'takes a number' boundary phase.h5 m --level half
bad boundary_end 'low or high' boundary phase.h5 m --level 0.5 --from left
bad boundary_no_end 'needs --from' boundary phase.h5 m --factor 2
bad boundary_no_size 'two sizes' boundary phase.h5 m --crossing L
bad boundary_apart 'no crossing: the curves' boundary sizes.h5 binder --where 'T<1.9'
bad collapse_no_size 'two sizes' collapse phase.h5 m
bad collapse_exponent '1/nu' collapse sizes.h5 m2 --exponents nu=1
bad collapse_figure_form 'png' collapse sizes.h5 m2 --figure x.jpg
bad collapse_coarse 'too coarse' collapse sizes.h5 m2 --where T=2.0
finish
