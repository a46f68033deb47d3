// Runs are merged FAN_IN at a time at most, where FAN_IN is chosen such that a run's block is worth
// a read of the disk; with memory M and runs of M bytes one pass carries M * M / BLOCK_BYTES bytes
// (256 MiB: 1 TiB), so more than one pass is for small bounds.

#include "shard/dedup/inbox.h"

#include <string.h>

#include "base/grow.h"
#include "base/size.h"
#include "shard/dedup/record_sort.h"

enum { BLOCK_BYTES = 64 << 10, FAN_IN_LEAST = 4 };

void inbox_begin(struct inbox *i, const struct inbox_options *o)
{
    *i = (struct inbox){.folder = o->folder,
                        .name = o->name,
                        .n_words = o->n_words,
                        .memory_bytes = o->memory_bytes,
                        .held = o->held};
    record_buffer_begin(&i->buffer, o->n_words, o->memory_bytes, o->held);
    spill_begin(&i->spill);
}

static enum err append(struct inbox *i, struct spill *spill, const uint64_t *records,
                       size_t n_records)
{
    const size_t n_bytes = n_records * i->n_words * sizeof *records;
    TRY(spill_append(spill, records, n_bytes));
    i->spilled_bytes += n_bytes;
    return OK;
}

static void sort_buffer(struct inbox *i)
{
    record_sort(i->buffer.words, i->buffer.n_records, i->n_words, i->n_words);
}

static enum err spill_buffer(struct inbox *i)
{
    if (i->spill.write_fd < 0) TRY(spill_open(&i->spill, i->folder, i->name));
    sort_buffer(i);
    TRY(append(i, &i->spill, i->buffer.words, i->buffer.n_records));
    TRY(run_list_add(&i->runs, i->buffer.n_records));
    i->buffer.n_records = 0;
    return OK;
}

enum err inbox_add(struct inbox *i, const uint64_t *records, size_t n_records)
{
    for (size_t k = 0; k < n_records; k++) {
        uint64_t *record;
        TRY(record_buffer_add(&i->buffer, &record));
        if (record == NULL) {
            TRY(spill_buffer(i));
            TRY(record_buffer_add(&i->buffer, &record));
        }
        memcpy(record, records + k * i->n_words, i->n_words * sizeof *record);
    }
    i->n_records += n_records;
    return OK;
}

static size_t fan_in(const struct inbox *i)
{
    return size_max(FAN_IN_LEAST, i->memory_bytes / BLOCK_BYTES);
}

static enum err open_merge(struct inbox *i, struct range runs, size_t memory_bytes)
{
    const enum err e =
        run_merge_open(&i->merge, &i->spill, &i->runs, runs, i->n_words, memory_bytes);
    held_add(i->held, i->merge.held_bytes);
    return e;
}

static void close_merge(struct inbox *i)
{
    held_drop(i->held, i->merge.held_bytes);
    run_merge_close(&i->merge);
}

// Merges some runs into one at the end of spill; the buffer holds what is to be written.
static enum err merge_runs(struct inbox *i, struct range runs, struct spill *spill,
                           struct run_list *list)
{
    struct record_buffer *out = &i->buffer;
    uint64_t n_records = 0;
    bool more = true;
    enum err e = open_merge(i, runs, i->memory_bytes / 2);
    while (e == OK && more) {
        uint64_t *record = NULL;
        e = record_buffer_add(out, &record);
        if (e == OK && record == NULL) {
            e = append(i, spill, out->words, out->n_records);
            out->n_records = 0;
            continue;
        }
        if (e == OK) e = run_merge_next(&i->merge, record, &more);
        if (e == OK && more) n_records++;
    }
    if (e == OK) e = append(i, spill, out->words, out->n_records - 1); // the last was not filled
    out->n_records = 0;
    close_merge(i);
    return e == OK ? run_list_add(list, n_records) : e;
}

static enum err merge_pass(struct inbox *i)
{
    struct spill merged;
    struct run_list list = {0};
    TRY(spill_open(&merged, i->folder, i->name));
    enum err e = OK;
    for (size_t first = 0; first < i->runs.n_runs && e == OK; first += fan_in(i)) {
        const struct range runs = {first, size_min(first + fan_in(i), i->runs.n_runs)};
        e = merge_runs(i, runs, &merged, &list);
    }
    spill_close(&i->spill);
    grow_free(i->runs.ends);
    i->spill = merged;
    i->runs = list;
    return e;
}

enum err inbox_seal(struct inbox *i)
{
    if (i->spill.write_fd < 0) {
        sort_buffer(i);
        return OK;
    }
    if (i->buffer.n_records > 0) TRY(spill_buffer(i));
    record_buffer_free(&i->buffer);
    record_buffer_begin(&i->buffer, i->n_words, i->memory_bytes / 2, i->held);
    while (i->runs.n_runs > fan_in(i))
        TRY(merge_pass(i));
    record_buffer_free(&i->buffer);
    return open_merge(i, (struct range){0, i->runs.n_runs}, i->memory_bytes);
}

enum err inbox_next(struct inbox *i, uint64_t *record, bool *more)
{
    if (i->spill.write_fd >= 0) return run_merge_next(&i->merge, record, more);
    *more = i->n_read < i->buffer.n_records;
    if (!*more) return OK;
    memcpy(record, i->buffer.words + i->n_read++ * i->n_words, i->n_words * sizeof *record);
    return OK;
}

void inbox_close(struct inbox *i)
{
    close_merge(i);
    record_buffer_free(&i->buffer);
    spill_close(&i->spill);
    grow_free(i->runs.ends);
    i->runs = (struct run_list){0};
}
