#include "shard/build/passes.h"

#include <string.h>

#include "base/file.h"
#include "shard/build/answers.h"
#include "shard/build/station.h"
#include "shard/dedup/decontaminate.h"
#include "shard/dedup/decontaminate_report.h"
#include "shard/dedup/duplicates.h"
#include "shard/dedup/exact.h"
#include "shard/dedup/minhash.h"
#include "shard/dedup/repeats.h"
#include "shard/dedup/simplify.h"
#include "shard/dedup/word_grams.h"
#include "shard/filter/words.h"

enum pass_kind { PASS_EXACT, PASS_MINHASH, PASS_DECONTAMINATE };

struct pass {
    const char *name; // also the verdict of a document that it drops
    enum pass_kind kind;
    struct exact_rule rule;
    const struct minhash *minhash;
    const struct decontaminate_index *index;
    const struct words *splitter; // of minhash and decontamination
    // While it runs: the one of its kind.
    struct repeats *repeats;
    struct duplicates *duplicates;
    struct decontaminate_report *report;
    struct answers_writer *writer; // of decontamination, which needs nobody else's rows
    const char *prefix;            // of the paths of its answers
    struct arena *arena;
};

struct passes {
    struct passes_options options;
    struct pass passes[PASSES_LIMIT];
    size_t n_passes;
    size_t n_ready; // answers of these are on disk
    uint64_t seq;
};

// Opening

static enum err open_minhash(struct passes *p, struct arena *a, struct pass *pass)
{
    const char *preset = p->options.minhash ? p->options.minhash : "fineweb";
    struct minhash_params params;
    TRY(minhash_preset(preset, &params));
    return minhash_open(&params, a, &pass->minhash);
}

static enum err open_pass(struct passes *p, const char *name, struct arena *a)
{
    if (p->n_passes == PASSES_LIMIT)
        return fail(ERR_USAGE, "--dedup: more than %d passes", PASSES_LIMIT);
    struct pass *pass = &p->passes[p->n_passes++];
    *pass = (struct pass){.name = arena_printf(a, "dedup_%s", name), .kind = PASS_EXACT};
    if (strcmp(name, "minhash") != 0) {
        const enum err e = exact_rule(name, &pass->rule);
        return e == OK ? OK : fail_at(e, "--dedup (or minhash)");
    }
    pass->kind = PASS_MINHASH;
    pass->splitter = words_build(filter_characters_build(a), a);
    return open_minhash(p, a, pass);
}

static enum err open_decontamination(struct passes *p, struct arena *a)
{
    const struct passes_options *o = &p->options;
    if (p->n_passes == PASSES_LIMIT)
        return fail(ERR_USAGE, "--dedup: more than %d passes", PASSES_LIMIT - 1);
    struct pass *pass = &p->passes[p->n_passes++];
    *pass = (struct pass){.name = "decontaminate", .kind = PASS_DECONTAMINATE};
    pass->splitter = words_build(filter_characters_build(a), a);
    return decontaminate_open(&(struct decontaminate_options){.paths = o->evaluation,
                                                              .n_paths = o->n_evaluation,
                                                              .n_gram_words = o->n_gram_words,
                                                              .splitter = pass->splitter,
                                                              .memory_bytes = o->memory_bytes},
                              a, &pass->index);
}

static bool has_minhash(const struct passes *p)
{
    for (size_t i = 0; i < p->n_passes; i++)
        if (p->passes[i].kind == PASS_MINHASH) return true;
    return false;
}

enum err passes_open(const struct passes_options *o, struct arena *a, struct passes **out)
{
    struct passes *p = ARENA_NEW(a, struct passes);
    p->options = *o;
    p->seq = 1;
    for (const char *at = o->list ? o->list : ""; *at;) {
        const size_t n = strcspn(at, ",");
        TRY(open_pass(p, arena_strndup(a, at, n), a));
        at += n + (at[n] == ',');
    }
    if (o->minhash && !has_minhash(p)) return fail(ERR_USAGE, "--minhash is for --dedup minhash");
    if (o->n_evaluation) TRY(open_decontamination(p, a));
    for (size_t i = 0; i < p->n_passes; i++)
        p->passes[i].prefix = arena_printf(a, "%s/pass%zu", o->work, i);
    *out = p->n_passes ? p : NULL;
    return OK;
}

