// weft eval RUN_DIR: the validation loss of a checkpoint, by the evaluate section of the run's own
// plan on the rows that training validates on. Alone, or on the ranks that mpirun started: the same
// bits. The plan is training's, so a rank needs the memory that training needed.

#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "base/cli.h"
#include "base/json_text.h"
#include "trainer/eval/snapshot.h"
#include "trainer/eval/workplace.h"
#include "trainer/model.h"
#include "trainer/run/feed.h"
#include "trainer/run/launch.h"

struct evaluation {
    const char *run_folder;
    uint64_t step, n_rows;
    bool json;

    struct arena *arena;
    struct snapshot snapshot;
    struct config config; // the snapshot's, with an evaluation
    struct workplace place;
    struct feed feed;
    struct executor executor;
    char program[4096];
    bool agreed; // an error now is every rank's already
};

static enum err parse(int argc, char **argv, struct evaluation *e)
{
    const struct cli_option options[] = {
        {"step", 0, CLI_U64, &e->step, "N", "of the checkpoint (the newest)"},
        {"rows", 0, CLI_U64, &e->n_rows, "N", "held-out rows (train.eval_rows)"},
        {"json", 0, CLI_FLAG, &e->json, NULL, "as JSON"},
    };
    const struct cli_usage usage = {.synopsis = "weft eval RUN_DIR [--rows N]",
                                    .summary = "validation loss of a checkpoint",
                                    .example = "weft eval run --rows 256 --json",
                                    .options = options,
                                    .n_options = sizeof options / sizeof options[0]};
    TRY(cli_parse_one(argc, argv, &usage, &e->run_folder));
    return OK;
}

static enum err open_snapshot(struct evaluation *e)
{
    TRY(launch_program(e->program, sizeof e->program));
    TRY(snapshot_open(e->run_folder, e->step, e->arena, &e->snapshot));
    e->config = e->snapshot.config;
    struct config_train *t = &e->config.train;
    if (t->eval_every == 0) t->eval_every = 1; // so that the plan has an evaluation
    if (e->n_rows > 0) t->eval_rows = e->n_rows;
    if (t->eval_rows % t->micro_batch == 0) return OK;
    return fail(ERR_USAGE, "--rows %lu is not a multiple of train.micro_batch %lu", t->eval_rows,
                t->micro_batch);
}

static enum err open_executor(struct evaluation *e)
{
    const struct model_ranks ranks = {fabric_size(e->place.fabric), fabric_n_nodes(e->place.fabric),
                                      pool_n_threads(e->place.pool)};
    struct plan *plan;
    TRY(model_plan(&e->config, &ranks, e->arena, &plan));
    e->executor = (struct executor){
        .config = &e->config, .plan = plan, .fabric = e->place.fabric, .pool = e->place.pool};
    return execute_open(&e->executor, e->arena);
}

static enum err run_sections(struct evaluation *e)
{
    struct executor *x = &e->executor;
    uint64_t n_rounds = x->plan->eval_lanes->lanes.n_rounds;
    TRY(execute_section(x, &(struct program_call){.section = SECTION_PREPARE}));
    for (uint64_t round = 0; round < n_rounds; round++)
        TRY(execute_section(x,
                            &(struct program_call){.section = SECTION_EVALUATE, .round = round}));
    return execute_section(x, &(struct program_call){.section = SECTION_EVALUATE_END});
}

static enum err report(const struct evaluation *e)
{
    if (fabric_rank(e->place.fabric) != 0) return OK;
    double loss = e->executor.result.validation_loss;
    uint64_t n_rows = config_eval_lanes(&e->config) * e->config.train.micro_batch;
    if (!e->json) {
        printf("step %lu  val_loss %.4f  perplexity %.2f  rows %lu  tokens %lu\n", e->snapshot.step,
               loss, exp(loss), n_rows, e->executor.eval_tokens);
        return OK;
    }
    json_t *json =
        json_pack("{s:I s:f s:f s:I s:I s:i}", "step", (json_int_t)e->snapshot.step, "val_loss",
                  loss, "perplexity", exp(loss), "rows", (json_int_t)n_rows, "tokens",
                  (json_int_t)e->executor.eval_tokens, "ranks", fabric_size(e->place.fabric));
    char *text;
    enum err err = json_text(json, e->arena, &text);
    json_decref(json);
    if (err == OK) fputs(text, stdout);
    return err;
}

static enum err evaluate(struct evaluation *e)
{
    struct fabric *f = e->place.fabric;
    TRY(fabric_agree(f, open_executor(e)));
    const struct feed_start start = {.whole = &e->config};
    TRY(feed_open(&e->feed, &e->config, &start, e->run_folder, e->program, f, e->arena));
    e->executor.validation = e->feed.validation;
    TRY(snapshot_load(&e->snapshot, &e->executor, e->arena));
    e->agreed = false;
    TRY(run_sections(e));
    e->agreed = true;
    return report(e);
}

// An error that all ranks share is said by rank 0 alone; any other ends the job.
static void settle(const struct evaluation *e, enum err err)
{
    if (err == OK || e->place.fabric == NULL) return;
    if (!e->agreed && fabric_size(e->place.fabric) > 1)
        fabric_abort(e->place.fabric, err, (long)e->snapshot.step);
    if (fabric_rank(e->place.fabric) != 0) err_clear();
}

CLI_COMMAND(eval)
{
    struct arena a;
    arena_init(&a, "weft eval");
    struct evaluation e = {.arena = &a, .step = SNAPSHOT_NEWEST, .agreed = true};
    enum err err = parse(argc, argv, &e);
    if (err == OK) err = open_snapshot(&e);
    if (err == OK) err = workplace_open_ranks(&e.place, &e.config, &a);
    if (err == OK) err = evaluate(&e);
    settle(&e, err);
    if (e.feed.fabric != NULL) feed_close(&e.feed);
    execute_close(&e.executor);
    workplace_close(&e.place);
    arena_fini(&a);
    return err;
}
