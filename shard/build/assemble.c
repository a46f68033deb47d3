#include "shard/build/assemble.h"

#include <string.h>

#include "shard/build/part_file.h"
#include "shard/dataset/dataset_index.h"
#include "shard/format/shard_writer.h"

const char *assemble_shard_name(size_t shard, struct arena *a)
{
    return arena_printf(a, "shard-%05zu.shard", shard);
}

// The plan

struct planner {
    const struct assemble_options *options;
    struct arena *a;
    struct cut cut;
    struct assemble_plan plan;
};

static enum err begin_shard(struct planner *p, size_t file_idx, uint64_t row)
{
    struct assemble_plan *plan = &p->plan;
    if (plan->n_shards == DATASET_INDEX_SHARDS_LIMIT)
        return fail(ERR_DATA, "more than %d shards: write larger ones (--shard-tokens)",
                    DATASET_INDEX_SHARDS_LIMIT);
    plan->shards =
        ARENA_GROW(p->a, struct assemble_shard, plan->shards, plan->n_shards + 1, &plan->capacity);
    plan->shards[plan->n_shards++] = (struct assemble_shard){file_idx, row, 0, 0, 1};
    return OK;
}

static enum err plan_row(struct planner *p, size_t file_idx, uint64_t row, uint32_t n_tokens,
                         uint64_t image_bytes)
{
    const enum cut_end end = cut_add(&p->cut, n_tokens, image_bytes);
    if (end == CUT_SHARD || p->plan.n_shards == 0)
        TRY(begin_shard(p, file_idx, row));
    else if (end == CUT_BIN)
        p->plan.shards[p->plan.n_shards - 1].n_bins++;
    struct assemble_shard *shard = &p->plan.shards[p->plan.n_shards - 1];
    shard->n_documents++;
    shard->n_tokens += n_tokens;
    return OK;
}

static enum err plan_rows(struct planner *p, size_t file_idx, const struct part_reader *r,
                          struct arena *scratch)
{
    for (size_t g = 0; g < part_reader_n_groups(r); g++) {
        struct part_sizes sizes;
        arena_reset(scratch);
        TRY(part_reader_sizes(r, g, scratch, &sizes));
        const uint64_t first = part_reader_first_row(r, g);
        for (size_t i = 0; i < sizes.n_rows; i++)
            TRY(plan_row(p, file_idx, first + i, sizes.n_tokens[i], sizes.image_bytes[i]));
    }
    return OK;
}

static enum err plan_file(struct planner *p, size_t file_idx)
{
    const struct assemble_options *o = p->options;
    struct arena a, scratch;
    struct part_reader *r = NULL;
    arena_init(&a, "part file");
    arena_init(&scratch, "sizes of rows");
    enum err e = part_reader_open(o->files[file_idx], o->n_scores, &a, &r);
    if (e == OK) e = plan_rows(p, file_idx, r, &scratch);
    part_reader_close(r);
    arena_fini(&scratch);
    arena_fini(&a);
    return e;
}

enum err assemble_plan_make(const struct assemble_options *o, struct arena *a,
                            struct assemble_plan *out)
{
    struct planner p = {.options = o, .a = a, .cut = {.limits = o->limits}};
    for (size_t i = 0; i < o->n_files; i++)
        TRY(plan_file(&p, i));
    *out = p.plan;
    return OK;
}

// A shard

struct columns {
    uint32_t tokens, lengths, ids, sources, text_bytes;
    uint32_t bin_documents, bin_tokens, vocabulary, end_of_text, tokenizer_hash;
    uint32_t verdict, language, url, loss_run_counts, loss_runs;
    uint32_t image_counts, image_offsets, image_widths, image_heights, images;
    uint32_t *scores;
};

struct assembler {
    const struct assemble_options *options;
    struct arena arena; // of the shard
    struct shard_writer *writer;
    struct columns columns;
    struct cut cut;
    uint64_t bin_documents, bin_tokens;
    uint64_t n_left; // documents still to come
};

static uint32_t declare(struct assembler *s, const char *name, enum column_type type)
{
    return shard_writer_column(s->writer, name, type, s->options->codec);
}

