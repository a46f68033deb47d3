// weft plan RUN.yaml: what a run will do and need, before it runs.

#include <stdio.h>

#include "base/cli.h"
#include "base/json_text.h"
#include "trainer/model.h"
#include "trainer/run/walk.h"

enum err command_plan(int argc, char **argv) MUST_CHECK; // in weft.c's table

struct options {
    struct cli_list set;
    uint64_t n_ranks, n_nodes, n_threads, n_steps;
    bool print, walk, json;
    const char *trace;
    struct walk_machine machine;
};

static enum err parse(int argc, char **argv, struct options *o, const char **path)
{
    const struct cli_option options[] = {
        {"ranks", 'n', CLI_U64, &o->n_ranks, "RANKS", "ranks to plan for (1)"},
        {"nodes", 0, CLI_U64, &o->n_nodes, "NODES", "nodes that they are on (1)"},
        {"threads", 0, CLI_U64, &o->n_threads, "THREADS", "threads a rank (1)"},
        {"set", 0, CLI_LIST, &o->set, "KEY=VALUE", "override a key of the run file"},
        {"print", 0, CLI_FLAG, &o->print, NULL, "print the whole plan"},
        {"walk", 0, CLI_FLAG, &o->walk, NULL, "play all ranks on the virtual clock and check"},
        {"steps", 0, CLI_U64, &o->n_steps, "STEPS", "training steps to walk (2)"},
        {"trace", 0, CLI_TEXT, &o->trace, "FILE", "with --walk: the order of rank 0's steps"},
        {"rank-flops", 0, CLI_F64, &o->machine.flops_per_s, "FLOP/S", "of a rank (1e12)"},
        {"rank-bandwidth", 0, CLI_F64, &o->machine.memory_bytes_per_s, "B/S", "memory (1e10)"},
        {"link-bandwidth", 0, CLI_F64, &o->machine.link_bytes_per_s, "B/S", "of a rank (1e9)"},
        {"link-latency", 0, CLI_F64, &o->machine.link_latency_s, "SECONDS", "a message (1e-5)"},
        {"json", 0, CLI_FLAG, &o->json, NULL, "print JSON"},
    };
    const struct cli_usage usage = {.synopsis = "weft plan RUN.yaml [-n RANKS] [--walk]",
                                    .summary = "say what a run will do, need and take",
                                    .example = "weft plan run.yaml -n 8 --walk",
                                    .options = options,
                                    .n_options = sizeof options / sizeof options[0]};
    TRY(cli_parse_one(argc, argv, &usage, path));
    if (o->n_ranks < 1 || o->n_ranks > 1 << 20)
        return fail(ERR_USAGE, "--ranks %lu: 1 to 1048576", o->n_ranks);
    return OK;
}

static uint64_t count_parameters(const struct plan *p, bool trainable_only)
{
    uint64_t n = 0;
    for (int i = 0; i < p->train->n_parameters; i++)
        if (p->train->parameters[i].trainable || !trainable_only)
            n += p->train->parameters[i].n_elems;
    return n;
}

static int fullest_rank(const struct plan *p)
{
    int fullest = 0;
    for (int r = 1; r < p->options.n_ranks; r++)
        if (plan_bytes(p, r).peak > plan_bytes(p, fullest).peak) fullest = r;
    return fullest;
}

static json_t *json_bytes(const struct plan_bytes *b)
{
    return json_pack("{s:I s:I s:I s:I s:I s:I s:I}", "parameters", (json_int_t)b->parameters,
                     "gradients", (json_int_t)b->gradients, "optimizer", (json_int_t)b->optimizer,
                     "activations", (json_int_t)b->activations, "gathered", (json_int_t)b->gathered,
                     "buffers", (json_int_t)b->buffers, "peak", (json_int_t)b->peak);
}

struct estimate {
    double step_seconds, mfu;
    struct walk_result walk;
    bool walked;
};

static enum err print_json(const struct plan *p, const struct estimate *e, struct arena *a)
{
    char hash[33];
    hash_hex(p->hash, hash);
    struct plan_bytes b = plan_bytes(p, fullest_rank(p));
    json_t *j =
        json_pack("{s:I s:I s:o s:f s:f s:s}", "parameters", (json_int_t)count_parameters(p, false),
                  "parameters_trainable", (json_int_t)count_parameters(p, true), "bytes_per_rank",
                  json_bytes(&b), "flops_per_step", plan_model_flops(p), "hardware_flops_per_step",
                  plan_hardware_flops(p), "plan_hash", hash);
    if (j != NULL && e->walked) {
        json_object_set_new(j, "step_seconds", json_real(e->step_seconds));
        json_object_set_new(j, "mfu", json_real(e->mfu));
        json_object_set_new(j, "fabric_bytes", json_real(e->walk.fabric_bytes));
        json_object_set_new(j, "collectives", json_integer((json_int_t)e->walk.n_collectives));
    }
    char *text;
    enum err error = json_text(j, a, &text);
    json_decref(j);
    TRY(error);
    fputs(text, stdout);
    return OK;
}

