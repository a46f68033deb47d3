#include "datad/edits.h"

#include <stdlib.h>
#include <string.h>

#include "base/little.h"
#include "base/size.h"

struct skip {
    uint64_t from_row, n_rows;
};

struct document {
    uint64_t document, from_row;
};

struct documents {
    struct document *items; // ascending
    size_t n;
};

enum edit_kind { EDIT_CHANGE, EDIT_SKIP, EDIT_DOCUMENT };

// An edit as history sees it.
struct edit {
    uint64_t from_row;
    struct hash128 hash;    // of its kind and content
    struct hash128 history; // of base and all edits up to this one
};

struct edits {
    uint64_t *change_rows;
    size_t n_changes;
    struct skip *skips;
    size_t n_skips;
    struct documents *documents; // [n_sources]
    struct hash128 base;
    struct edit *edits; // ascending
    size_t n_edits;
};

static void add_edit(struct edits *s, uint64_t from_row, const uint8_t *data, size_t n_bytes)
{
    s->edits[s->n_edits++] =
        (struct edit){.from_row = from_row, .hash = hash_xxh3_128(data, n_bytes)};
}

/// Only sources that weigh something: adding one without weight changes nothing.
static void add_change(struct edits *s, const struct edits_change *c, uint64_t from_row,
                       const struct source *sources, size_t n_sources)
{
    uint8_t data[16 + 24 * MIXTURE_SOURCES];
    uint8_t *at = data + 16;
    little_put_u64(data, EDIT_CHANGE);
    little_put_u64(data + 8, from_row);
    for (size_t i = 0; i < n_sources; i++) {
        if (!(c->weights[i] > 0)) continue;
        const struct hash128 content = source_content(&sources[i]);
        uint64_t bits;
        memcpy(&bits, &c->weights[i], sizeof bits);
        little_put_u64(at, content.lo);
        little_put_u64(at + 8, content.hi);
        little_put_u64(at + 16, bits);
        at += 24;
    }
    add_edit(s, from_row, data, (size_t)(at - data));
    s->change_rows[s->n_changes++] = from_row;
}

static enum err add_changes(struct edits *s, const struct edits_given *e,
                            const struct source *sources, size_t n_sources, uint64_t T)
{
    if (e->n_changes > EDITS_CHANGES)
        return fail(ERR_CONFIG, "the mixture changes %zu times; at most %d are possible",
                    e->n_changes, EDITS_CHANGES);
    for (size_t i = 0; i < e->n_changes; i++) {
        const struct edits_change *c = &e->changes[i];
        if (i > 0 && c->from_tokens <= e->changes[i - 1].from_tokens)
            return fail(ERR_CONFIG,
                        "mixture: change %zu begins at token %llu, not after the one before it", i,
                        (unsigned long long)c->from_tokens);
        add_change(s, c, size_ceil_div(c->from_tokens, T), sources, n_sources);
    }
    return OK;
}

static enum err add_skips(struct edits *s, const struct edits_given *e, uint64_t T)
{
    if (e->n_skips > EDITS_SKIPS)
        return fail(ERR_CONFIG, "%zu ranges are left out; at most %d are possible", e->n_skips,
                    EDITS_SKIPS);
    for (size_t i = 0; i < e->n_skips; i++) {
        const struct edits_skip *k = &e->skips[i];
        if (i > 0 && k->from_tokens < e->skips[i - 1].from_tokens)
            return fail(ERR_CONFIG,
                        "skip: range %zu begins at token %llu, before the one before it", i,
                        (unsigned long long)k->from_tokens);
        const struct skip skip = {size_ceil_div(k->from_tokens, T), size_ceil_div(k->n_tokens, T)};
        uint8_t data[24];
        little_put_u64(data, EDIT_SKIP);
        little_put_u64(data + 8, skip.from_row);
        little_put_u64(data + 16, skip.n_rows);
        add_edit(s, skip.from_row, data, sizeof data);
        s->skips[s->n_skips++] = skip;
    }
    return OK;
}

static int compare_documents(const void *a, const void *b)
{
    const struct document *x = a, *y = b;
    if (x->document != y->document) return x->document < y->document ? -1 : 1;
    return (x->from_row > y->from_row) - (x->from_row < y->from_row);
}

static size_t count_documents(const struct edits_given *e, struct hash128 dataset)
{
    size_t n = 0;
    for (size_t i = 0; i < e->n_documents; i++)
        n += e->documents[i].dataset.lo == dataset.lo && e->documents[i].dataset.hi == dataset.hi;
    return n;
}

