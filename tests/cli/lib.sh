# lib.sh -- what the end-to-end scripts share: the program, a folder of their own that goes away, `ok` / `not ok` lines.
# A script sources it, tests, and ends with `finish`.
# shellcheck shell=bash disable=SC2034
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) || exit 1
root=$(cd "$here/../.." && pwd) || exit 1
build=${QUENCH_BUILD:-build}
case $build in /*) ;; *) build=$root/$build ;; esac
quench=$build/quench
data=$root/tests/data
export NO_COLOR=1 LC_ALL=C
unset QUENCH_ISA SLURM_JOB_END_TIME OMP_NUM_THREADS
work=$(mktemp -d) || exit 1
trap 'cd /; rm -rf "$work"' EXIT
cd "$work" || exit 1

failures=0
ok() { echo "ok $1"; }
not_ok() { # NAME WHY
    echo "not ok $1: $2"
    failures=$((failures + 1))
}
# check NAME WHY COMMAND...: ok when the command succeeds
check() {
    local name=$1 why=$2
    shift 2
    if "$@" >checked 2>&1; then ok "$name"; else not_ok "$name" "$why"; fi
}
finish() { [ "$failures" -eq 0 ]; exit; }

python=
for p in python3 /usr/bin/python3; do
    if "$p" -c 'import numpy, h5py, xarray, netCDF4' 2>/dev/null; then
        python=$p
        break
    fi
done
if [ -z "$python" ]; then
    not_ok python "no python3 with numpy, h5py, xarray and netCDF4; tools/install-deps installs them"
    finish
fi
[ -x "$quench" ] || { not_ok program "$quench is not there"; finish; }

# q ARGUMENTS...: runs the program; standard output in ./out, standard error in ./err, exit status in $status
q() {
    status=0
    "$quench" "$@" >out 2>err </dev/null || status=$?
}
messages() { grep -c '^quench: ' err; }
last() { tail -n 1 "${1:-err}"; }
# expect NAME STATUS [PATTERN]: of the last q; PATTERN (extended regular expression) must be in standard error
expect() {
    if [ "$status" -ne "$2" ]; then
        not_ok "$1" "exit status $status, not $2: $(head -c 400 err)"
    elif [ $# -gt 2 ] && ! grep -Eq -- "$3" err; then
        not_ok "$1" "no /$3/ in: $(head -c 400 err)"
    else
        ok "$1"
    fi
}
