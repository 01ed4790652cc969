# lib.sh -- what the figure scripts share: options, sizes, running, and the verdict.  Sourced by runs/*/*/figure; bash and POSIX awk.
#
# A figure script has beside it sweep files NAME.yaml (small) and NAME_full.yaml (the paper's size), and reads like this:
#
#     . "$(dirname "$0")/../../lib.sh"
#     figure_begin "what it shows" "$@"     # works in the root of the repository; $out is the folder for what it makes
#     simulate p4                           # p4.yaml or p4_full.yaml -> $out/p4.h5
#     theory p4 hebbian                     # the same points -> $out/p4_theory.h5
#     draw p4 m --overlay ...               # -> $out/p4_m.png, told at the end
#     numbers p4 m --where ... | awk ... | expect 4     # lines "got err tolerance want what", held together within 4 err + tolerance
#     figure_end                            # PASS or FAIL, and the exit status
#
# Environment: FULL=1 takes the full sizes; THREADS=N (default: all cores); T_SCALE=1.1 multiplies every temperature of the simulation and
# nothing else, so that a check worth its name fails (runs/selftest).
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
    size= folder=out
    if [ -n "${FULL-}" ]; then
        size=_full folder=out/full
    fi
    scale=${T_SCALE:-1}
    [ "$scale" = 1 ] || folder=$folder/scaled
    out=runs/$figure/$folder
    mkdir -p "$out"
    # A small figure starts afresh, so that its verdict is about today's program; a full one goes on where it was.
    [ -n "$size" ] || rm -f "$out"/*.h5 "$out"/*.png
    : >"$out/verdict.txt"
    drawn=()
    SECONDS=0
}

sweep() { # sweep NAME: the sweep file of this size, temperatures scaled
    local file=runs/$figure/$1$size.yaml
    [ -f "$file" ] || file=runs/$figure/$1.yaml
    if [ "$scale" != 1 ]; then
        scale_temperatures "$file" >"$out/$1.yaml"
        file=$out/$1.yaml
    fi
    echo "$file"
}

scale_temperatures() { # every number after `T:` but the count of points
    awk -v scale="$scale" '
        /^ *T:/ {
            n = split($0, word, /[ ,]+/)
            line = $0
            match(line, /^ *T:/)
            head = substr(line, 1, RLENGTH)
            rest = substr(line, RLENGTH + 1)
            sub(/#.*/, "", rest)
            done = ""
            while (match(rest, /[0-9][-+0-9.eE]*/)) {
                before = substr(rest, 1, RSTART - 1)
                x = substr(rest, RSTART, RLENGTH)
                rest = substr(rest, RSTART + RLENGTH)
                done = done before (before ~ /points: *$/ ? x : sprintf("%.12g", scale * x))
            }
            print head done rest
            next
        }
        { print }' "$1"
}

simulate() { # simulate NAME [options of quench run]
    local name=$1
    shift
    "$quench" run "$(sweep "$name")" -o "$out/$name.h5" ${THREADS:+-j "$THREADS"} "$@"
}

# Theory at the points of a sweep file, which are never scaled.  theory NAME MODEL [options of quench theory]: as a result file;
# theory_numbers: as CSV on standard output.
theory() {
    local file=runs/$figure/$1$size.yaml name=$1 model=$2
    [ -f "$file" ] || file=runs/$figure/$1.yaml
    shift 2
    "$quench" theory "$model" --sweep "$file" -o "$out/${name}_theory.h5" "$@" 2>>"$out/log.txt"
}
theory_numbers() {
    local file=runs/$figure/$1$size.yaml model=$2
    [ -f "$file" ] || file=runs/$figure/$1.yaml
    shift 2
    "$quench" theory "$model" --csv --sweep "$file" "$@"
}

numbers() { # numbers NAME [options of quench show]: CSV of a result
    local name=$1
    shift
    "$quench" show "$out/$name.h5" --csv "$@"
}

draw() { # draw FIGURE NAME OBSERVABLE [options of quench plot]: $out/FIGURE.png
    local to=$out/$1.png from=$out/$2.h5 observable=$3
    shift 3
    "$quench" plot "$from" "$observable" -o "$to" "$@"
    drawn+=("$to")
}

# Awk for reading CSV by the names in its first line: `header` remembers the columns, col("m") is a field of the present line.
csv_awk='
    function header(  i) { for (i = 1; i <= NF; i++) column[$i] = i }
    function col(name) {
        if (!(name in column)) {
            print "there is no column " name " in " FILENAME >"/dev/stderr"
            exit 3
        }
        return $(column[name])
    }'
with_columns() { # with_columns 'awk program' [awk options] FILES...: each file's first line names its columns
    local program=$1
    shift
    awk -F, "$csv_awk FNR == 1 { split(\"\", column); header(); next } $program" "$@"
}

# Lines `got err tolerance want what...` on standard input: |got - want| <= Z err + tolerance, or it is off.
expect() { # expect Z
    awk -v z="$1" '
        NF {
            what = $5
            for (i = 6; i <= NF; i++)
                what = what " " $i
            d = $1 - $4
            if (d < 0)
                d = -d
            ok = $1 != "" && $1 == $1 + 0 && d <= z * $2 + $3
            printf "  %s  %-44s %10.5f +- %.5f   want %10.5f within %.5f\n", ok ? "ok " : "OFF", what, $1, $2, $4, z * $2 + $3
        }' | tee -a "$out/verdict.txt"
}
# expect_range: lines `got low high what...`
expect_range() {
    awk '
        NF {
            what = $4
            for (i = 5; i <= NF; i++)
                what = what " " $i
            ok = $1 != "" && $1 == $1 + 0 && $1 >= $2 && $1 <= $3
            printf "  %s  %-44s %10.5f              want %10.5f to %.5f\n", ok ? "ok " : "OFF", what, $1, $2, $3
        }' | tee -a "$out/verdict.txt"
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
