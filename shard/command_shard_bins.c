#include <stdio.h>

#include "base/cli.h"
#include "shard/command_shard.h"
#include "shard/lost.h"
#include "shard/read/bin_edges.h"
#include "shard/read/reader.h"
#include "shard/read/reader_kind.h"
#include "shard/read/trajectory.h"

struct bins {
    const char *out;
    bool skip_bad;
    uint64_t n_trajectories, n_steps;
    struct lost lost;
};

static enum err add_trajectory(struct bins *bins, const struct reader_record *record,
                               struct bin_edges_pass *pass, struct arena *a)
{
    struct trajectory t;
    enum err e = reader_trajectory(record, a, &t);
    const size_t n = e == OK ? (size_t)t.n_observation + t.n_action : 0;
    for (size_t i = 0; e == OK && i < t.n_steps; i++) {
        // All steps are alike, so the first is the one that may be refused.
        e = bin_edges_pass_add(pass, t.n_observation, t.n_action, t.values + i * n);
        if (e == ERR_DATA) e = reader_fail_at(record, e);
    }
    if (e == ERR_DATA && bins->skip_bad) {
        lost_add(&bins->lost, err_line());
        return OK;
    }
    TRY(e);
    bins->n_trajectories++;
    bins->n_steps += t.n_steps;
    return OK;
}

static enum err read_all(struct bins *bins, struct reader *reader, struct bin_edges_pass *pass,
                         struct arena *a)
{
    for (;;) {
        struct reader_record record;
        bool more;
        arena_reset(a);
        TRY(reader_next(reader, a, &record, &more));
        if (!more) return OK;
        TRY(add_trajectory(bins, &record, pass, a));
    }
}

static enum err find_edges(struct bins *bins, const struct inputs *inputs, struct arena *a)
{
    const struct reader_options options = {
        .skip_bad = bins->skip_bad, .lost = lost_add, .context = &bins->lost};
    struct reader *reader = reader_open(inputs, &options, a);
    struct bin_edges_pass *pass = bin_edges_pass_open(a);
    struct arena record;
    struct bin_edges edges;
    arena_init(&record, "trajectory");
    enum err e = read_all(bins, reader, pass, &record);
    if (e == OK) e = bin_edges_pass_end(pass, a, &edges);
    if (e == OK) e = bin_edges_write(&edges, bins->out);
    if (e == OK)
        printf("%s: observation %u action %u dimensions of %d bins, from %llu trajectories of %llu "
               "steps, left out %llu\n",
               bins->out, edges.n_observation, edges.n_action, BIN_EDGES_BINS,
               (unsigned long long)bins->n_trajectories, (unsigned long long)bins->n_steps,
               (unsigned long long)bins->lost.n);
    arena_fini(&record);
    bin_edges_pass_close(pass);
    reader_close(reader);
    return e;
}

enum err command_shard_bins(int argc, char **argv)
{
    struct bins bins = {0};
    const struct cli_option options[] = {
        {"out", 'o', CLI_TEXT, &bins.out, "EDGES", "file of bin edges to write"},
        {"skip-bad", 0, CLI_FLAG, &bins.skip_bad, NULL, "leave out unreadable trajectories"}};
    const struct cli_usage usage = {
        .synopsis = "weft shard bins -o EDGES INPUT...",
        .summary = "find the edges that cut trajectories' numbers into 256 bins a dimension",
        .example = "weft shard bins -o edges.json robots.jsonl arms.csv",
        .options = options,
        .n_options = sizeof options / sizeof options[0],
        .min_operands = 1,
        .max_operands = SIZE_MAX};
    char **operands = NULL;
    size_t n_operands = 0;
    TRY(cli_parse(argc, argv, &usage, &operands, &n_operands));
    if (!bins.out) return fail(ERR_USAGE, "shard bins: -o EDGES is missing");
    struct arena a;
    struct inputs inputs;
    arena_init(&a, "shard bins");
    enum err e = inputs_list(operands, n_operands, &a, &inputs);
    if (e == OK) e = find_edges(&bins, &inputs, &a);
    arena_fini(&a);
    return e;
}
