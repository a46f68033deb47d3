// weft submit RUN.yaml --cluster FILE --print: the batch script that trains it there.

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cli.h"
#include "cluster/slurm.h"

struct options {
    const char *cluster, *folder;
    struct cli_list set;
    bool print;
};

static enum err parse(int argc, char **argv, struct options *o, const char **run_file)
{
    const struct cli_option options[] = {
        {"cluster", 'c', CLI_TEXT, &o->cluster, "FILE", "the cluster file"},
        {"output", 'o', CLI_TEXT, &o->folder, "DIR", "run directory (RUN.yaml without .yaml)"},
        {"set", 0, CLI_LIST, &o->set, "KEY=VALUE", "override a key of the run file"},
        {"print", 0, CLI_FLAG, &o->print, NULL, "print the script for sbatch"},
    };
    const struct cli_usage usage = {
        .synopsis = "weft submit RUN.yaml --cluster FILE --print",
        .summary = "render the Slurm script that trains a run",
        .example = "weft submit run.yaml --cluster cluster.yaml --print | sbatch",
        .options = options,
        .n_options = sizeof options / sizeof options[0]};
    TRY(cli_parse_one(argc, argv, &usage, run_file));
    if (o->cluster == NULL) return fail(ERR_USAGE, "--cluster FILE is missing");
    if (!o->print)
        return fail(ERR_USAGE, "only --print exists yet: weft submit ... --print | sbatch");
    return OK;
}

static enum err this_program(struct arena *a, const char **out)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path);
    if (n < 0 || n == sizeof path) return fail(ERR_IO, "read /proc/self/exe: %s", strerror(errno));
    *out = arena_strndup(a, path, (size_t)n);
    return OK;
}

static const char *absolute(const char *path, const char *folder, struct arena *a)
{
    return path[0] == '/' ? path : arena_printf(a, "%s/%s", folder, path);
}

// RUN.yaml without .yaml, as weft train names it.
static const char *folder_of(const char *run_file, struct arena *a)
{
    const char *dot = strrchr(run_file, '.'), *slash = strrchr(run_file, '/');
    if (dot == NULL || (slash != NULL && dot < slash)) return arena_printf(a, "%s.run", run_file);
    return arena_strndup(a, run_file, (size_t)(dot - run_file));
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL || slash[1] == '\0' ? path : slash + 1;
}

static enum err ask_plan(const struct options *o, const struct cluster_file *c,
                         const char *run_file, struct arena *a, struct plan_answer *out)
{
    struct plan_query query = {.run_file = run_file,
                               .overrides = o->set.items,
                               .n_overrides = o->set.n_items,
                               .n_ranks = c->n_nodes * c->tasks_per_node,
                               .n_nodes = c->n_nodes,
                               .n_threads = c->cpus_per_task};
    TRY(this_program(a, &query.weft));
    return plan_query_ask(&query, a, out);
}

static enum err submit(const struct options *o, const char *run_file, struct arena *a)
{
    struct cluster_file c;
    TRY(cluster_file_read(o->cluster, a, &c));
    struct plan_answer plan;
    TRY(ask_plan(o, &c, run_file, a, &plan));
    char here[PATH_MAX];
    if (getcwd(here, sizeof here) == NULL)
        return fail(ERR_IO, "name this folder: %s", strerror(errno));
    struct slurm_job job = {.cluster = &c,
                            .plan = &plan,
                            .weft = c.weft,
                            .run_file = absolute(run_file, here, a),
                            .folder = here,
                            .overrides = o->set.items,
                            .n_overrides = o->set.n_items};
    job.run_folder = o->folder != NULL ? absolute(o->folder, here, a) : folder_of(job.run_file, a);
    job.name = base_name(job.run_folder);
    if (c.weft[0] == '\0') TRY(this_program(a, &job.weft));
    fputs(slurm_script(&job, a), stdout);
    return OK;
}

CLI_COMMAND(submit)
{
    struct options o = {0};
    const char *run_file;
    TRY(parse(argc, argv, &o, &run_file));
    struct arena a;
    arena_init(&a, "weft submit");
    enum err err = submit(&o, run_file, &a);
    arena_fini(&a);
    return err;
}
