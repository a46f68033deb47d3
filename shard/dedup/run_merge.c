#include "shard/dedup/run_merge.h"

#include <string.h>

#include "base/grow.h"
#include "base/size.h"

enum err run_list_add(struct run_list *list, uint64_t n_records)
{
    TRY(grow_array(&list->ends, &list->capacity, list->n_runs + 1, sizeof *list->ends));
    const uint64_t first = list->n_runs > 0 ? list->ends[list->n_runs - 1] : 0;
    list->ends[list->n_runs++] = first + n_records;
    return OK;
}

static enum err fill(struct run_merge *m, struct run_cursor *c)
{
    const size_t record_bytes = m->n_words * sizeof *c->block;
    c->at = 0;
    c->n = (size_t)(c->end - c->next < m->block_records ? c->end - c->next : m->block_records);
    if (c->n == 0) return OK;
    TRY(spill_read(m->spill, c->block, c->n * record_bytes, c->next * record_bytes));
    c->next += c->n;
    return OK;
}

static const uint64_t *head(const struct run_merge *m, size_t heap_idx)
{
    const struct run_cursor *c = &m->cursors[m->heap[heap_idx]];
    return c->block + c->at * m->n_words;
}

static bool is_before(const struct run_merge *m, size_t i, size_t j)
{
    const uint64_t *a = head(m, i), *b = head(m, j);
    for (size_t k = 0; k < m->n_words; k++)
        if (a[k] != b[k]) return a[k] < b[k];
    return false;
}

static void sift_down(struct run_merge *m, size_t i)
{
    for (;;) {
        size_t least = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2; child++)
            if (child < m->n_heap && is_before(m, child, least)) least = child;
        if (least == i) return;
        const size_t cursor = m->heap[i];
        m->heap[i] = m->heap[least];
        m->heap[least] = cursor;
        i = least;
    }
}

static enum err allocate(struct run_merge *m, size_t n_runs, size_t memory_bytes)
{
    const size_t record_bytes = m->n_words * sizeof *m->blocks;
    m->block_records = size_max(1, memory_bytes / n_runs / record_bytes);
    size_t blocks = 0, cursors = 0, heap = 0;
    TRY(grow_array(&m->blocks, &blocks, n_runs * m->block_records, record_bytes));
    TRY(grow_array(&m->cursors, &cursors, n_runs, sizeof *m->cursors));
    TRY(grow_array(&m->heap, &heap, n_runs, sizeof *m->heap));
    m->held_bytes = blocks * record_bytes + cursors * sizeof *m->cursors + heap * sizeof *m->heap;
    return OK;
}

enum err run_merge_open(struct run_merge *m, const struct spill *spill, const struct run_list *list,
                        struct range runs, size_t n_words, size_t memory_bytes)
{
    *m = (struct run_merge){.spill = spill, .n_words = n_words};
    const size_t n_runs = (size_t)(runs.last - runs.first);
    if (n_runs == 0) return OK;
    TRY(allocate(m, n_runs, memory_bytes));
    for (size_t i = 0; i < n_runs; i++) {
        const size_t run = (size_t)runs.first + i;
        m->cursors[i] = (struct run_cursor){.next = run > 0 ? list->ends[run - 1] : 0,
                                            .end = list->ends[run],
                                            .block = m->blocks + i * m->block_records * n_words};
        TRY(fill(m, &m->cursors[i]));
        if (m->cursors[i].n > 0) m->heap[m->n_heap++] = i;
    }
    for (size_t i = m->n_heap / 2; i-- > 0;)
        sift_down(m, i);
    return OK;
}

enum err run_merge_next(struct run_merge *m, uint64_t *record, bool *more)
{
    *more = m->n_heap > 0;
    if (!*more) return OK;
    struct run_cursor *c = &m->cursors[m->heap[0]];
    memcpy(record, head(m, 0), m->n_words * sizeof *record);
    if (++c->at == c->n) TRY(fill(m, c));
    if (c->n == 0) m->heap[0] = m->heap[--m->n_heap];
    sift_down(m, 0);
    return OK;
}

void run_merge_close(struct run_merge *m)
{
    grow_free(m->blocks);
    grow_free(m->cursors);
    grow_free(m->heap);
    *m = (struct run_merge){0};
}
