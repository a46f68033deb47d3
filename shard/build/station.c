// A batch is read by the caller's thread, worked on by the pool, and appended in order as one group
// of rows; so memory is a batch and the compressed part file, whatever the input.

#include "shard/build/station.h"

#include <string.h>

#include "base/file.h"

enum {
    BATCH_ROWS = 256,
    BATCH_BYTES = 8 << 20,
    KEPT_IDS = 1 << 20 // a document of more tokens gives its memory back
};

struct slot {
    struct reader_record record;
    uint64_t row_idx; // of the part, when it comes from part files
    const struct passes_answers *answers;
    struct judged judged;
    void *found;                    // by the visit
    struct tokenizer_tokens tokens; // kept over batches
    enum err e;
    const char *error_line;
};

struct worker {
    struct arena texts; // documents of this batch
    struct judge_scratch *judge;
    struct encode_scratch encode;
};

struct run {
    const struct station_options *options;
    struct arena arena, batch;
    struct worker *workers;
    struct slot *slots;
    size_t n_slots;
    struct station_progress progress;
    // Of the open part.
    struct arena part_arena, rows_arena; // rows_arena: of the open part file
    size_t part;
    struct part_done done;
    struct reader *reader;        // of inputs
    struct passes_cursor *cursor; // NULL: no passes
    struct part_reader *rows;     // of part files
    size_t group, from_file;      // the next ones
    uint64_t n_rows_before;       // of the part, before the open part file
    struct part_done from;        // what the station before says of the part
    struct part_writer *writer;   // NULL between files
    uint64_t writer_bytes;
};

const char *station_file(const char *folder, const char *station, size_t part, size_t file,
                         struct arena *a)
{
    return arena_printf(a, "%s/%s-%06zu-%04zu.part", folder, station, part, file);
}

static const char *done_path(const char *folder, const char *station, size_t part, struct arena *a)
{
    return arena_printf(a, "%s/%s-%06zu.done", folder, station, part);
}

enum err station_done(const char *folder, const char *station, size_t part, struct arena *a,
                      struct part_done *out)
{
    return part_done_read(done_path(folder, station, part, a), a, out);
}

static const char *stop_path(const char *folder, struct arena *a)
{
    return arena_printf(a, "%s/stop", folder);
}

void station_stop(const char *folder)
{
    struct arena a;
    arena_init(&a, "stop");
    const enum err e = file_replace(stop_path(folder, &a), "", 0);
    (void)e; // they stop later then
    arena_fini(&a);
}

enum err station_unstop(const char *folder)
{
    struct arena a;
    arena_init(&a, "stop");
    const enum err e = file_remove_tree(stop_path(folder, &a));
    arena_fini(&a);
    return e;
}

static bool stopped(struct run *r)
{
    return r->options->n_ranks > 1 && file_exists(stop_path(r->options->folder, &r->part_arena));
}

// A document

static uint64_t row_bytes(const struct part_row *row)
{
    uint64_t n_bytes = 0;
    for (uint32_t i = 0; i < row->n_pieces; i++)
        n_bytes += row->pieces[i].bytes.n_bytes;
    return n_bytes;
}

static enum err encode(const struct run *r, struct slot *slot, struct worker *worker)
{
    struct part_row *row = &slot->judged.row;
    const uint64_t n_bytes = row_bytes(row);
    const bool kept = row->verdict.n_bytes == 0;
    if (kept) funnel_trail_enter(&slot->judged.trail, n_bytes);
    TRY(encode_row(r->options->encoder, &worker->encode, row, &slot->tokens, &worker->texts));
    if (kept) funnel_trail_leave(&slot->judged.trail, n_bytes, false);
    return OK;
}

