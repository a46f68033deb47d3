#include "cluster/cluster_file.h"

#include <string.h>

#include "base/runfile.h"

#define AT(field) offsetof(struct cluster_file, field)

static const struct runfile_key keys[] = {
    {"nodes", RUNFILE_U64, AT(n_nodes), NULL, 1, 1 << 16, .help = "nodes of a job"},
    {"tasks_per_node", RUNFILE_U64, AT(tasks_per_node), NULL, 1, 4096,
     .help = "ranks a node; one a NUMA node is a good start"},
    {"cpus_per_task", RUNFILE_U64, AT(cpus_per_task), NULL, 1, 4096, .help = "cores of a rank"},
    {"launcher", RUNFILE_CHOICE, AT(launcher), "mpirun", .choices = "mpirun srun",
     .help = "srun needs Slurm's pmix plugin"},
    {"time", RUNFILE_TEXT, AT(time), NULL,
     .help = "limit of one job, as sbatch takes it: 1-12:00:00"},
    {"partition", RUNFILE_TEXT, AT(partition), "", .help = "sbatch --partition"},
    {"account", RUNFILE_TEXT, AT(account), "", .help = "sbatch --account"},
    {"qos", RUNFILE_TEXT, AT(qos), "", .help = "sbatch --qos"},
    {"constraint", RUNFILE_TEXT, AT(constraint), "", .help = "sbatch --constraint"},
    {"signal_seconds", RUNFILE_U64, AT(signal_seconds), "300", 60, 65535,
     .help = "before the limit the run is told to save; longer than a step and a checkpoint"},
    {"max_restarts", RUNFILE_U64, AT(max_restarts), "3", 0, 1000,
     .help = "restarts in a row without a new checkpoint"},
    {"weft", RUNFILE_TEXT, AT(weft), "", .help = "weft on the nodes; empty = this program's path"},
    {.path = "setup[]",
     .type = RUNFILE_TEXT,
     .help = "shell line before the start: module load ...",
     .list_offset = AT(setup),
     .list_stride = sizeof(const char *),
     .list_limit = CLUSTER_SETUP_LINES,
     .count_offset = AT(n_setup)},
};

static const struct runfile_table table = {keys, sizeof keys / sizeof keys[0]};

// What goes into an #SBATCH line as it is: no blanks, quotes, comments or line ends.
static enum err check_word(const char *path, const char *key, const char *value)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "_-.,:+@/&|*";
    size_t n = strspn(value, letters);
    if (value[n] == '\0') return OK;
    return fail(ERR_CONFIG, "%s: '%s' has a character that sbatch's line cannot take: '%c'", path,
                key, value[n]);
}

static enum err check(const char *path, const struct cluster_file *c)
{
    TRY(check_word(path, "time", c->time));
    TRY(check_word(path, "partition", c->partition));
    TRY(check_word(path, "account", c->account));
    TRY(check_word(path, "qos", c->qos));
    TRY(check_word(path, "constraint", c->constraint));
    if (c->time[0] == '\0' || c->time[strspn(c->time, "0123456789:-")] != '\0')
        return fail(ERR_CONFIG, "%s: time '%s': use minutes, H:M:S or D-H:M:S", path, c->time);
    for (size_t i = 0; i < c->n_setup; i++)
        if (strchr(c->setup[i], '\n') != NULL)
            return fail(ERR_CONFIG, "%s: setup[%zu] is more than one line", path, i);
    return OK;
}

enum err cluster_file_read(const char *path, struct arena *a, struct cluster_file *out)
{
    struct cluster_file c = {0};
    TRY(runfile_read(path, NULL, 0, &table, a, &c));
    TRY(check(path, &c));
    *out = c;
    return OK;
}