void passes_stages(const struct passes *p, struct funnel *f)
{
    for (size_t i = 0; i < p->n_passes; i++)
        funnel_add_row(f, p->passes[i].name);
}

// Running: what a row brings

struct found {
    const struct exact_item *items;
    uint64_t *keys; // of minhash
    size_t n;
    bool is_hit; // of decontamination
    struct decontaminate_hit hit;
    struct span id; // of a hit
};

static bool applies(const struct part_row *row)
{
    return row->verdict.n_bytes == 0 && row->n_pieces == 1 && row->pieces[0].kind == DOCUMENT_TEXT;
}

static void sign(const struct pass *pass, struct span text, struct arena *a, struct found *found)
{
    const struct minhash_params params = minhash_params(pass->minhash);
    uint64_t *signature = ARENA_ARRAY(a, uint64_t, params.n_bands * params.n_rows);
    const struct span simple = simplify_text(text, a);
    size_t n_words;
    const struct span *words = word_grams_split(pass->splitter, simple, a, &n_words);
    if (!minhash_sign(pass->minhash, simple, words, n_words, a, signature)) return;
    found->n = params.n_bands;
    found->keys = ARENA_ARRAY(a, uint64_t, found->n);
    minhash_keys(pass->minhash, signature, found->keys);
}

static void search(const struct pass *pass, struct span text, struct arena *a, struct found *found)
{
    size_t n_words;
    const struct span simple = simplify_text(text, a);
    const struct span *words = word_grams_split(pass->splitter, simple, a, &n_words);
    found->is_hit = decontaminate_judge(pass->index, words, n_words, a, &found->hit);
}

static void *look(void *context, const struct part_row *row, struct arena *a)
{
    const struct pass *pass = context;
    struct found *found = ARENA_NEW(a, struct found);
    if (!applies(row)) return found;
    const struct span text = row->pieces[0].bytes;
    switch (pass->kind) {
    case PASS_EXACT:
        found->items = exact_items(pass->rule, text, a, &found->n);
        break;
    case PASS_MINHASH:
        sign(pass, text, a, found);
        break;
    case PASS_DECONTAMINATE:
        search(pass, text, a, found);
        found->id.n_bytes = found->is_hit ? row->id.n_bytes : 0;
        found->id.data =
            (const uint8_t *)arena_strndup(a, (const char *)row->id.data, found->id.n_bytes);
        break;
    }
    return found;
}

static enum err take_hit(const struct pass *pass, uint64_t document, const struct found *found)
{
    if (!found->is_hit) return OK;
    TRY(decontaminate_report_add(pass->report, document, found->id, &found->hit));
    return answers_add(pass->writer, (struct answer){(uint32_t)document, 0});
}

static enum err take(void *context, size_t part, uint64_t row_idx, const void *what)
{
    const struct pass *pass = context;
    const struct found *found = what;
    const uint64_t document = (uint64_t)part << 32 | row_idx;
    if (pass->kind == PASS_DECONTAMINATE) return take_hit(pass, document, found);
    if (found->keys) return duplicates_add(pass->duplicates, document, found->keys, found->n);
    for (size_t i = 0; found->items && i < found->n; i++) {
        if (found->items[i].counts)
            TRY(repeats_add(pass->repeats, document, (uint32_t)i, found->items[i].key));
    }
    return OK;
}

static const char *answers_path(const char *prefix, size_t part, struct arena *a)
{
    return arena_printf(a, "%s-%06zu.answers", prefix, part);
}

static enum err begin_part(void *context, size_t part)
{
    const struct pass *pass = context;
    return answers_begin(pass->writer, answers_path(pass->prefix, part, pass->arena), pass->arena);
}

static enum err end_part(void *context, size_t part)
{
    const struct pass *pass = context;
    (void)part;
    return answers_finish(pass->writer);
}

// Running: what came out