static enum err work_on(struct run *r, struct slot *slot, struct worker *worker)
{
    const struct station_options *o = r->options;
    struct judged *judged = &slot->judged;
    if (!o->from) TRY(judge_record(o->judge, worker->judge, &slot->record, &worker->texts, judged));
    if (!judged->has_row) return OK;
    if (r->cursor)
        TRY(passes_apply(o->passes, slot->answers, &judged->row, &judged->trail, &worker->texts));
    if (o->visit) {
        slot->found = o->visit->look(o->visit->context, &judged->row, &worker->texts);
        return OK;
    }
    judged->has_row = judged->row.verdict.n_bytes == 0 || o->keep_dropped;
    return judged->has_row && o->encoder ? encode(r, slot, worker) : OK;
}

static void task(void *context, size_t task_idx, size_t thread_idx)
{
    struct run *r = context;
    struct slot *slot = &r->slots[task_idx];
    struct worker *worker = &r->workers[thread_idx];
    slot->e = work_on(r, slot, worker);
    if (slot->e != OK) slot->error_line = arena_strdup(&worker->texts, err_line());
}

// Batches

static enum err read_records(struct run *r, bool *more)
{
    size_t n_bytes = 0;
    while (r->n_slots < BATCH_ROWS && n_bytes < BATCH_BYTES) {
        struct slot *slot = &r->slots[r->n_slots];
        TRY(reader_next(r->reader, &r->batch, &slot->record, more));
        if (!*more) return OK;
        n_bytes += slot->record.raw.n_bytes;
        r->n_slots++;
    }
    return OK;
}

static enum err open_next_rows(struct run *r)
{
    const struct station_options *o = r->options;
    part_reader_close(r->rows);
    r->rows = NULL;
    r->group = 0;
    arena_reset(&r->rows_arena);
    const char *path = station_file(o->folder, o->from, r->part, r->from_file++, &r->rows_arena);
    return part_reader_open(path, o->n_scores, &r->rows_arena, &r->rows);
}

static enum err read_rows(struct run *r, bool *more)
{
    while (!r->rows || r->group == part_reader_n_groups(r->rows)) {
        if (r->rows) r->n_rows_before += part_reader_n_rows(r->rows);
        *more = r->from_file < r->from.counts.files;
        if (!*more) return OK;
        TRY(open_next_rows(r));
    }
    const uint64_t first = r->n_rows_before + part_reader_first_row(r->rows, r->group);
    struct part_group group;
    TRY(part_reader_group(r->rows, r->group++, &r->batch, &group));
    if (group.n_rows > BATCH_ROWS)
        return fail(ERR_CORRUPT, "part %zu: a group of %zu rows", r->part, group.n_rows);
    for (; r->n_slots < group.n_rows; r->n_slots++) {
        struct slot *slot = &r->slots[r->n_slots];
        slot->judged = (struct judged){.row = group.rows[r->n_slots], .has_row = true};
        slot->row_idx = first + r->n_slots;
        if (r->cursor) TRY(passes_cursor_take(r->cursor, slot->row_idx, &r->batch, &slot->answers));
    }
    return OK;
}

// Rows out

static void count_row(struct run *r, const struct part_row *row)
{
    struct part_counts *c = &r->done.counts;
    c->rows++;
    c->dropped += row->verdict.n_bytes > 0;
    c->text_bytes += row->text_bytes;
    c->tokens += row->n_tokens;
    c->with_url += row->url.n_bytes > 0;
    c->with_language += row->language.n_bytes > 0;
    c->with_losses += row->n_loss_runs > 0;
    c->images += row->n_images;
    r->progress.n_rows++;
    r->progress.text_bytes += row->text_bytes;
}

static enum err finish_file(struct run *r)
{
    const struct station_options *o = r->options;
    if (!r->writer) return OK;
    TRY(part_writer_finish(r->writer, station_file(o->folder, o->name, r->part,
                                                   r->done.counts.files, &r->part_arena)));
    part_writer_close(r->writer);
    r->writer = NULL;
    r->writer_bytes = 0;
    r->done.counts.files++;
    return OK;
}

