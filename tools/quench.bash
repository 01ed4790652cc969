# Bash completion of quench.  Verbs, options, models and observables are asked of the program itself.
_quench()
{
    local program=${COMP_WORDS[0]} verb=${COMP_WORDS[1]-} cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    local help valued files='' words='' first='' plugins=() w before i n=0
    COMPREPLY=()
    [[ $program == '~'/* ]] && program=$HOME${program:1}
    if ((COMP_CWORD == 1)); then
        words=$("$program" --help 2>/dev/null | sed -n 's/^  \([a-z]*\) .*/\1/p')
        mapfile -t COMPREPLY < <(compgen -W "$words --help --version" -- "$cur")
        return
    fi
    help=$("$program" "$verb" --help 2>/dev/null)
    valued=" $(sed -n 's/^  \(\(-[a-z]\), \)\{0,1\}\(--[a-z-]*\) [^ ].*/\2 \3/p' <<<"$help" | tr '\n' ' ') "
    for ((i = 2; i < COMP_CWORD; i++)); do # arguments that stand before the cursor; NAME=VALUE is three words here
        w=${COMP_WORDS[i]} before=${COMP_WORDS[i-1]}
        [[ $before == --plugin ]] && plugins+=(--plugin "$w")
        [[ $valued == *" $before "* || $w == -* || $w == [=:] || $before == [=:] ]] && continue
        ((n++))
        first=${first:-$w}
    done
    if [[ $prev == -* && $valued == *" $prev "* ]]; then
        case $prev in
        --plugin) files=so ;;
        --sweep) files='yaml|yml' ;;
        --reuse | --overlay) files=h5 ;;
        --data) files=csv ;;
        -o | --output) case $verb in plot) files='png|svg|pdf' ;; report) files=html ;; *) files=h5 ;; esac ;;
        --size) [[ $verb == plot ]] && words='column page' || return ;;
        --figure) files='png|svg|pdf' ;;
        --form) words='power logistic stretched' ;;
        --statistic) words='mean median geometric' ;;
        --from) words='low high' ;;
        --exponents) words='beta/nu gamma/nu none' ;;
        *) return ;;
        esac
    elif [[ $prev == [=:] || $cur == [=:] ]]; then
        return
    elif [[ $cur == -* ]]; then
        words=$(sed -n 's/^  \(-[a-z], \)\{0,1\}\(--[a-z-]*\).*/\2/p' <<<"$help")
    else
        case $verb in
        check | run | submit) files='yaml|yml' ;;
        trace) files='yaml|yml|h5' ;;
        models | theory) words=$("$program" models "${plugins[@]}" 2>/dev/null | cut -d' ' -f1) ;;
        show | plot | fit | boundary | collapse) ((n == 0)) && files=h5 || words=$("$program" show "$first" 2>/dev/null |
            sed -n 's/^  \([A-Za-z][A-Za-z0-9_]*\) *\(series\|curve\|outcome\|derived\|theory\|fit\|boundary\|crossing\|collapse\)\( .*\)\{0,1\}$/\1/p') ;;
        *) files=h5 ;;
        esac
    fi
    if [[ -n $files ]]; then
        compopt -o filenames 2>/dev/null
        while IFS= read -r w; do
            [[ -d $w || $w =~ \.($files)$ ]] && COMPREPLY+=("$w")
        done < <(compgen -f -- "$cur")
    else
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
    fi
}
complete -F _quench quench