/// One document of one source; the same dataset may be several sources, with other filters.
static void add_document(struct edits *s, const struct edits_document *d, uint64_t from_row,
                         const struct source *sources, size_t n_sources)
{
    bool ours = false;
    for (size_t i = 0; i < n_sources; i++) {
        if (sources[i].hash.lo != d->dataset.lo || sources[i].hash.hi != d->dataset.hi) continue;
        struct documents *of = &s->documents[i];
        of->items[of->n++] = (struct document){d->document, from_row};
        ours = true;
    }
    if (!ours) return;
    uint8_t data[40];
    little_put_u64(data, EDIT_DOCUMENT);
    little_put_u64(data + 8, from_row);
    little_put_u64(data + 16, d->dataset.lo);
    little_put_u64(data + 24, d->dataset.hi);
    little_put_u64(data + 32, d->document);
    add_edit(s, from_row, data, sizeof data);
}

static void add_documents(struct edits *s, const struct edits_given *e,
                          const struct source *sources, size_t n_sources, uint64_t T,
                          struct arena *a)
{
    for (size_t i = 0; i < n_sources; i++)
        s->documents[i].items =
            ARENA_ARRAY(a, struct document, count_documents(e, sources[i].hash));
    for (size_t i = 0; i < e->n_documents; i++)
        add_document(s, &e->documents[i], size_ceil_div(e->documents[i].from_tokens, T), sources,
                     n_sources);
    for (size_t i = 0; i < n_sources; i++)
        if (s->documents[i].n > 0)
            qsort(s->documents[i].items, s->documents[i].n, sizeof(struct document),
                  compare_documents);
}

static int compare_edits(const void *a, const void *b)
{
    const struct edit *x = a, *y = b;
    if (x->from_row != y->from_row) return x->from_row < y->from_row ? -1 : 1;
    if (x->hash.hi != y->hash.hi) return x->hash.hi < y->hash.hi ? -1 : 1;
    return (x->hash.lo > y->hash.lo) - (x->hash.lo < y->hash.lo);
}

/// In order, each once.
static void chain_edits(struct edits *s)
{
    if (s->n_edits > 0) qsort(s->edits, s->n_edits, sizeof(struct edit), compare_edits);
    struct hash128 history = s->base;
    size_t n = 0;
    for (size_t i = 0; i < s->n_edits; i++) {
        if (n > 0 && compare_edits(&s->edits[n - 1], &s->edits[i]) == 0) continue;
        s->edits[n] = s->edits[i];
        s->edits[n].history = history = hash_pair(history, s->edits[i].hash);
        n++;
    }
    s->n_edits = n;
}

enum err edits_build(const struct edits_given *edits, const struct source *sources,
                     size_t n_sources, uint64_t T, struct hash128 base, struct arena *a,
                     struct edits **out)
{
    struct edits *s = ARENA_NEW(a, struct edits);
    s->base = base;
    s->change_rows = ARENA_ARRAY(a, uint64_t, edits->n_changes);
    s->skips = ARENA_ARRAY(a, struct skip, edits->n_skips);
    s->documents = ARENA_ARRAY(a, struct documents, n_sources);
    s->edits = ARENA_ARRAY(a, struct edit, edits->n_changes + edits->n_skips + edits->n_documents);
    TRY(add_changes(s, edits, sources, n_sources, T));
    TRY(add_skips(s, edits, T));
    add_documents(s, edits, sources, n_sources, T, a);
    chain_edits(s);
    *out = s;
    return OK;
}

uint64_t edits_shift(const struct edits *s, uint64_t row)
{
    uint64_t shifted = row;
    for (size_t i = 0; i < s->n_skips && s->skips[i].from_row <= row; i++)
        shifted += s->skips[i].n_rows;
    return shifted;
}

struct hash128 edits_history(const struct edits *s, uint64_t n_rows)
{
    size_t low = 0, high = s->n_edits; // edits that begin before n_rows
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (s->edits[middle].from_row < n_rows)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? s->base : s->edits[low - 1].history;
}

uint64_t edits_change_row(const struct edits *s, size_t idx)
{
    ASSERT(idx < s->n_changes);
    return s->change_rows[idx];
}

bool edits_skips_source(const struct edits *s, size_t source)
{
    return s->documents[source].n > 0;
}

bool edits_skips_document(const struct edits *s, size_t source, uint64_t document, uint64_t row)
{
    const struct documents *d = &s->documents[source];
    size_t low = 0, high = d->n; // the first entry of document, the one that begins first
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (d->items[middle].document < document)
            low = middle + 1;
        else
            high = middle;
    }
    return low < d->n && d->items[low].document == document && d->items[low].from_row <= row;
}
