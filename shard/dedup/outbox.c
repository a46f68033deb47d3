#include "shard/dedup/outbox.h"

#include <string.h>

#include "base/grow.h"
#include "base/size.h"
#include "shard/dedup/record_sort.h"

enum err outbox_open(struct outbox *o, const struct outbox_options *options)
{
    *o = (struct outbox){.folder = options->folder,
                         .name = options->name,
                         .n_words = options->n_words,
                         .n_ranks = options->n_ranks,
                         .held = options->held};
    record_buffer_begin(&o->buffer, o->n_words + 1, options->memory_bytes, o->held);
    spill_begin(&o->spill);
    const size_t n = (size_t)o->n_ranks;
    size_t n_for = 0, cursors = 0;
    TRY(grow_array(&o->n_for, &n_for, n, sizeof *o->n_for));
    TRY(grow_array(&o->cursors, &cursors, n, sizeof *o->cursors));
    memset(o->n_for, 0, n * sizeof *o->n_for);
    memset(o->cursors, 0, n * sizeof *o->cursors);
    return OK;
}

// Orders the buffer by rank, takes the ranks out of it and notes where each rank's records begin.
static enum err close_part(struct outbox *o)
{
    struct record_buffer *b = &o->buffer;
    const size_t n = (size_t)o->n_ranks, old = o->starts_capacity;
    TRY(grow_array(&o->starts, &o->starts_capacity, (o->n_parts + 1) * n, sizeof *o->starts));
    held_add(o->held, (o->starts_capacity - old) * sizeof *o->starts);
    record_sort(b->words, b->n_records, b->n_words, 1);
    uint64_t *starts = o->starts + o->n_parts++ * n;
    size_t rank = 0;
    for (size_t i = 0; i < b->n_records; i++) {
        const uint64_t *record = b->words + i * b->n_words;
        while (rank <= record[0])
            starts[rank++] = o->n_spilled + i;
        memmove(b->words + i * o->n_words, record + 1, o->n_words * sizeof *record);
    }
    while (rank < n)
        starts[rank++] = o->n_spilled + b->n_records;
    return OK;
}

static enum err spill_buffer(struct outbox *o)
{
    if (o->spill.write_fd < 0) TRY(spill_open(&o->spill, o->folder, o->name));
    TRY(close_part(o));
    const size_t n_bytes = o->buffer.n_records * o->n_words * sizeof *o->buffer.words;
    TRY(spill_append(&o->spill, o->buffer.words, n_bytes));
    o->spilled_bytes += n_bytes;
    o->n_spilled += o->buffer.n_records;
    o->buffer.n_records = 0;
    return OK;
}

enum err outbox_add(struct outbox *o, int rank, const uint64_t *record)
{
    uint64_t *room;
    TRY(record_buffer_add(&o->buffer, &room));
    if (room == NULL) {
        TRY(spill_buffer(o));
        TRY(record_buffer_add(&o->buffer, &room));
    }
    room[0] = (uint64_t)rank;
    memcpy(room + 1, record, o->n_words * sizeof *record);
    o->n_for[rank]++;
    return OK;
}

// What is in the buffer stays there: it is the last part.
enum err outbox_seal(struct outbox *o)
{
    return o->buffer.n_records > 0 ? close_part(o) : OK;
}

uint64_t outbox_count(const struct outbox *o, int rank)
{
    return o->n_for[rank];
}

// End of a rank's records in a part: where the next rank's, or the next part's, begin.
static uint64_t end_of(const struct outbox *o, size_t part, int rank)
{
    const size_t next = part * (size_t)o->n_ranks + (size_t)rank + 1;
    if (next < o->n_parts * (size_t)o->n_ranks) return o->starts[next];
    return o->n_spilled + o->buffer.n_records;
}

static enum err read_records(const struct outbox *o, uint64_t first, size_t n, uint64_t *out)
{
    const size_t record_bytes = o->n_words * sizeof *out;
    if (first < o->n_spilled)
        return spill_read(&o->spill, out, n * record_bytes, first * record_bytes);
    memcpy(out, o->buffer.words + (first - o->n_spilled) * o->n_words, n * record_bytes);
    return OK;
}

enum err outbox_take(struct outbox *o, int rank, size_t n_records, uint64_t *records)
{
    struct outbox_cursor *c = &o->cursors[rank];
    while (n_records > 0) {
        ASSERT(c->part < o->n_parts);
        const uint64_t first = o->starts[c->part * (size_t)o->n_ranks + (size_t)rank] + c->done;
        const size_t n = size_min(n_records, (size_t)(end_of(o, c->part, rank) - first));
        if (n == 0) {
            *c = (struct outbox_cursor){.part = c->part + 1};
            continue;
        }
        TRY(read_records(o, first, n, records));
        c->done += n;
        records += n * o->n_words;
        n_records -= n;
    }
    return OK;
}

void outbox_close(struct outbox *o)
{
    record_buffer_free(&o->buffer);
    held_drop(o->held, o->starts_capacity * sizeof *o->starts);
    spill_close(&o->spill);
    grow_free(o->starts);
    grow_free(o->n_for);
    grow_free(o->cursors);
    o->starts = o->n_for = NULL;
    o->cursors = NULL;
    o->starts_capacity = 0;
}
