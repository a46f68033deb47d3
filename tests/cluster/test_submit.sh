#!/bin/bash
# weft submit --print: the scripts as golden files, refusals, and the scripts at work with a srun, mpirun and scontrol
# made here. `test_submit.sh BUILD --bless` rewrites the golden files.
set -eu
weft=$1/weft
source_folder=$(cd "$(dirname "$0")/../.." && pwd)
golden=$source_folder/tests/data
work=$(mktemp -d "${TMPDIR:-/tmp}/weft-submit-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

cat >run.yaml <<'END'
model: {layers: 1, width: 32, heads: 2, vocabulary: 64, tied: true}
data: {kind: random}
train: {steps: 9, sequence: 16, global_batch: 8, lr: 1e-3}
END
cat >mpirun.yaml <<'END'
nodes: 2
tasks_per_node: 4
cpus_per_task: 12
time: 1-12:00:00
partition: cpu
account: physics
signal_seconds: 120
setup:
  - module load openmpi
  - export LANG=C
END
sed -e 's/^nodes.*/nodes: 1/' -e '/^setup/,$d' mpirun.yaml >srun.yaml
echo 'launcher: srun' >>srun.yaml

# --- what it prints ---

# Paths, plan hash and bytes are this build's and this folder's.
general() {
    sed -e "s|$weft|WEFT|g" -e "s|$(pwd -P)|FOLDER|g" -e 's/plan [0-9a-f]*/plan HASH/' -e 's/most [0-9.]* MiB/most N MiB/'
}

for launcher in mpirun srun; do
    "$weft" submit run.yaml --cluster $launcher.yaml --print --set "train.lr=2e-3" >$launcher.sh
    general <$launcher.sh >$launcher.txt
    if [ "${2:-}" = --bless ]; then cp $launcher.txt "$golden/submit_$launcher.txt"; fi
    diff "$golden/submit_$launcher.txt" $launcher.txt || fail "the script for $launcher has changed; --bless rewrites it"
    bash -n $launcher.sh
    if command -v shellcheck >/dev/null; then shellcheck $launcher.sh; fi
done

# refused CODE LINE ARGUMENTS...: exactly this line on stderr, nothing on stdout.
refused() {
    expected_code=$1
    expected=$2
    shift 2
    code=0
    "$weft" submit "$@" >out 2>errors || code=$?
    [ "$code" -eq "$expected_code" ] || fail "submit $*: exit code $code, not $expected_code"
    [ ! -s out ] || fail "submit $*: wrote a script"
    [ "$(cat errors)" = "weft: $expected" ] || fail "submit $*: said $(cat errors)"
}

refused 64 '--cluster FILE is missing' run.yaml --print
refused 64 'only --print exists yet: weft submit ... --print | sbatch' run.yaml --cluster srun.yaml
refused 74 'open absent.yaml: No such file or directory' run.yaml --cluster absent.yaml --print
refused 74 'open absent.yaml: No such file or directory' absent.yaml --cluster srun.yaml --print
sed 's/^nodes.*/nodes: 3/' mpirun.yaml >wide.yaml
refused 78 '12 ranks but 8 lanes a step (train.global_batch / train.micro_batch): use at most 8 ranks or more lanes' \
    run.yaml --cluster wide.yaml --print
sed 's/^partition.*/partition: "cpu\\n#SBATCH --uid=0"/' mpirun.yaml >newline.yaml
refused 78 "newline.yaml: 'partition' has a character that sbatch's line cannot take: '
'" run.yaml --cluster newline.yaml --print
sed 's/^partition/partion/' mpirun.yaml >unknown.yaml
refused 78 "unknown.yaml:5: unknown key 'partion'; did you mean 'partition'?" run.yaml --cluster unknown.yaml --print

# --- the scripts at work ---

# A launcher that takes its exit codes from a list, one a start, and saves a checkpoint before each whole step of a run:
# "75+" saves and ends so; "wait" saves and ends with 75 when USR1 comes.
mkdir bin
cat >bin/srun <<'END'
#!/bin/bash
echo "$0 $*" | sed 's|.*/||' >>starts
read -r what <plan
sed -i 1d plan
step=$(ls run/checkpoints 2>/dev/null | wc -l)
save() {
    mkdir -p "run/checkpoints/step-00000$((step + 1))"
    touch "run/checkpoints/step-00000$((step + 1))/manifest"
}
if [ "$what" = wait ]; then
    trap 'save; exit 75' USR1
    touch ready
    while :; do read -r -t 0.05 <>fifo; done
fi
case $what in *+) save ;; esac
exit "${what%+}"
END
cp bin/srun bin/mpirun
cat >bin/scontrol <<'END'
#!/bin/bash
echo "$*" >>requeues
END
chmod +x bin/*
mkfifo fifo
PATH=$work/bin:$PATH
export SLURM_JOB_ID=17

# slurm SCRIPT CODES...: starts the script again for as long as it asks for it; its exit code and the number of starts.
slurm() {
    script=$1
    shift
    rm -rf run starts requeues
    printf '%s\n' "$@" >plan
    n_starts=0
    while :; do
        n_starts=$((n_starts + 1))
        n_requeues=$(cat requeues 2>/dev/null | wc -l)
        code=0
        bash "$script" >>slurm.out 2>&1 || code=$?
        if [ "$(cat requeues 2>/dev/null | wc -l)" -eq "$n_requeues" ]; then break; fi
    done
}

# expect CODE STARTS SCRIPT CODES...
expect() {
    expected_code=$1
    expected_starts=$2
    shift 2
    slurm "$@"
    [ "$code" -eq "$expected_code" ] || fail "$*: exit code $code, not $expected_code"
    [ "$n_starts" -eq "$expected_starts" ] || fail "$*: $n_starts starts, not $expected_starts"
}

expect 0 1 srun.sh 0
grep -q -- '--resume' starts && fail 'a first start resumes'
expect 0 3 srun.sh 75+ 75+ 0
[ "$(grep -c -- '--resume' starts)" -eq 2 ] || fail 'restarts do not resume'
[ "$(sort -u requeues)" = 'requeue 17' ] || fail "scontrol was asked: $(cat requeues)"
expect 0 4 mpirun.sh 137 79 75+ 0
expect 80 1 srun.sh 80 0           # NaN: somebody must look
expect 74 2 srun.sh 75+ 74 0       # disk full
expect 78 1 srun.sh 78 0           # bad run file
expect 137 4 srun.sh 137 137 137 137 0  # three restarts without a new checkpoint, and no more
expect 0 7 srun.sh 137 137 137+ 137 137 137 0
grep -q 'more than 3 restarts without a new checkpoint' slurm.out || fail 'giving up was not said'

# signalled SIGNAL: the script gets it while the run is under way; its exit code.
signalled() {
    rm -rf run starts requeues ready
    printf 'wait\n0\n' >plan
    bash srun.sh >>slurm.out 2>&1 &
    script=$!
    until [ -e ready ]; do read -r -t 0.05 <>fifo || true; done 2>/dev/null
    kill "-$1" "$script"
    code=0
    wait "$script" || code=$?
}

signalled USR1
[ -e run/checkpoints/step-000001/manifest ] || fail 'USR1 did not reach the run'
[ "$code" -eq 0 ] && [ "$(cat requeues)" = 'requeue 17' ] || fail "after USR1: exit code $code, no requeue"
signalled TERM
[ -e run/checkpoints/step-000001/manifest ] || fail 'TERM did not reach the run'
[ "$code" -eq 75 ] && [ ! -e requeues ] || fail "after TERM: exit code $code, or requeued"
