# alpha_T.sh -- what the (alpha, T) diagrams of alpha_T_mnist and alpha_T_cifar share; sourced after figure_begin.
# A grid NAME.yaml has the axes alpha and T, slowest first.

# $out/NAME.txt: alpha, T, share of fitted runs, test error and its error, |w - w0|/|w0| and its error.
alpha_T_cells() { # alpha_T_cells NAME
    numbers "$1" fitted test_err_end dw_rel_end | with_columns '{
        print col("alpha"), col("T"), col("fitted"), col("test_err_end"), col("test_err_end_err"), col("dw_rel_end"), col("dw_rel_end_err") }' >"$out/$1.txt"
    awk '$3 == 1 && (!($1 in e) || $4 < e[$1]) { if (!($1 in e)) order[++n] = $1; e[$1] = $4; s[$1] = $5; t[$1] = $2 }
        END { for (i = 1; i <= n; i++) print order[i], t[order[i]], e[order[i]], s[order[i]] }' "$out/$1.txt" >"$out/$1_best.txt"
    [ -s "$out/$1_best.txt" ] || die "$1: all cells have unfitted runs, there is nothing to draw; raise its steps"
}

# The test error as a map, hatched where some run is not fitted, with the best temperature of every alpha; beside it the same as curves over T.
alpha_T_draw() { # alpha_T_draw NAME
    local first='plot ' a curves
    curves=$(for a in $(awk '{ print $1 }' "$out/$1.txt" | sort -gu); do
        printf "%s'< grep \"^%s \" %s' using (\$3 > 0 ? \$2 : NaN):4:5 with yerrorlines pt 7 ps 0.35 lw 0.7 lc palette cb log($a)/log(2) title sprintf('2^{%%d}', log(%s)/log(2) + (%s < 1 ? -0.5 : 0.5))" "$first" "$a" "$out/$1.txt" "$a" "$a"
        first=', '
    done)
    # Half a cell in each direction, as a factor.
    local wide high
    wide=$(awk '$1 != last && NR > 1 { print sqrt($1/last); exit } { last = $1 }' "$out/$1.txt")
    high=$(awk 'NR == 2 { print sqrt($2/last); exit } { last = $2 }' "$out/$1.txt")
    picture "$1" 170 75 <<GP
set datafile separator whitespace
set multiplot
set lmargin at screen 0.08; set rmargin at screen 0.43; set bmargin at screen 0.17; set tmargin at screen 0.95
set logscale xy 2; set format x '2^{%L}'; set format y '2^{%L}'; set xlabel '{/:Italic α}' offset 0,0.3; set ylabel '{/:Italic T} = {/:Italic η}/{/:Italic B}' offset 1,0
stats '$out/$1.txt' using (\$3 == 1 ? \$4 : NaN) nooutput
low = STATS_min; high = STATS_max
stats '$out/$1.txt' using 1 nooutput
set xrange [STATS_min/$wide:STATS_max*$wide]; amin = STATS_min; amax = STATS_max
stats '$out/$1.txt' using 2 nooutput
set yrange [STATS_min/$high:STATS_max*$high]
set cbrange [low:high]; set cblabel 'test error' offset 0.5,0; set palette @even; set colorbox user origin 0.44,0.17 size 0.015,0.78
plot '$out/$1.txt' using 1:2:(\$1/$wide):(\$1*$wide):(\$2/$high):(\$2*$high):(\$3 == 1 ? \$4 : NaN) with boxxyerror fs solid noborder lc palette, \
    '' using (\$3 < 1 ? \$1 : NaN):2:(\$1/$wide):(\$1*$wide):(\$2/$high):(\$2*$high) with boxxyerror fs pattern 4 noborder lw 0.5 lc rgb '#888888', \
    '$out/$1_best.txt' using 1:2 with points pt 7 ps 0.8 lc rgb '#ffffff', '' using 1:2 with points pt 7 ps 0.5 lc rgb '#000000'
set lmargin at screen 0.62; set rmargin at screen 0.985
set xlabel '{/:Italic T}' offset 0,0.3; set ylabel 'test error' offset 1,0; set autoscale x; unset logscale y; set format y '%g'; set yrange [low*0.9:high*1.05]
set cbrange [log(amin)/log(2):log(amax)/log(2)*1.15]; unset colorbox; set key top right samplen 1 font ',7' title '{/:Italic α}' maxrows 4 opaque
$curves
GP
}

# Exponent over alpha <= MOST of the best temperature and of the hottest at which all runs are fitted: T ~ alpha^((D-1)/(D+1)) with D hidden layers.
alpha_T_exponents() { # alpha_T_exponents NAME MOST LOW HIGH
    awk -v most="$2" -v low="$3" -v high="$4" -v name="$1" '
        FNR == NR { best[$1] = $2; next }
        $1 <= most && $3 == 1 { hot[$1] = $2 }
        function exponent(t,  a, n, x, y, sx, sy, sxx, sxy) {
            for (a in t)
                if (a <= most) { n++; x = log(a); y = log(t[a]); sx += x; sy += y; sxx += x * x; sxy += x * y }
            return (n * sxy - sx * sy) / (n * sxx - sx * sx)
        }
        END {
            print exponent(best), low, high, "exponent over alpha <= " most " of the best T, " name
            print exponent(hot), low, high, "of the hottest fitted T, " name
        }' "$out/$1_best.txt" "$out/$1.txt" | expect_range
}

# Mean of ln |w - w0|/|w0| at the end over the runs of every value of an axis, and its error: lines `mean err value`.
alpha_T_moved() { # alpha_T_moved NAME AXIS
    numbers "$1" samples/dw_rel | with_columns '
        { k = col("'"$2"'"); run = k " " col("replica"); if (!(k in n)) { order[++groups] = k; n[k] = 0 } if (!(run in last)) of[k, ++n[k]] = run; last[run] = log(col("dw_rel")) }
        END {
            for (g = 1; g <= groups; g++) {
                k = order[g]
                m = v = 0
                for (i = 1; i <= n[k]; i++)
                    m += last[of[k, i]] / n[k]
                for (i = 1; i <= n[k]; i++)
                    v += (last[of[k, i]] - m) ^ 2 / (n[k] - 1)
                printf "%.5f %.5f %s\n", m, sqrt(v / n[k]), k
            }
        }'
}
