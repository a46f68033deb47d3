#include "shard/dedup/record_buffer.h"

#include "base/grow.h"
#include "base/size.h"

enum { FIRST_RECORDS = 64 };

void record_buffer_begin(struct record_buffer *b, size_t n_words, size_t memory_bytes,
                         struct held *held)
{
    *b = (struct record_buffer){.n_words = n_words, .held = held};
    b->limit = size_max(1, memory_bytes / (n_words * sizeof *b->words));
}

// Halves of the limit, so that doubling ends at the limit itself.
static size_t next_capacity(const struct record_buffer *b)
{
    size_t next = b->limit;
    while (next / 2 > b->capacity && next / 2 >= FIRST_RECORDS)
        next /= 2;
    return next;
}

static enum err more_room(struct record_buffer *b)
{
    const size_t old = b->capacity, record_bytes = b->n_words * sizeof *b->words;
    TRY(grow_array(&b->words, &b->capacity, next_capacity(b), record_bytes));
    held_add(b->held, (b->capacity - old) * record_bytes);
    return OK;
}

enum err record_buffer_add(struct record_buffer *b, uint64_t **record)
{
    *record = NULL;
    if (b->n_records == b->limit) return OK;
    if (b->n_records == b->capacity) TRY(more_room(b));
    *record = b->words + b->n_records++ * b->n_words;
    return OK;
}

void record_buffer_free(struct record_buffer *b)
{
    held_drop(b->held, b->capacity * b->n_words * sizeof *b->words);
    grow_free(b->words);
    record_buffer_begin(b, b->n_words, b->limit * b->n_words * sizeof *b->words, b->held);
}