static void declare_optional(struct assembler *s)
{
    const struct assemble_options *o = s->options;
    struct columns *c = &s->columns;
    if (o->verdicts) c->verdict = declare(s, "verdict", COLUMN_BLOB);
    if (o->languages) c->language = declare(s, "language", COLUMN_BLOB);
    if (o->urls) c->url = declare(s, "url", COLUMN_BLOB);
    if (o->loss_runs) {
        c->loss_run_counts = declare(s, "loss_run_counts", COLUMN_U32);
        c->loss_runs = declare(s, "loss_runs", COLUMN_U32);
    }
    if (o->images) {
        c->image_counts = declare(s, "image_counts", COLUMN_U32);
        c->image_offsets = declare(s, "image_offsets", COLUMN_U32);
        c->image_widths = declare(s, "image_widths", COLUMN_U32);
        c->image_heights = declare(s, "image_heights", COLUMN_U32);
        c->images = shard_writer_column(s->writer, "images", COLUMN_BLOB, FRAME_NONE);
    }
    c->scores = ARENA_ARRAY(&s->arena, uint32_t, o->n_scores);
    for (size_t i = 0; i < o->n_scores; i++)
        c->scores[i] =
            declare(s, arena_printf(&s->arena, "score.%s", o->score_names[i]), COLUMN_F32);
}

static void declare_columns(struct assembler *s)
{
    const uint32_t vocabulary = s->options->vocabulary;
    struct shard_writer *w = s->writer;
    s->columns = (struct columns){
        .tokens = declare(s, "tokens", vocabulary <= 1 << 16 ? COLUMN_U16 : COLUMN_U32),
        .lengths = declare(s, "lengths", COLUMN_U32),
        .ids = declare(s, "ids", COLUMN_BLOB),
        .sources = declare(s, "sources", COLUMN_BLOB),
        .text_bytes = declare(s, "text_bytes", COLUMN_U32),
        .bin_documents = declare(s, "bin_documents", COLUMN_U32),
        .bin_tokens = declare(s, "bin_tokens", COLUMN_U64),
        .vocabulary = shard_writer_column(w, "vocabulary", COLUMN_U32, FRAME_NONE),
        .end_of_text = shard_writer_column(w, "end_of_text", COLUMN_U32, FRAME_NONE),
        .tokenizer_hash = shard_writer_column(w, "tokenizer_hash", COLUMN_U64, FRAME_NONE)};
    declare_optional(s);
}

// Ends the bin; tokens and lengths begin a new frame with it, so that a bin is read without others.
static enum err end_bin(struct assembler *s)
{
    struct shard_writer *w = s->writer;
    TRY(shard_writer_add_u64(w, s->columns.bin_documents, &s->bin_documents, 1));
    TRY(shard_writer_add_u64(w, s->columns.bin_tokens, &s->bin_tokens, 1));
    s->bin_documents = s->bin_tokens = 0;
    TRY(shard_writer_cut(w, s->columns.tokens));
    return shard_writer_cut(w, s->columns.lengths);
}

static enum err add_images(struct assembler *s, const struct part_row *row)
{
    const struct columns *c = &s->columns;
    TRY(shard_writer_add_u32(s->writer, c->image_counts, &row->n_images, 1));
    for (uint32_t i = 0; i < row->n_images; i++) {
        const struct part_image *image = &row->images[i];
        TRY(shard_writer_add_u32(s->writer, c->image_offsets, &image->offset, 1));
        TRY(shard_writer_add_u32(s->writer, c->image_widths, &image->width, 1));
        TRY(shard_writer_add_u32(s->writer, c->image_heights, &image->height, 1));
        TRY(shard_writer_add_blob(s->writer, c->images, image->bytes));
    }
    return OK;
}

static enum err add_optional(struct assembler *s, const struct part_row *row)
{
    static const struct span kept = {(const uint8_t *)"kept", 4};
    const struct assemble_options *o = s->options;
    const struct columns *c = &s->columns;
    struct shard_writer *w = s->writer;
    if (o->verdicts)
        TRY(shard_writer_add_blob(w, c->verdict, row->verdict.n_bytes ? row->verdict : kept));
    if (o->languages) TRY(shard_writer_add_blob(w, c->language, row->language));
    if (o->urls) TRY(shard_writer_add_blob(w, c->url, row->url));
    if (o->loss_runs) {
        TRY(shard_writer_add_u32(w, c->loss_run_counts, &row->n_loss_runs, 1));
        TRY(shard_writer_add_u32(w, c->loss_runs, row->loss_runs, row->n_loss_runs));
    }
    if (o->images) TRY(add_images(s, row));
    for (size_t i = 0; i < o->n_scores; i++)
        TRY(shard_writer_add_f32(w, c->scores[i], &row->scores[i], 1));
    return OK;
}

