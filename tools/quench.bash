# Bash completion of quench.  Verbs, options, models and observables are asked of the program itself.
_quench()
{
    local program=${COMP_WORDS[0]} verb=${COMP_WORDS[1]-} cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    local files='' words='' w i n=0 first='' plugins=()
    COMPREPLY=()
    [[ $program == '~'/* ]] && program=$HOME${program:1}
    if ((COMP_CWORD == 1)); then
        words=$("$program" --help 2>/dev/null | sed -n 's/^  \([a-z]*\) .*/\1/p')
        mapfile -t COMPREPLY < <(compgen -W "$words --help --version" -- "$cur")
        return
    fi
    for ((i = 2; i < COMP_CWORD; i++)); do # how many arguments stand before the cursor, and what plug-ins
        w=${COMP_WORDS[i]}
        case ${COMP_WORDS[i-1]} in
        --plugin) plugins+=(--plugin "$w") ;;
        -o | -j | --output | --threads | --set | --reuse | --part | --time | --flush | --where | --overlay | --sweep | --points) ;;
        *) [[ $w != -* ]] && { ((n++)); first=${first:-$w}; } ;;
        esac
    done
    case $prev in
    --plugin) files=so ;;
    --sweep) files='yaml|yml' ;;
    --reuse | --overlay) files=h5 ;;
    -o | --output) files='h5|png|svg|pdf' ;;
    -j | --threads | --set | --part | --time | --flush | --where | --points) return ;;
    *)
        if [[ $cur == -* ]]; then
            words=$("$program" "$verb" --help 2>/dev/null | sed -n 's/^  \(-[a-z], \)\{0,1\}\(--[a-z-]*\).*/\2/p')
            mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
            return
        fi
        case $verb in
        check | run) files='yaml|yml' ;;
        models | theory) words=$("$program" models "${plugins[@]}" 2>/dev/null | cut -d' ' -f1) ;;
        show | plot)
            if ((n == 0)); then
                files=h5
            else
                words=$("$program" show "$first" 2>/dev/null | sed -n 's/^  \([A-Za-z][A-Za-z0-9_]*\) *\(series\|curve\|outcome\|derived\|theory\) .*/\1/p')
            fi
            ;;
        *) files=h5 ;;
        esac
        ;;
    esac
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
