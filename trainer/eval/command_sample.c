// weft sample RUN_DIR: reads a prompt with the newest checkpoint of a run and goes on with it,
// token by token. The prompt is read in pieces of PREFILL_ROWS positions, then a decoder of one
// position a pass takes over.

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/cli.h"
#include "base/json_text.h"
#include "base/number.h"
#include "base/size.h"
#include "base/text.h"
#include "trainer/eval/decoding.h"
#include "trainer/eval/pick.h"
#include "trainer/eval/snapshot.h"
#include "trainer/eval/wording.h"
#include "trainer/eval/workplace.h"

enum { PREFILL_ROWS = 64 };

struct sampling {
    const char *run_folder, *prompt, *id_list;
    uint64_t n_tokens, step;
    struct pick_options pick;
    bool json, logits;

    struct arena *arena;
    struct snapshot snapshot;
    struct wording wording;
    struct workplace place;
    uint32_t *ids; // the prompt's, then the new ones
    size_t n_prompt, n_ids;
    const char *stopped; // why
};

static enum err check_options(const struct sampling *s)
{
    const struct pick_options *o = &s->pick;
    if (!(o->temperature >= 0) || !isfinite(o->temperature))
        return fail(ERR_USAGE, "--temperature %g: 0 or more", o->temperature);
    if (!(o->top_p > 0 && o->top_p <= 1))
        return fail(ERR_USAGE, "--top-p %g: above 0, at most 1", o->top_p);
    if ((s->prompt == NULL) == (s->id_list == NULL))
        return fail(ERR_USAGE, "give --prompt TEXT, or --ids LIST");
    return OK;
}

static enum err parse(int argc, char **argv, struct sampling *s)
{
    const struct cli_option options[] = {
        {"prompt", 'p', CLI_TEXT, &s->prompt, "TEXT", "what to go on from"},
        {"ids", 0, CLI_TEXT, &s->id_list, "LIST", "token ids instead of text: 5,17,2"},
        {"tokens", 'n', CLI_U64, &s->n_tokens, "N", "new tokens at most (128)"},
        {"temperature", 0, CLI_F64, &s->pick.temperature, "X", "0 = always the likeliest (0.8)"},
        {"top-k", 0, CLI_U64, &s->pick.top_k, "K", "only the K likeliest (all)"},
        {"top-p", 0, CLI_F64, &s->pick.top_p, "P", "only the likeliest of probability P (1)"},
        {"seed", 0, CLI_U64, &s->pick.seed, "N", "same seed, same text (1)"},
        {"step", 0, CLI_U64, &s->step, "N", "of the checkpoint (the newest)"},
        {"json", 0, CLI_FLAG, &s->json, NULL, "ids, text and why it ended, as JSON"},
        {"logits", 0, CLI_FLAG, &s->logits, NULL, "only the logits after each prompt token, JSON"},
    };
    const struct cli_usage usage = {.synopsis = "weft sample RUN_DIR --prompt TEXT [--tokens N]",
                                    .summary = "write text with a trained model",
                                    .example = "weft sample run --prompt 'Once upon a time'",
                                    .options = options,
                                    .n_options = sizeof options / sizeof options[0]};
    TRY(cli_parse_one(argc, argv, &usage, &s->run_folder));
    return check_options(s);
}

// --- the prompt ---

static enum err parse_ids(const struct sampling *s, uint32_t **ids, size_t *n_ids)
{
    char *list = arena_strdup(s->arena, s->id_list), *save = NULL;
    *ids = ARENA_ARRAY(s->arena, uint32_t, strlen(list));
    *n_ids = 0;
    for (char *one = strtok_r(list, ",", &save); one != NULL; one = strtok_r(NULL, ",", &save)) {
        uint64_t id;
        if (!number_parse_u64(one, &id) || id > UINT32_MAX)
            return fail(ERR_USAGE, "--ids: '%s' is not a token id", one);
        (*ids)[(*n_ids)++] = (uint32_t)id;
    }
    return OK;
}

static enum err take_prompt(struct sampling *s)
{
    uint32_t *ids;
    size_t n = 0;
    if (s->id_list != NULL) {
        TRY(parse_ids(s, &ids, &n));
    } else {
        struct span text = {(const uint8_t *)s->prompt, strlen(s->prompt)};
        TRY(wording_encode(&s->wording, text, s->arena, &ids, &n));
    }
    uint64_t context = s->snapshot.config.model.context;
    if (n == 0) return fail(ERR_USAGE, "the prompt is empty: give at least one token");
    if (n > context)
        return fail(ERR_DATA, "the prompt has %zu tokens, the model's context is %lu", n, context);
    s->ids = ARENA_ARRAY(s->arena, uint32_t, context + 1);
    memcpy(s->ids, ids, n * sizeof *ids);
    s->n_prompt = s->n_ids = n;
    return OK;
}

static void put_logits(const struct decoding *d, uint64_t first, uint64_t n)
{
    for (uint64_t row = 0; row < n; row++) {
        const float *logits = decoding_logits(d, row);
        for (uint64_t i = 0; i < d->config.model.vocabulary; i++)
            printf("%s%.9g", i > 0 ? ", " : first + row > 0 ? ",\n[" : "[", (double)logits[i]);
        printf("]");
    }
}