static void print_bytes(const struct plan *p)
{
    int rank = fullest_rank(p);
    struct plan_bytes b = plan_bytes(p, rank);
    const double mib = 1024 * 1024;
    printf("bytes of rank %d   parameters %.1f  gradients %.1f  optimizer %.1f  activations %.1f  "
           "gathered %.1f  "
           "buffers %.1f  peak %.1f MiB (%zu bytes)\n",
           rank, (double)b.parameters / mib, (double)b.gradients / mib, (double)b.optimizer / mib,
           (double)b.activations / mib, (double)b.gathered / mib, (double)b.buffers / mib,
           (double)b.peak / mib, b.peak);
}

static void print_text(const struct plan *p, const struct estimate *e, const struct options *o)
{
    char hash[33];
    hash_hex(p->hash, hash);
    const struct lanes *l = &p->lanes->lanes;
    printf("plan %s\n", hash);
    printf("parameters %lu (%lu trainable) in %d units\n", count_parameters(p, false),
           count_parameters(p, true), p->train->n_units);
    printf("ranks %d  lanes %lu  in lockstep %lu  rounds %lu  zero %d  recompute %s\n",
           p->options.n_ranks, l->n_lanes, l->lockstep, l->n_rounds, p->options.zero,
           p->options.recompute ? "on" : "off");
    print_bytes(p);
    printf("flops a step %.4g (recompute included %.4g)\n", plan_model_flops(p),
           plan_hardware_flops(p));
    if (!e->walked) return;
    printf("walked %lu ranks x %lu steps: %lu plan steps, %lu collectives, %lu messages, %.4g "
           "bytes: no deadlock, "
           "nothing unmatched, no overlap, peak = plan\n",
           o->n_ranks, o->n_steps, e->walk.n_steps_played, e->walk.n_collectives,
           e->walk.n_messages, e->walk.fabric_bytes);
    printf("virtual time of a step %.4g s, waiting for the fabric %.1f%%, mfu %.1f%% (causal "
           "attention counted as half; rank "
           "%.3g flop/s, memory %.3g B/s, link %.3g B/s, %.3g s)\n",
           e->step_seconds, 100 * e->walk.exposed_s / e->walk.seconds, 100 * e->mfu,
           o->machine.flops_per_s, o->machine.memory_bytes_per_s, o->machine.link_bytes_per_s,
           o->machine.link_latency_s);
}

static enum err walk(const struct plan *p, const struct options *o, const struct config *c,
                     struct estimate *e)
{
    FILE *trace = NULL;
    if (o->trace != NULL && (trace = fopen(o->trace, "w")) == NULL)
        return fail(ERR_IO, "create %s", o->trace);
    struct program_options program = {.last_step = o->n_steps,
                                      .eval_every = c->train.eval_every,
                                      .save_every = c->train.save_every,
                                      .save_at_end = true};
    enum err err = walk_plan(p, &program, &o->machine, trace, &e->walk);
    if (trace != NULL && fclose(trace) != 0 && err == OK) err = fail(ERR_IO, "write %s", o->trace);
    TRY(err);
    e->walked = true;
    e->step_seconds = e->walk.seconds / (double)o->n_steps;
    e->mfu = plan_model_flops(p) / e->step_seconds / ((double)o->n_ranks * o->machine.flops_per_s);
    return OK;
}

static enum err plan(const struct options *o, const char *path, struct arena *a)
{
    struct config c;
    TRY(config_read(path, o->set.items, o->set.n_items, a, &c));
    struct model_ranks ranks = {(int)o->n_ranks, (int)o->n_nodes, o->n_threads};
    for (size_t phase = 0; phase <= c.n_phases; phase++) {
        struct config at = config_of_phase(&c, phase);
        struct plan *p;
        TRY(model_plan(&at, &ranks, a, &p));
        struct estimate e = {0};
        if (o->walk) TRY(walk(p, o, &at, &e));
        if (c.n_phases > 0 && !o->json) printf("phase %zu\n", phase);
        if (o->json) TRY(print_json(p, &e, a));
        if (!o->json) print_text(p, &e, o);
        if (o->print) fputs(plan_print(p, a), stdout);
    }
    return OK;
}

enum err command_plan(int argc, char **argv)
{
    struct options o = {.n_ranks = 1,
                        .n_nodes = 1,
                        .n_threads = 1,
                        .n_steps = 2,
                        .machine = {1e12, 1e10, 1e9, 1e-5}};
    const char *path;
    TRY(parse(argc, argv, &o, &path));
    struct arena a;
    arena_init(&a, "weft plan");
    enum err err = plan(&o, path, &a);
    arena_fini(&a);
    return err;
}
