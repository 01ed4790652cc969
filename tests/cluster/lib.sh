# lib.sh -- a Slurm cluster of one node for tests: munged, slurmctld and slurmd on the loopback address, with a key and a configuration of their
# own in $cluster, by the user who runs it.  cluster_up starts it, cluster_down ends it and nothing else.
# shellcheck shell=bash
export PATH=$PATH:/usr/sbin:/sbin
cluster_programs() {
    local p
    for p in munged slurmctld slurmd sbatch srun; do
        command -v $p >/dev/null || { echo "$p is not here (Debian: slurm-wlm, munge)" >&2; return 1; }
    done
}
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
cluster_up() { # FOLDER
    cluster=$1
    local user group host
    user=$(id -un) group=$(id -gn) host=$(hostname -s)
    mkdir -p "$cluster"/{munge,state,spool}
    chmod 755 "$cluster"
    chmod 700 "$cluster/munge"
    head -c 1024 /dev/urandom >"$cluster/munge/key"
    chmod 600 "$cluster/munge/key"
    munged --foreground --force --key-file="$cluster/munge/key" --socket="$cluster/munge/socket" --pid-file="$cluster/munge/pid" \
        --log-file="$cluster/munge/log" --seed-file="$cluster/munge/seed" >"$cluster/munged.log" 2>&1 &
    daemons=($!)
    cat >"$cluster/slurm.conf" <<CONF
ClusterName=quench
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$(free_port)
SlurmdPort=$(free_port)
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$cluster/munge/socket
CredType=cred/munge
StateSaveLocation=$cluster/state
SlurmdSpoolDir=$cluster/spool
SlurmctldPidFile=$cluster/slurmctld.pid
SlurmdPidFile=$cluster/slurmd.pid
SlurmctldLogFile=$cluster/slurmctld.log
SlurmdLogFile=$cluster/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
SchedulerParameters=sched_interval=1,bf_interval=1,sched_min_interval=0
MinJobAge=300
KillWait=5
UnkillableStepTimeout=60
MaxArraySize=200
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$(($(sed -n 's/^MemTotal: *\([0-9]*\).*/\1/p' /proc/meminfo) / 1024 - 100)) State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
    echo "CgroupMountpoint=/sys/fs/cgroup" >"$cluster/cgroup.conf"
    export SLURM_CONF=$cluster/slurm.conf
    slurmctld -D -i >"$cluster/ctld.out" 2>&1 &
    daemons+=($!)
    slurmd -D -N "$host" >"$cluster/slurmd.out" 2>&1 &
    daemons+=($!)
    for _ in $(seq 200); do
        [ "$(sinfo -h -o %T 2>/dev/null)" = idle ] && return 0
        sleep 0.2
    done
    echo "the cluster does not come up: $(sinfo 2>&1 | tail -1)" >&2
    tail -n 5 "$cluster"/*.log "$cluster"/*.out >&2
    return 1
}
cluster_down() {
    local p
    scancel --quiet --full --signal=KILL --user="$(id -un)" 2>/dev/null
    for ((p = ${#daemons[@]} - 1; p >= 0; p--)); do
        kill "${daemons[p]}" 2>/dev/null
    done
    for p in "${daemons[@]}"; do
        for _ in $(seq 50); do
            kill -0 "$p" 2>/dev/null || break
            sleep 0.1
        done
        kill -9 "$p" 2>/dev/null
    done
    wait "${daemons[@]}" 2>/dev/null
    daemons=()
}