// Leaves the logits of the prompt's last position in row *last of d.
static enum err read_prompt(const struct sampling *s, struct decoding *d, uint64_t *last)
{
    for (uint64_t first = 0; first < s->n_prompt; first += d->rows) {
        uint64_t n = size_min(d->rows, s->n_prompt - first);
        TRY(decoding_read(d, s->ids + first, n));
        if (s->logits) put_logits(d, first, n);
        *last = n - 1;
    }
    return OK;
}

// --- what follows ---

static enum err emit(const struct sampling *s, uint32_t id)
{
    if (s->json) return OK;
    struct span bytes = wording_bytes(&s->wording, id);
    if (s->wording.tokenizer == NULL && !s->wording.bytes)
        printf(" %u", id);
    else
        fwrite(bytes.data, 1, bytes.n_bytes, stdout);
    return fflush(stdout) == 0 ? OK : fail(ERR_IO, "write standard output");
}

static enum err go_on(struct sampling *s, struct decoding *d, const float *logits)
{
    struct pick pick;
    pick_begin(&pick, &s->pick, d->config.model.vocabulary, s->arena);
    for (uint64_t i = 0; i < s->n_tokens; i++) {
        uint32_t id = pick_token(&pick, logits, s->n_ids);
        s->stopped = "end_of_text";
        if (id == s->wording.end_of_text) return OK;
        s->ids[s->n_ids++] = id;
        TRY(emit(s, id));
        s->stopped = "context";
        if (d->n_positions == d->config.model.context) return OK;
        TRY(decoding_read(d, &id, 1));
        logits = decoding_logits(d, 0);
    }
    s->stopped = "tokens";
    return OK;
}

static enum err take_over(struct sampling *s, const struct decoding *prompt, uint64_t last)
{
    struct decoding d;
    TRY(decoding_open(&d, &s->snapshot.config, 1, s->place.pool, s->place.fabric, s->arena));
    enum err err = decoding_take_over(&d, prompt);
    if (err == OK) err = go_on(s, &d, decoding_logits(prompt, last));
    decoding_close(&d);
    return err;
}

static json_t *ids_json(const uint32_t *ids, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_integer((json_int_t)ids[i]));
    return list;
}

// NULL where there is none, or where it ends inside a character.
static json_t *text_json(const struct sampling *s)
{
    struct text text;
    text_begin(&text, s->arena);
    for (size_t i = s->n_prompt; i < s->n_ids; i++) {
        struct span bytes = wording_bytes(&s->wording, s->ids[i]);
        text_put(&text, (const char *)bytes.data, bytes.n_bytes);
    }
    json_t *value = json_stringn(text.data, text.n_bytes);
    return value == NULL || (s->wording.tokenizer == NULL && !s->wording.bytes) ? json_null()
                                                                                : value;
}

static enum err put_json(const struct sampling *s)
{
    json_t *json =
        json_pack("{s:I s:I s:o s:o s:o s:s}", "step", (json_int_t)s->snapshot.step, "seed",
                  (json_int_t)s->pick.seed, "prompt_ids", ids_json(s->ids, s->n_prompt), "ids",
                  ids_json(s->ids + s->n_prompt, s->n_ids - s->n_prompt), "text", text_json(s),
                  "stopped", s->stopped);
    char *text;
    enum err err = json_text(json, s->arena, &text);
    json_decref(json);
    if (err == OK) fputs(text, stdout);
    return err;
}

static enum err sample_here(struct sampling *s, struct decoding *prompt)
{
    TRY(snapshot_load(&s->snapshot, &prompt->executor, s->arena));
    TRY(decoding_prepare(prompt));
    uint64_t last = 0;
    if (s->logits) {
        printf("{\"step\": %lu, \"ids\": [", s->snapshot.step);
        for (size_t i = 0; i < s->n_prompt; i++)
            printf("%s%u", i > 0 ? ", " : "", s->ids[i]);
        printf("],\n\"logits\": [");
        TRY(read_prompt(s, prompt, &last));
        printf("]}\n");
        return OK;
    }
    TRY(read_prompt(s, prompt, &last));
    for (size_t i = 0; i < s->n_prompt; i++)
        TRY(emit(s, s->ids[i]));
    TRY(take_over(s, prompt, last));
    if (s->json) return put_json(s);
    putchar('\n');
    return OK;
}

static enum err sample(struct sampling *s)
{
    TRY(snapshot_open(s->run_folder, s->step, s->arena, &s->snapshot));
    TRY(wording_open(&s->wording, &s->snapshot.config, s->arena));
    TRY(take_prompt(s));
    TRY(workplace_open(&s->place, &s->snapshot.config, s->arena));
    struct decoding prompt = {0};
    enum err err = decoding_open(&prompt, &s->snapshot.config, size_min(PREFILL_ROWS, s->n_prompt),
                                 s->place.pool, s->place.fabric, s->arena);
    if (err == OK) err = sample_here(s, &prompt);
    decoding_close(&prompt);
    return err;
}

CLI_COMMAND(sample)
{
    struct arena a;
    arena_init(&a, "weft sample");
    struct sampling s = {.arena = &a,
                         .n_tokens = 128,
                         .step = SNAPSHOT_NEWEST,
                         .pick = {.temperature = 0.8, .top_p = 1, .seed = 1}};
    enum err err = parse(argc, argv, &s);
    if (err == OK) err = sample(&s);
    workplace_close(&s.place);
    arena_fini(&a);
    return err;
}