static enum err add_row(struct assembler *s, const struct part_row *row)
{
    struct shard_writer *w = s->writer;
    const enum cut_end end = cut_add(&s->cut, row->n_tokens, part_row_image_bytes(row));
    if (end == CUT_BIN) TRY(end_bin(s));
    ASSERT(end != CUT_SHARD); // the plan ends the shard before
    TRY(shard_writer_add_u32(w, s->columns.tokens, row->tokens, row->n_tokens));
    TRY(shard_writer_add_u32(w, s->columns.lengths, &row->n_tokens, 1));
    TRY(shard_writer_add_u32(w, s->columns.text_bytes, &row->text_bytes, 1));
    TRY(shard_writer_add_blob(w, s->columns.ids, row->id));
    TRY(shard_writer_add_blob(w, s->columns.sources, row->source));
    TRY(add_optional(s, row));
    s->bin_documents++;
    s->bin_tokens += row->n_tokens;
    s->n_left--;
    return OK;
}

// The shard's rows of one part file, from row first on.
static enum err add_rows(struct assembler *s, const struct part_reader *r, uint64_t first,
                         struct arena *scratch)
{
    const size_t n_groups = part_reader_n_groups(r);
    for (size_t g = 0; g < n_groups && s->n_left; g++) {
        if (g + 1 < n_groups && part_reader_first_row(r, g + 1) <= first) continue;
        const uint64_t group_first = part_reader_first_row(r, g);
        struct part_group group;
        arena_reset(scratch);
        TRY(part_reader_group(r, g, scratch, &group));
        for (size_t i = first > group_first ? first - group_first : 0;
             i < group.n_rows && s->n_left; i++)
            TRY(add_row(s, &group.rows[i]));
    }
    return OK;
}

static enum err add_file(struct assembler *s, const char *path, uint64_t first)
{
    struct arena a, scratch;
    struct part_reader *r = NULL;
    arena_init(&a, "part file");
    arena_init(&scratch, "group of rows");
    enum err e = part_reader_open(path, s->options->n_scores, &a, &r);
    if (e == OK) e = add_rows(s, r, first, &scratch);
    part_reader_close(r);
    arena_fini(&scratch);
    arena_fini(&a);
    return e;
}

static enum err finish(struct assembler *s, size_t shard)
{
    const struct assemble_options *o = s->options;
    const uint64_t hash[2] = {o->tokenizer_hash.lo, o->tokenizer_hash.hi};
    struct layout l;
    TRY(end_bin(s));
    TRY(shard_writer_add_u32(s->writer, s->columns.vocabulary, &o->vocabulary, 1));
    TRY(shard_writer_add_u32(s->writer, s->columns.end_of_text, &o->end_of_text, 1));
    TRY(shard_writer_add_u64(s->writer, s->columns.tokenizer_hash, hash, 2));
    const char *path =
        arena_printf(&s->arena, "%s/%s", o->folder, assemble_shard_name(shard, &s->arena));
    return shard_writer_finish(s->writer, path, &l);
}

static enum err write_shard(struct assembler *s, const struct assemble_shard *from, size_t shard)
{
    declare_columns(s);
    uint64_t first = from->row;
    for (size_t i = from->file_idx; s->n_left; i++, first = 0) {
        if (i == s->options->n_files)
            return fail(ERR_CORRUPT, "%s: part files have shrunk", s->options->folder);
        TRY(add_file(s, s->options->files[i], first));
    }
    return finish(s, shard);
}

enum err assemble_write(const struct assemble_options *o, const struct assemble_plan *plan,
                        size_t shard)
{
    ASSERT(shard < plan->n_shards);
    const struct assemble_shard *from = &plan->shards[shard];
    struct assembler s = {.options = o, .cut = {.limits = o->limits}, .n_left = from->n_documents};
    arena_init(&s.arena, "shard");
    s.writer = shard_writer_open(&s.arena, o->pool);
    const enum err e = write_shard(&s, from, shard);
    shard_writer_close(s.writer);
    arena_fini(&s.arena);
    return e;
}
