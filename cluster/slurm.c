#include "cluster/slurm.h"

#include <ctype.h>
#include <string.h>

#include "base/text.h"

// The script's fixed parts are written as they will be read.

static const char functions[] =
    "# The step of the newest whole checkpoint: what a restart builds on.\n"
    "newest_step() {\n"
    "    local path step newest=0\n"
    "    for path in \"$folder\"/checkpoints/step-*/manifest; do\n"
    "        step=${path%/manifest}\n"
    "        step=${step##*/step-}\n"
    "        if [[ $step =~ ^[0-9]+$ ]] && ((10#$step > newest)); then newest=$((10#$step)); fi\n"
    "    done\n"
    "    echo \"$newest\"\n"
    "}\n"
    "\n"
    "# Counts the ends in a row that left no newer checkpoint; false when there were too many.\n"
    "may_restart() {\n"
    "    local step last=0 count=0\n"
    "    step=$(newest_step)\n"
    "    if [ -f \"$folder/restarts\" ]; then read -r last count <\"$folder/restarts\"; fi\n"
    "    if ((step > last)); then count=0; else count=$((count + 1)); fi\n"
    "    echo \"$step $count\" >\"$folder/restarts\" && ((count <= max_restarts))\n"
    "}\n"
    "\n"
    "# Slurm says USR1 before the time limit: the run saves after its step and exits with 75.\n"
    "# TERM is a cancellation: it saves too, but stays out of the queue.\n"
    "job='' signalled=0 cancelled=0\n"
    "forward() {\n"
    "    signalled=1\n"
    "    if [ -n \"$job\" ]; then kill -USR1 \"$job\"; fi\n"
    "}\n"
    "trap forward USR1\n"
    "trap 'cancelled=1; forward' TERM\n"
    "\n"
    "resume=()\n"
    "if [ -d \"$folder/checkpoints\" ]; then resume=(--resume); fi\n";

static const char ending[] =
    "job=$!\n"
    "\n"
    "# A trapped signal ends wait early; the job's own code comes with the wait that none "
    "disturbed.\n"
    "while :; do\n"
    "    signalled=0\n"
    "    wait \"$job\"\n"
    "    code=$?\n"
    "    if ((signalled == 0)); then break; fi\n"
    "done\n"
    "\n"
    "# 75 saved, 79 hang, above 128 killed: go on from the newest checkpoint. Others are final.\n"
    "echo \"weft: job ${SLURM_JOB_ID:-?} ended with exit code $code at step $(newest_step)\"\n"
    "if ((cancelled)) || ((code != 75 && code != 79 && code <= 128)); then exit \"$code\"; fi\n"
    "if ! may_restart; then\n"
    "    echo \"weft: more than $max_restarts restarts without a new checkpoint: giving up\" >&2\n"
    "    exit \"$code\"\n"
    "fi\n"
    "scontrol requeue \"$SLURM_JOB_ID\" || exit \"$code\"\n";

// 'text' for the shell, whatever it holds.
static void put_quoted(struct text *t, const char *word)
{
    text_put(t, "'", 1);
    for (; *word != '\0'; word++)
        if (*word == '\'')
            text_put(t, "'\\''", 4);
        else
            text_put(t, word, 1);
    text_put(t, "'", 1);
}

static void put_variable(struct text *t, const char *name, const char *value)
{
    text_printf(t, "%s=", name);
    put_quoted(t, value);
    text_put(t, "\n", 1);
}

static const char *job_name(const struct slurm_job *j, struct arena *a)
{
    char *name = arena_printf(a, "weft-%s", j->name);
    for (char *c = name; *c != '\0'; c++)
        if (!isalnum((unsigned char)*c) && strchr("-_.", *c) == NULL) *c = '-';
    return name;
}

static void put_option(struct text *t, const char *name, const char *value)
{
    if (value[0] != '\0') text_printf(t, "#SBATCH --%s=%s\n", name, value);
}

static void put_options(struct text *t, const struct slurm_job *j, const char *name)
{
    const struct cluster_file *c = j->cluster;
    text_printf(t, "#!/bin/bash\n");
    put_option(t, "job-name", name);
    text_printf(t, "#SBATCH --nodes=%lu\n", c->n_nodes);
    text_printf(t, "#SBATCH --ntasks-per-node=%lu\n", c->tasks_per_node);
    text_printf(t, "#SBATCH --cpus-per-task=%lu\n", c->cpus_per_task);
    put_option(t, "time", c->time);
    put_option(t, "partition", c->partition);
    put_option(t, "account", c->account);
    put_option(t, "qos", c->qos);
    put_option(t, "constraint", c->constraint);
    text_printf(t, "#SBATCH --signal=B:USR1@%lu\n", c->signal_seconds);
    text_printf(t, "#SBATCH --requeue\n#SBATCH --open-mode=append\n");
    text_printf(t, "#SBATCH --output=%s-%%j.out\n", name);
}

static void put_summary(struct text *t, const struct slurm_job *j)
{
    const struct cluster_file *c = j->cluster;
    text_printf(t,
                "#\n# Made by weft submit. %lu ranks on %lu nodes train %lu parameters in at most "
                "%.1f MiB a rank;\n# plan %s.\n\n",
                c->n_nodes * c->tasks_per_node, c->n_nodes, j->plan->parameters,
                (double)j->plan->peak_bytes / (1024 * 1024), j->plan->plan_hash);
}

static void put_places(struct text *t, const struct slurm_job *j)
{
    put_variable(t, "weft", j->weft);
    put_variable(t, "run", j->run_file);
    put_variable(t, "folder", j->run_folder);
    text_printf(t, "max_restarts=%lu\n", j->cluster->max_restarts);
    text_printf(t, "cd ");
    put_quoted(t, j->folder);
    text_printf(t, " || exit 74\nmkdir -p \"$folder\" || exit 74\n\n");
    for (size_t i = 0; i < j->cluster->n_setup; i++)
        text_printf(t, "%s\n", j->cluster->setup[i]);
    if (j->cluster->n_setup > 0) text_put(t, "\n", 1);
}

// Ranks bind themselves to their shares of a node, so the launcher leaves them free.
static void put_launcher(struct text *t, const struct slurm_job *j)
{
    const struct cluster_file *c = j->cluster;
    uint64_t n_ranks = c->n_nodes * c->tasks_per_node;
    switch ((enum cluster_launcher)c->launcher) {
    case CLUSTER_MPIRUN:
        text_printf(t, "mpirun -q -np %lu --map-by ppr:%lu:node --bind-to none \\\n", n_ranks,
                    c->tasks_per_node);
        break;
    case CLUSTER_SRUN:
        text_printf(t,
                    "srun --mpi=pmix --ntasks=%lu --cpus-per-task=%lu --cpu-bind=none "
                    "--kill-on-bad-exit=1 \\\n",
                    n_ranks, c->cpus_per_task);
        break;
    }
    text_printf(t, "    \"$weft\" train \"$run\" --output=\"$folder\" \"${resume[@]}\"");
    for (size_t i = 0; i < j->n_overrides; i++) {
        text_printf(t, " \\\n    --set ");
        put_quoted(t, j->overrides[i]);
    }
    text_printf(t, " &\n");
}

char *slurm_script(const struct slurm_job *j, struct arena *a)
{
    struct text t;
    text_begin(&t, a);
    put_options(&t, j, job_name(j, a));
    put_summary(&t, j);
    put_places(&t, j);
    text_printf(&t, "%s", functions);
    put_launcher(&t, j);
    text_printf(&t, "%s", ending);
    return t.data;
}
