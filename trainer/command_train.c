// weft train RUN.yaml: trains on this process, on mpirun's ranks when started by it, or starts
// mpirun itself.

#include <stdio.h>
#include <stdlib.h>

#include "base/cli.h"
#include "base/log.h"
#include "topology/fabric.h"
#include "trainer/run/launch.h"
#include "trainer/run/stop.h"
#include "trainer/run/train.h"

enum err command_train(int argc, char **argv) MUST_CHECK; // in weft.c's table

struct options {
    uint64_t n_ranks;
    struct cli_list set;
    const char *folder;
    bool resume, trace;
};

static enum err parse(int argc, char **argv, struct options *o, const char **run_file)
{
    const struct cli_option options[] = {
        {"ranks", 'n', CLI_U64, &o->n_ranks, "RANKS", "start that many ranks with mpirun (1)"},
        {"set", 0, CLI_LIST, &o->set, "KEY=VALUE", "override a key of the run file"},
        {"output", 'o', CLI_TEXT, &o->folder, "DIR", "run directory (RUN.yaml without .yaml)"},
        {"resume", 0, CLI_FLAG, &o->resume, NULL, "go on from the newest checkpoint"},
        {"trace", 0, CLI_FLAG, &o->trace, NULL, "write the order of steps to DIR/trace/"},
    };
    const struct cli_usage usage = {.synopsis = "weft train RUN.yaml [-n RANKS] [--resume]",
                                    .summary = "train a model",
                                    .example = "weft train run.yaml -n 2 --set train.steps=100",
                                    .options = options,
                                    .n_options = sizeof options / sizeof options[0]};
    TRY(cli_parse_one(argc, argv, &usage, run_file));
    return o->n_ranks >= 1 && o->n_ranks <= 65536
               ? OK
               : fail(ERR_USAGE, "--ranks %lu: 1 to 65536", o->n_ranks);
}

// The same command again, without -n, under mpirun.
static enum err launch(const struct options *o, const char *run_file, struct arena *a)
{
    struct config c; // a bad run file is said here, once, before mpirun starts
    TRY(config_read(run_file, o->set.items, o->set.n_items, a, &c));
    if (o->n_ranks > config_step_lanes(&c))
        return fail(ERR_CONFIG,
                    "%lu ranks but %lu lanes a step (train.global_batch / train.micro_batch): use "
                    "at most %lu ranks or more lanes",
                    o->n_ranks, config_step_lanes(&c), config_step_lanes(&c));
    char **argv = ARENA_ARRAY(a, char *, 2 * o->set.n_items + 10);
    char *program = arena_alloc(a, 4096, 1);
    TRY(launch_program(program, 4096));
    size_t n = 0;
    argv[n++] = program;
    argv[n++] = arena_strdup(a, "train");
    argv[n++] = arena_strdup(a, run_file);
    for (size_t i = 0; i < o->set.n_items; i++) {
        argv[n++] = arena_strdup(a, "--set");
        argv[n++] = arena_strdup(a, o->set.items[i]);
    }
    if (o->folder != NULL) argv[n++] = arena_printf(a, "--output=%s", o->folder);
    if (o->resume) argv[n++] = arena_strdup(a, "--resume");
    if (o->trace) argv[n++] = arena_strdup(a, "--trace");
    int exit_code = 0;
    TRY(launch_mpirun(o->n_ranks, argv, &exit_code));
    if (exit_code != 0) exit(exit_code); // a rank has said why
    return OK;
}

static enum err train_here(const struct options *o, const char *run_file, struct arena *a)
{
    stop_listen();
    struct fabric *f;
    if (fabric_launched())
        TRY(fabric_open_mpi(&(struct fabric_options){0}, a, &f));
    else
        TRY(fabric_open_alone(a, &f));
    struct train_options options = {.run_file = run_file,
                                    .run_folder = o->folder,
                                    .overrides = o->set.items,
                                    .n_overrides = o->set.n_items,
                                    .resume = o->resume,
                                    .trace = o->trace};
    enum err err = train_run(&options, f, a);
    // Said before the ranks part: mpirun kills those that are left when the first one exits with a
    // code, and that may not be the one that knows the cause.
    fflush(stdout);
    if (err != OK && *err_line() != '\0') log_line("%s", err_line());
    err_clear();
    fabric_close(f);
    return err;
}

enum err command_train(int argc, char **argv)
{
    struct options o = {.n_ranks = 1};
    const char *run_file;
    TRY(parse(argc, argv, &o, &run_file));
    struct arena a;
    arena_init(&a, "weft train");
    bool parent = o.n_ranks > 1 && !fabric_launched();
    enum err err = parent ? launch(&o, run_file, &a) : train_here(&o, run_file, &a);
    arena_fini(&a);
    return err;
}