static enum err next_answer(struct pass *pass, uint64_t *document, uint32_t *item, bool *more)
{
    *item = 0;
    if (pass->kind == PASS_MINHASH) {
        struct duplicate duplicate = {0};
        TRY(duplicates_next(pass->duplicates, &duplicate, more));
        *document = duplicate.document;
        return OK;
    }
    struct repeat repeat = {0};
    TRY(repeats_next(pass->repeats, &repeat, more));
    *document = repeat.document;
    *item = repeat.item;
    return OK;
}

struct answering {
    struct pass *pass;
    uint64_t document; // of the answer that waits
    uint32_t item;
    bool more;
};

static enum err write_part(struct answering *x, size_t part)
{
    while (x->more && x->document >> 32 == part) {
        TRY(answers_add(x->pass->writer, (struct answer){(uint32_t)x->document, x->item}));
        TRY(next_answer(x->pass, &x->document, &x->item, &x->more));
    }
    return answers_finish(x->pass->writer);
}

static enum err write_answers(struct pass *pass, const struct station_options *rows)
{
    struct answering x = {.pass = pass};
    if (pass->kind == PASS_DECONTAMINATE) return OK; // they are there
    TRY(next_answer(pass, &x.document, &x.item, &x.more));
    for (size_t part = 0; part < rows->parts->n_parts; part++) {
        if (rows->parts->parts[part].rank != rows->rank) continue;
        TRY(begin_part(pass, part));
        TRY(write_part(&x, part));
    }
    if (x.more) return fail(ERR_INVARIANT, "%s: an answer to another rank's row", pass->name);
    return OK;
}

static enum err open_tables(struct passes *p, struct pass *pass, const char *folder)
{
    const struct duplicates_options o = {.fabric = p->options.fabric,
                                         .seq = &p->seq,
                                         .folder = folder,
                                         .memory_bytes = p->options.memory_bytes};
    TRY(file_make_folders(folder));
    switch (pass->kind) {
    case PASS_EXACT:
        return repeats_open(&o, &pass->repeats);
    case PASS_MINHASH:
        return duplicates_open(&o, &pass->duplicates);
    case PASS_DECONTAMINATE:
        return decontaminate_report_open(&o, pass->index, &pass->report);
    }
    return OK;
}

static enum err resolve(struct passes *p, struct pass *pass, enum err mine)
{
    switch (pass->kind) {
    case PASS_EXACT:
        return repeats_resolve(pass->repeats, mine);
    case PASS_MINHASH:
        return duplicates_resolve(pass->duplicates, mine);
    case PASS_DECONTAMINATE:
        return decontaminate_report_write(pass->report, mine, p->options.report);
    }
    return OK;
}

static void close_tables(struct pass *pass)
{
    repeats_close(pass->repeats);
    duplicates_close(pass->duplicates);
    decontaminate_report_close(pass->report);
    answers_abandon(pass->writer);
    pass->repeats = NULL;
    pass->duplicates = NULL;
    pass->report = NULL;
    pass->writer = NULL;
}

static enum err run_pass(struct passes *p, size_t idx, const struct station_options *rows,
                         struct arena *a)
{
    struct pass *pass = &p->passes[idx];
    const bool local = pass->kind == PASS_DECONTAMINATE;
    const struct station_visit visit = {look, take, local ? begin_part : NULL,
                                        local ? end_part : NULL, pass};
    const char *folder = arena_printf(a, "%s/spill-%d", p->options.work, rows->rank);
    struct station_options station = *rows;
    station.name = pass->name;
    station.visit = &visit;
    pass->arena = a;
    pass->writer = ARENA_NEW(a, struct answers_writer);
    pass->writer->fd = -1;
    enum err e = fabric_agree(p->options.fabric, open_tables(p, pass, folder));
    if (e == OK) {
        e = station_run(&station);
        if (e != OK) station_stop(p->options.work);
        e = resolve(p, pass, e);
    }
    if (e == OK) e = fabric_agree(p->options.fabric, write_answers(pass, rows));
    close_tables(pass);
    return e;
}

