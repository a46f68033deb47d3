// weft data blame RUN_DIR --step N: the documents that a step was trained on, and a skip list that
// leaves them out from that step on, wherever the run is taken up again.

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/cli.h"
#include "base/file.h"
#include "base/json_text.h"
#include "base/text.h"
#include "datad/blame.h"
#include "trainer/config.h"
#include "trainer/run/feed.h"

struct blame {
    const char *run_folder, *skip_list;
    uint64_t step; // as in log.jsonl, from 1
    bool json;
    struct config whole;
    struct blame_answer *answers;
    size_t n_answers;
    uint64_t first_row, n_lane_rows;
};

static enum err parse(int argc, char **argv, struct blame *b)
{
    const struct cli_option options[] = {
        {"step", 0, CLI_U64, &b->step, "N", "the step, as in the run's log"},
        {"skip-list", 0, CLI_TEXT, &b->skip_list, "FILE",
         "append the documents to FILE, for data.skip_documents"},
        {"json", 0, CLI_FLAG, &b->json, NULL, "print JSON"}};
    const struct cli_usage usage = {.synopsis = "weft data blame RUN_DIR --step N",
                                    .summary = "list the documents that a step was trained on",
                                    .example = "weft data blame run --step 120 "
                                               "--skip-list bad.txt",
                                    .options = options,
                                    .n_options = sizeof options / sizeof options[0]};
    TRY(cli_parse_one(argc, argv, &usage, &b->run_folder));
    return b->step > 0 ? OK : fail(ERR_USAGE, "data blame: --step N is missing");
}

static enum err read_run(struct blame *b, struct arena *a)
{
    const char *path = arena_printf(a, "%s/run.yaml", b->run_folder);
    if (!file_exists(path))
        return fail(ERR_IO, "%s is not a run directory: it has no run.yaml", b->run_folder);
    TRY(config_read(path, NULL, 0, a, &b->whole));
    if (b->step > config_total_steps(&b->whole))
        return fail(ERR_USAGE, "--step %lu: the run has %lu", b->step,
                    config_total_steps(&b->whole));
    if (strcmp(b->whole.data.kind, "random") == 0)
        return fail(ERR_DATA, "%s: random tokens come from no document", b->run_folder);
    return OK;
}

static enum err ask(struct blame *b, struct arena *a)
{
    const size_t phase = config_phase_of_step(&b->whole, b->step - 1);
    const struct config c = config_of_phase(&b->whole, phase);
    const uint64_t n_rows = config_step_lanes(&c) * c.train.micro_batch;
    const uint64_t before = b->step - 1 - config_phase_first_step(&b->whole, phase);
    b->first_row = config_phase_first_row(&b->whole, phase) + before * n_rows;
    b->n_lane_rows = c.train.micro_batch;
    const struct blame_question question = {
        .T = c.train.sequence, .seed = c.data.seed, .rows = {b->first_row, b->first_row + n_rows}};
    struct datad_config *config = ARENA_NEW(a, struct datad_config);
    feed_daemon_config(&b->whole, &c, b->run_folder, a, config);
    return blame_ask(config, &question, a, &b->answers, &b->n_answers);
}

static uint64_t lane_of(const struct blame *b, const struct blame_answer *d)
{
    return (d->row - b->first_row) / b->n_lane_rows;
}

static void print_table(const struct blame *b)
{
    printf("%5s %6s %7s %9s %9s %10s  %s\n", "lane", "row", "at", "tokens", "of token", "document",
           "source: id");
    for (size_t i = 0; i < b->n_answers; i++) {
        const struct blame_answer *d = &b->answers[i];
        printf("%5lu %6lu %7lu %9lu %9lu %10lu  %s: %.*s%s\n", lane_of(b, d), d->row, d->at,
               d->n_tokens, d->offset, d->document, d->source, (int)d->id.n_bytes,
               (const char *)d->id.data, d->skipped ? " (left out)" : "");
    }
}

static json_t *answer_json(const struct blame *b, const struct blame_answer *d)
{
    char dataset[33];
    hash_hex(d->dataset, dataset);
    json_t *id = json_stringn((const char *)d->id.data, d->id.n_bytes);
    json_t *from = json_stringn((const char *)d->from.data, d->from.n_bytes);
    return json_pack("{s:I s:I s:I s:I s:I s:I s:s s:s s:s s:o* s:o* s:b}", "lane",
                     (json_int_t)lane_of(b, d), "row", (json_int_t)d->row, "at", (json_int_t)d->at,
                     "tokens", (json_int_t)d->n_tokens, "offset", (json_int_t)d->offset, "document",
                     (json_int_t)d->document, "dataset", dataset, "source", d->source, "shard",
                     d->shard, "id", id, "file", from, "left_out", d->skipped);
}

static enum err print_json(const struct blame *b, struct arena *a)
{
    json_t *all = json_array();
    char *text;
    for (size_t i = 0; i < b->n_answers; i++)
        json_array_append_new(all, answer_json(b, &b->answers[i]));
    const enum err e = json_text(all, a, &text);
    json_decref(all);
    if (e == OK) fputs(text, stdout);
    return e;
}

/// The file as it was, then a line for each document of the step that is not left out already.
static enum err extend_skip_list(const struct blame *b, struct arena *a)
{
    enum { LIST_LIMIT_BYTES = 128 << 20 };
    struct span before = {0};
    struct text out;
    text_begin(&out, a);
    if (file_exists(b->skip_list)) {
        TRY(file_read(b->skip_list, LIST_LIMIT_BYTES, a, &before));
        TRY(blame_check_skip_list(before, b->skip_list, a));
    }
    text_put(&out, (const char *)before.data, before.n_bytes);
    if (before.n_bytes > 0 && before.data[before.n_bytes - 1] != '\n') text_put(&out, "\n", 1);
    text_printf(&out, "# step %lu of %s\n", b->step, b->run_folder);
    const uint64_t from_tokens = config_tokens_before(&b->whole, b->step - 1);
    size_t n = 0;
    for (size_t i = 0; i < b->n_answers; i++) {
        const char *line = blame_skip_line(&b->answers[i], from_tokens, a);
        if (b->answers[i].skipped || strstr(out.data, line)) continue;
        text_put(&out, line, strlen(line));
        n++;
    }
    TRY(file_replace(b->skip_list, out.data, out.n_bytes));
    fprintf(b->json ? stderr : stdout,
            "%s: %zu documents added; resume with --set data.skip_documents=%s\n", b->skip_list, n,
            b->skip_list);
    return OK;
}

static enum err blame(struct blame *b, struct arena *a)
{
    TRY(read_run(b, a));
    TRY(ask(b, a));
    if (b->json)
        TRY(print_json(b, a));
    else
        print_table(b);
    return b->skip_list ? extend_skip_list(b, a) : OK;
}

static enum err command_data_blame(int argc, char **argv)
{
    struct blame b = {0};
    struct arena a;
    TRY(parse(argc, argv, &b));
    arena_init(&a, "data blame");
    const enum err e = blame(&b, &a);
    arena_fini(&a);
    return e;
}

CLI_COMMAND(data)
{
    static const struct cli_command commands[] = {
        {"blame", command_data_blame, "list the documents that a step was trained on"}};
    return cli_dispatch(argc, argv, "weft data", commands, sizeof commands / sizeof commands[0]);
}
