# lib.sh -- what the figure scripts share: options, sizes, running, and the verdict.  Sourced by runs/*/*/figure; bash and POSIX awk.
#
# A figure script has beside it sweep files NAME.yaml (small) and NAME_full.yaml (the paper's size), and reads like this:
#
#     . "$(dirname "$0")/../../lib.sh"
#     figure_begin "what it shows" "$@"     # works in the root of the repository; $out is the folder for what it makes
#     simulate p4                           # p4.yaml or p4_full.yaml -> $out/p4.h5
#     theory p4 hebbian                     # the same points, never scaled -> $out/p4_theory.h5
#     reference exact                       # a run like simulate's, never scaled
#     draw phase p4 m --overlay ...         # -> $out/phase.png, named at the end
#     numbers p4 m | ... | expect 4         # lines "got err tolerance want what": off when further apart than 4 err + tolerance
#     figure_end                            # PASS or FAIL, and the exit status
#
# Environment: FULL=1 takes the full sizes; THREADS=N (default: all cores); RUN_OPTIONS holds more options for `quench run`; T_SCALE=1.1
# multiplies every temperature of the simulation and nothing else, so that a check worth its name fails (runs/selftest); a figure without
# temperatures names another parameter: scaled=sigma before figure_begin.
set -euo pipefail
export LC_ALL=C

say() { echo "$figure: $*"; }
die() {
    echo "$figure: $*" >&2
    exit 2
}

figure_begin() { # figure_begin SUMMARY [arguments of the script]
    here=$(cd "$(dirname "$0")" && pwd)
    root=$(cd "$here/../../.." && pwd)
    figure=${here#"$root"/runs/}
    summary=$1
    shift
    case ${1-} in
    '') ;;
    -h | --help)
        echo "usage: [FULL=1] [THREADS=N] runs/$figure/figure"
        echo
        echo "$summary"
        echo "Results and figures go to runs/$figure/out/ (FULL=1: out/full/); the last line says PASS or FAIL.  README.md there tells more."
        exit 0
        ;;
    *) die "takes no arguments; -h says what there is" ;;
    esac
    cd "$root"
    quench=${QUENCH:-build/quench}
    [ -x "$quench" ] || die "$quench is not there; run make first"
    size=small folder=out
    if [ -n "${FULL-}" ]; then
        size=full folder=out/full
    fi
    scale=${T_SCALE:-1}
    [ "$scale" = 1 ] || folder=$folder/scaled
    out=runs/$figure/$folder
    mkdir -p "$out"
    # A small figure starts afresh, so that its verdict is about today's program; a full one goes on where it was.
    [ "$size" = full ] || rm -f "$out"/*.h5 "$out"/*.png
    : >"$out/verdict.txt"
    rm -f "$out/slopes.txt"
    : >"$out/log.txt" # what gnuplot and the overlays have to remark
    drawn=()
    SECONDS=0
}

sweep_file() { # sweep_file NAME: of this size
    local full=runs/$figure/$1_full.yaml
    [ "$size" = full ] && [ -f "$full" ] && echo "$full" || echo "runs/$figure/$1.yaml"
}

scale_parameter() { # scale_parameter FILE: every number after `T:` (or what `scaled` names) but a count of points is multiplied
    awk -v scale="$scale" -v key="^ *${scaled-T}:" '
        match($0, key) {
            done = substr($0, 1, RLENGTH)
            rest = substr($0, RLENGTH + 1)
            while (match(rest, /[0-9][-+0-9.eE]*/)) {
                before = substr(rest, 1, RSTART - 1)
                x = substr(rest, RSTART, RLENGTH)
                rest = substr(rest, RSTART + RLENGTH)
                done = done before (before ~ /points: *$/ ? x : sprintf("%.12g", scale * x))
            }
            print done rest
            next
        }
        { print }' "$1"
}

simulate() { # simulate SWEEP [as NAME] [options of quench run]: -> $out/NAME.h5
    local name=$1 file
    file=$(sweep_file "$1")
    shift
    if [ "${1-}" = as ]; then
        name=$2
        shift 2
    fi
    if [ "$scale" != 1 ]; then
        scale_parameter "$file" >"$out/$name.yaml"
        file=$out/$name.yaml
    fi
    say "$name"
    # shellcheck disable=SC2086 # words of RUN_OPTIONS are options
    "$quench" run "$file" -o "$out/$name.h5" ${THREADS:+-j "$THREADS"} ${RUN_OPTIONS-} "$@"
}

reference() { # reference SWEEP [options of quench run]: as simulate, but never scaled: exact values that a simulation is held against
    say "$1"
    # shellcheck disable=SC2086 # words of RUN_OPTIONS are options
    "$quench" run "$(sweep_file "$1")" -o "$out/$1.h5" ${THREADS:+-j "$THREADS"} ${RUN_OPTIONS-} "${@:2}"
}