static enum err add_row(struct run *r, const struct part_row *row)
{
    const struct station_options *o = r->options;
    const bool narrow = o->encoder && o->encoder->vocabulary <= 1 << 16;
    if (!r->writer)
        r->writer = part_writer_open(
            &(struct part_writer_options){o->n_scores, narrow ? COLUMN_U16 : COLUMN_U32},
            &r->part_arena, o->pool);
    count_row(r, row);
    r->writer_bytes += row->text_bytes + part_row_image_bytes(row) + 4 * (uint64_t)row->n_tokens;
    r->writer_bytes += row_bytes(row);
    return part_writer_add(r->writer, row);
}

static void count_slot(struct run *r, const struct slot *slot)
{
    const struct judged *judged = &slot->judged;
    struct funnel *funnel = &r->done.funnel;
    funnel_count(funnel, 0, &judged->trail);
    r->done.counts.empty += judged->empty;
    for (size_t i = 0; i < funnel->n_line_rules && !r->options->from; i++)
        funnel->line_rules[i].lines_dropped += judged->lines_dropped[i];
}

static enum err add_slot(struct run *r, struct slot *slot)
{
    const bool lost = slot->e == ERR_DATA && r->options->skip_bad;
    if (slot->e != OK && !lost) return fail(slot->e, "%s", slot->error_line);
    if (r->options->visit) {
        r->progress.n_rows++;
        r->progress.text_bytes += slot->judged.row.text_bytes;
        return r->options->visit->take(r->options->visit->context, r->part, slot->row_idx,
                                       slot->found);
    }
    count_slot(r, slot);
    if (lost) {
        r->done.counts.bad++;
        r->done.counts.bad_bytes += slot->record.raw.n_bytes;
        const struct reader_options *reader = r->options->reader;
        if (reader->lost) reader->lost(reader->context, slot->error_line);
        return OK;
    }
    if (!slot->judged.has_row) return OK;
    TRY(add_row(r, &slot->judged.row));
    if (slot->tokens.capacity > KEPT_IDS) {
        tokenizer_tokens_free(&slot->tokens);
        slot->tokens = (struct tokenizer_tokens){0};
    }
    return OK;
}

static enum err run_batch(struct run *r, bool *more)
{
    const struct station_options *o = r->options;
    r->n_slots = 0;
    TRY(o->from ? read_rows(r, more) : read_records(r, more));
    pool_run(o->pool, r->n_slots, task, r);
    for (size_t i = 0; i < r->n_slots; i++)
        TRY(add_slot(r, &r->slots[i]));
    if (r->writer) TRY(part_writer_end_group(r->writer));
    if (r->writer_bytes >= o->file_bytes) TRY(finish_file(r));
    arena_reset(&r->batch);
    for (size_t i = 0; i < pool_n_threads(o->pool); i++)
        arena_reset(&r->workers[i].texts);
    if (o->progress) o->progress(o->context, &r->progress);
    return OK;
}

// Parts

static struct hash128 fingerprint(const struct station_options *o, size_t part)
{
    const struct hash128 both[2] = {o->salt, o->parts->parts[part].fingerprint};
    return hash_xxh3_128(both, sizeof both);
}

static void add_loss(struct run *r)
{
    const struct reader_loss loss = reader_loss(r->reader);
    r->done.counts.bad += loss.n_documents;
    r->done.counts.bad_bytes += loss.n_bytes;
    r->done.counts.other += loss.n_other;
    r->done.funnel.rows[0].documents_in += loss.n_documents;
    r->done.funnel.rows[0].bytes_in += loss.n_bytes;
}

static enum err run_part(struct run *r)
{
    const struct station_options *o = r->options;
    const struct part *part = &o->parts->parts[r->part];
    const struct inputs inputs = {.files = &o->inputs->files[part->first_file],
                                  .n_files = part->n_files};
    if (o->from)
        TRY(station_done(o->folder, o->from, r->part, &r->part_arena, &r->from));
    else
        r->reader = reader_open(&inputs, o->reader, &r->part_arena);
    if (o->passes) TRY(passes_cursor_open(o->passes, r->part, &r->part_arena, &r->cursor));
    if (o->visit && o->visit->begin) TRY(o->visit->begin(o->visit->context, r->part));
    for (bool more = true; more;) {
        if (stopped(r)) return OK;
        TRY(run_batch(r, &more));
    }
    if (o->visit) return o->visit->end ? o->visit->end(o->visit->context, r->part) : OK;
    if (!o->from) add_loss(r);
    TRY(finish_file(r));
    r->done.fingerprint = fingerprint(o, r->part);
    return part_done_write(&r->done, done_path(o->folder, o->name, r->part, &r->part_arena));
}