enum err passes_run(struct passes *p, const struct station_options *rows)
{
    struct arena a;
    arena_init(&a, "passes");
    enum err e = OK;
    for (size_t i = 0; i < p->n_passes && e == OK; i++) {
        e = run_pass(p, i, rows, &a);
        p->n_ready = i + 1;
    }
    arena_fini(&a);
    return e;
}

// Applying

struct passes_answers {
    uint32_t *items[PASSES_LIMIT];
    size_t n_items[PASSES_LIMIT];
};

struct passes_cursor {
    size_t n_readers;
    struct answers_reader readers[PASSES_LIMIT];
};

enum err passes_cursor_open(const struct passes *p, size_t part, struct arena *a,
                            struct passes_cursor **out)
{
    struct passes_cursor *c = ARENA_NEW(a, struct passes_cursor);
    for (size_t i = 0; i < p->n_ready; i++) {
        const enum err e = answers_open(&c->readers[i], answers_path(p->passes[i].prefix, part, a));
        c->n_readers += c->readers[i].fd >= 0;
        if (e == OK) continue;
        passes_cursor_close(c);
        return e;
    }
    *out = c;
    return OK;
}

void passes_cursor_close(struct passes_cursor *c)
{
    for (size_t i = 0; c && i < c->n_readers; i++)
        answers_close(&c->readers[i]);
}

enum err passes_cursor_take(struct passes_cursor *c, uint64_t row_idx, struct arena *a,
                            const struct passes_answers **out)
{
    struct passes_answers *answers = ARENA_NEW(a, struct passes_answers);
    for (size_t i = 0; i < c->n_readers; i++)
        TRY(answers_take(&c->readers[i], (uint32_t)row_idx, a, &answers->items[i],
                         &answers->n_items[i]));
    *out = answers;
    return OK;
}

// The text without the lines or paragraphs that repeat others.
static enum err shorten(const struct pass *pass, const uint32_t *answers, size_t n_answers,
                        struct part_row *row, struct arena *a)
{
    size_t n;
    const struct span text = row->pieces[0].bytes;
    const struct exact_item *items = exact_items(pass->rule, text, a, &n);
    bool *dropped = ARENA_ARRAY(a, bool, n);
    for (size_t i = 0; i < n_answers; i++) {
        if (answers[i] >= n) return fail(ERR_CORRUPT, "%s: an answer outside its text", pass->name);
        dropped[answers[i]] = true;
    }
    struct document_piece *piece = ARENA_NEW(a, struct document_piece);
    *piece = row->pieces[0];
    piece->bytes = exact_remove(text, items, n, dropped, a);
    row->pieces = piece;
    row->text_bytes = (uint32_t)piece->bytes.n_bytes;
    return OK;
}

static uint64_t row_bytes(const struct part_row *row)
{
    uint64_t n_bytes = 0;
    for (uint32_t i = 0; i < row->n_pieces; i++)
        n_bytes += row->pieces[i].bytes.n_bytes;
    return n_bytes;
}

static enum err apply(const struct pass *pass, const uint32_t *items, size_t n_items,
                      struct part_row *row, struct arena *a)
{
    const bool whole = pass->kind != PASS_EXACT || pass->rule.unit == EXACT_DOCUMENT;
    if (n_items == 0 || !applies(row)) return OK;
    if (!whole) TRY(shorten(pass, items, n_items, row, a));
    if (whole || row_bytes(row) == 0)
        row->verdict = (struct span){(const uint8_t *)pass->name, strlen(pass->name)};
    return OK;
}

enum err passes_apply(const struct passes *p, const struct passes_answers *answers,
                      struct part_row *row, struct funnel_trail *trail, struct arena *a)
{
    for (size_t i = 0; i < p->n_ready && row->verdict.n_bytes == 0; i++) {
        funnel_trail_enter(trail, row_bytes(row));
        TRY(apply(&p->passes[i], answers->items[i], answers->n_items[i], row, a));
        if (row->verdict.n_bytes == 0)
            funnel_trail_leave(trail, row_bytes(row), answers->n_items[i] > 0);
    }
    return OK;
}