theory() { # theory SWEEP MODEL [options of quench theory]: -> $out/SWEEP_theory.h5
    "$quench" theory "$2" --sweep "$(sweep_file "$1")" -o "$out/$1_theory.h5" "${@:3}" 2>>"$out/log.txt"
}
theory_numbers() { # the same as CSV on standard output
    "$quench" theory "$2" --csv --sweep "$(sweep_file "$1")" "${@:3}"
}

numbers() { # numbers NAME OBSERVABLE... [options of quench show]: CSV of a result
    "$quench" show "$out/$1.h5" "${@:2}" --csv
}

draw() { # draw FIGURE NAME OBSERVABLE [options of quench plot]: -> $out/FIGURE.png
    "$quench" plot "$out/$2.h5" "$3" -o "$out/$1.png" "${@:4}" 2>>"$out/log.txt"
    drawn+=("$out/$1.png")
}

# What `quench plot` does not know how to draw: gnuplot commands on standard input, with the look of its figures; palette by `set palette @even`.
picture() { # picture FIGURE WIDTH HEIGHT (mm): -> $out/FIGURE.png
    {
        echo "set terminal pngcairo enhanced color size $(($2 * 1181 / 100)),$(($3 * 1181 / 100)) font 'Arial,8' fontscale 3.125 linewidth 4.1667 pointscale 4.1667 background '#ffffff'"
        echo "set output '$out/$1.png'"
        echo "even = \"defined (0 '#271a4d', 1 '#1e6d83', 2 '#3bb98d', 3 '#b9e070', 4 '#ffe97d')\""
        echo "set encoding utf8; set border lw 0.6; set tics nomirror scale 0.6, 0.35; set datafile separator ','; set key noautotitle"
        cat
    } | gnuplot 2>>"$out/log.txt"
    drawn+=("$out/$1.png")
}

# awk on CSV whose first line names the columns: col("m") is that field of the present line, nan where it is empty.
with_columns() { # with_columns 'awk program' [FILE...]
    awk -F, '
        function col(name) {
            if (!(name in column)) {
                print "there is no column " name >"/dev/stderr"
                exit 3
            }
            return $(column[name]) == "" ? "nan" : $(column[name])
        }
        FNR == 1 { split("", column); for (i = 1; i <= NF; i++) column[$i] = i; next }
        '"$1" "${@:2}"
}

# Simulation beside theory at the same points, in the same order: FILE.csv of `numbers` and of `theory_numbers`; the columns of the
# latter are called theory_NAME.
beside_theory() { # beside_theory NUMBERS.csv THEORY.csv
    paste -d, "$1" <(sed '1s/^/theory_/; 1s/,/,theory_/g' "$2")
}

# Only finite numbers can be as expected.
finite_awk='function finite(x) { return x ~ /^[-+]?[0-9.]+([eE][-+]?[0-9]+)?$/ }'

# Lines `got err tolerance want what...` on standard input: |got - want| <= Z err + tolerance, or it is off.
expect() { # expect Z
    awk -v z="$1" "$finite_awk"'
        NF {
            what = $5
            for (i = 6; i <= NF; i++)
                what = what " " $i
            d = $1 - $4
            if (d < 0)
                d = -d
            ok = finite($1) && finite($2) && finite($3) && finite($4) && d <= z * $2 + $3
            printf "  %s  %-44s %10.5f +- %.5f   want %10.5f within %.5f\n", ok ? "ok " : "OFF", what, $1, $2, $4, z * $2 + $3
        }' | tee -a "$out/verdict.txt"
}
# expect_range: lines `got low high what...`
expect_range() {
    awk "$finite_awk"'
        NF {
            what = $4
            for (i = 5; i <= NF; i++)
                what = what " " $i
            ok = finite($1) && $1 >= $2 && $1 <= $3
            printf "  %s  %-44s %10.5f              want %10.5f to %.5f\n", ok ? "ok " : "OFF", what, $1, $2, $3
        }' | tee -a "$out/verdict.txt"
}