static void end_part(struct run *r)
{
    if (r->reader) reader_close(r->reader);
    part_reader_close(r->rows);
    passes_cursor_close(r->cursor);
    part_writer_close(r->writer);
    r->reader = NULL;
    r->rows = NULL;
    r->cursor = NULL;
    r->writer = NULL;
    arena_fini(&r->rows_arena);
    arena_fini(&r->part_arena);
}

static void begin_part(struct run *r, size_t part)
{
    arena_init(&r->part_arena, "part");
    arena_init(&r->rows_arena, "part file");
    r->part = part;
    r->done = (struct part_done){.funnel = r->options->stages};
    r->group = r->from_file = 0;
    r->n_rows_before = r->writer_bytes = 0;
}

// Whether an earlier build finished the part.
static bool finished(struct run *r)
{
    const struct station_options *o = r->options;
    struct part_done done;
    if (o->visit) return false;
    if (!file_exists(done_path(o->folder, o->name, r->part, &r->part_arena))) return false;
    if (station_done(o->folder, o->name, r->part, &r->part_arena, &done) != OK) return false;
    const struct hash128 wanted = fingerprint(o, r->part);
    if (done.fingerprint.lo != wanted.lo || done.fingerprint.hi != wanted.hi) return false;
    if (done.counts.bad && !o->skip_bad) return false;
    r->progress.n_rows += done.counts.rows;
    r->progress.text_bytes += done.counts.text_bytes;
    return true;
}

static enum err run_parts(struct run *r)
{
    const struct station_options *o = r->options;
    for (size_t part = 0; part < o->parts->n_parts; part++) {
        if (o->parts->parts[part].rank != o->rank) continue;
        begin_part(r, part);
        const bool stop = stopped(r);
        const enum err e = stop || finished(r) ? OK : run_part(r);
        end_part(r);
        TRY(e);
        if (stop) return OK;
        r->progress.n_parts_done++;
    }
    return OK;
}

static enum err open_workers(struct run *r)
{
    const struct station_options *o = r->options;
    const size_t n = pool_n_threads(o->pool);
    r->workers = ARENA_ARRAY(&r->arena, struct worker, n);
    r->slots = ARENA_ARRAY(&r->arena, struct slot, BATCH_ROWS);
    for (size_t i = 0; i < n; i++) {
        arena_init(&r->workers[i].texts, "worker's texts");
        if (!o->from) r->workers[i].judge = judge_scratch_open(&r->arena);
    }
    for (size_t i = 0; i < n && o->encoder && o->encoder->tokenizer; i++)
        TRY(tokenizer_scratch_open(&r->workers[i].encode.tokenizer));
    return OK;
}

static void close_workers(struct run *r)
{
    for (size_t i = 0; i < pool_n_threads(r->options->pool); i++) {
        struct worker *w = &r->workers[i];
        judge_scratch_close(w->judge);
        if (w->encode.tokenizer) tokenizer_scratch_close(w->encode.tokenizer);
        arena_fini(&w->texts);
    }
    for (size_t i = 0; i < BATCH_ROWS; i++)
        tokenizer_tokens_free(&r->slots[i].tokens);
}

enum err station_run(const struct station_options *o)
{
    struct run r = {.options = o, .progress = {.station = o->name}};
    r.progress.n_parts = part_list_n_of(o->parts, o->rank);
    arena_init(&r.arena, "station");
    arena_init(&r.batch, "batch of documents");
    enum err e = open_workers(&r);
    if (e == OK) e = run_parts(&r);
    close_workers(&r);
    arena_fini(&r.batch);
    arena_fini(&r.arena);
    return e;
}