# Lines `got err name...` against the line `name... want err` of this figure's expected.txt, which says where its numbers are from.
expect_known() { # expect_known Z
    awk '
        FNR == NR { if (!/^#/ && NF > 2) { err[key()] = $NF; want[key()] = $(NF - 1) } next }
        {
            got = $1; e = $2; name = $3
            for (i = 4; i <= NF; i++)
                name = name " " $i
            if (name in want)
                print got, sqrt(e * e + err[name] * err[name]), 0, want[name], name
            else
                print "?", 0, 0, 0, name " (not in expected.txt)"
        }
        function key(  i, k) { k = $1; for (i = 2; i < NF - 1; i++) k = k " " $i; return k }' "runs/$figure/expected.txt" - | expect "$1"
}

# Where a probability is 1/2: logistic fit over X by maximum likelihood (Newton) for every value of GROUP, from CSV of `numbers`; `log` fits over
# ln X.  Lines `X* err GROUP'S VALUE`, for independent runs.
half_way() { # half_way PROBABILITY GROUP X REPLICAS [log]
    with_columns '
        {
            g = col("'"$2"'") + 0
            if (!(g in n))
                order[++groups] = g
            n[g]++
            x[g, n[g]] = "'"${5-}"'" == "log" ? log(col("'"$3"'")) : col("'"$3"'")
            p[g, n[g]] = col("'"$1"'")
        }
        function fit(g,  i, f, w, turn, ga, gb, da, db, shrink, mean, spread) { # p = 1/(1 + exp(-a - b x))
            for (i = 1; i <= n[g]; i++)
                mean += x[g, i] / n[g]
            for (i = 1; i <= n[g]; i++)
                spread += (x[g, i] - mean) ^ 2 / n[g]
            b = 1 / sqrt(spread)
            a = -b * mean
            for (turn = 0; turn < 200; turn++) {
                ga = gb = haa = hab = hbb = 0
                for (i = 1; i <= n[g]; i++) {
                    f = 1 / (1 + exp(-a - b * x[g, i]))
                    w = f * (1 - f)
                    ga += p[g, i] - f
                    gb += (p[g, i] - f) * x[g, i]
                    haa += w
                    hab += w * x[g, i]
                    hbb += w * x[g, i] ^ 2
                }
                det = haa * hbb - hab * hab
                da = (hbb * ga - hab * gb) / det
                db = (haa * gb - hab * ga) / det
                shrink = da * da + db * db > 4 ? 2 / sqrt(da * da + db * db) : 1
                a += shrink * da
                b += shrink * db
                if (da * da + db * db < 1e-20)
                    break
            }
        }
        END {
            for (k = 1; k <= groups; k++) {
                fit(order[k])
                at = -a / b
                err = sqrt((hbb - 2 * at * hab + at * at * haa) / (b * b * det) / '"$4"')
                if ("'"${5-}"'" == "log") {
                    at = exp(at)
                    err *= at
                }
                printf "%.5g %.3g %g\n", at, err, order[k]
            }
        }'
}

# Power laws y ~ x^a: lines `x y err group...` on standard input; lines `a err group...`, by weighted least squares of the logarithms.  The error is
# that of the points, or of their scatter around the law where that is larger.  The local slopes, whose drift tells how far a limit is, go to slopes.txt.
power_law() {
    awk -v slopes="$out/slopes.txt" '
        NF > 3 && $1 > 0 && $2 > 0 && $3 > 0 {
            g = $4
            for (i = 5; i <= NF; i++)
                g = g " " $i
            if (!(g in n))
                order[++groups] = g
            n[g]++
            x[g, n[g]] = log($1)
            y[g, n[g]] = log($2)
            v[g, n[g]] = ($2 / $3) ^ 2
        }
        END {
            for (k = 1; k <= groups; k++) {
                g = order[k]
                w = wx = wy = wxx = wxy = chi2 = 0
                for (i = 1; i <= n[g]; i++) {
                    w += v[g, i]; wx += v[g, i] * x[g, i]; wy += v[g, i] * y[g, i]
                    wxx += v[g, i] * x[g, i] ^ 2; wxy += v[g, i] * x[g, i] * y[g, i]
                }
                det = w * wxx - wx * wx
                if (n[g] < 3 || det <= 0) {
                    print "nan nan", g
                    continue
                }
                a = (w * wxy - wx * wy) / det
                b = (wy - a * wx) / w
                for (i = 1; i <= n[g]; i++)
                    chi2 += v[g, i] * (y[g, i] - a * x[g, i] - b) ^ 2
                chi2 /= n[g] - 2
                err = sqrt(w / det * (chi2 > 1 ? chi2 : 1))
                printf "%.4f %.4f %s\n", a, err, g
                line = sprintf("%s: %.3f +- %.3f, local", g, a, err)
                for (i = 2; i <= n[g]; i++)
                    line = line sprintf(" %.2f", (y[g, i] - y[g, i - 1]) / (x[g, i] - x[g, i - 1]))
                print line >>slopes
            }
        }'
}

figure_end() {
    local all off f
    all=$(grep -c . "$out/verdict.txt" || true)
    off=$(grep -c '^  OFF' "$out/verdict.txt" || true)
    for f in "${drawn[@]}"; do
        say "see $f"
    done
    if [ "$all" -gt 0 ] && [ "$off" -eq 0 ]; then
        echo "PASS: $figure: $all numbers as expected, ${SECONDS} s"
        exit 0
    fi
    echo "FAIL: $figure: $off of $all numbers are not as expected, ${SECONDS} s"
    exit 1
}
