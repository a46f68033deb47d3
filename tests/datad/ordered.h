#pragma once
// A stream over three made sources, of any packing, with or without filters, loss runs and edits.

#include "base/arena.h"
#include "datad/stream.h"
#include "tests/check.h"
#include "tests/datad/made.h"

enum { ORDERED_SOURCES = 3, ORDERED_T = 32 };

struct ordered_options {
    enum pack_rule packing;
    bool filter, loss;
    double weights[ORDERED_SOURCES];
    struct edits_given edits;
    const char *tables;
    uint64_t T; // 0 = ORDERED_T
};

struct ordered {
    struct arena arena;
    struct source sources[ORDERED_SOURCES];
    struct stream_rule rule;
    struct bins *bins;
    struct stream *stream;
};

/// Sources and rule; nothing is open yet.
__attribute__((unused)) static void ordered_make(struct ordered *s, uint64_t seed,
                                                 const struct ordered_options *o)
{
    static const char *const names[ORDERED_SOURCES] = {"web", "books", "code"};
    static const uint64_t n_bins[ORDERED_SOURCES] = {17, 5, 9};
    arena_init(&s->arena, "ordered");
    for (size_t i = 0; i < ORDERED_SOURCES; i++) {
        s->sources[i] = made_source(names[i], o->weights[i], seed, n_bins[i], 600, &s->arena);
        if (o->filter) {
            s->sources[i].read_keep = made_keep;
            s->sources[i].filter_hash = (struct hash128){7, 7};
        }
        if (o->loss) s->sources[i].read_loss = made_loss;
    }
    s->rule = (struct stream_rule){.sources = s->sources,
                                   .n_sources = ORDERED_SOURCES,
                                   .validation = 0.1,
                                   .window_bins = 3,
                                   .packing = o->packing,
                                   .tables = o->tables,
                                   .edits = o->edits};
    const struct bins_options bins = {s->sources, ORDERED_SOURCES, 1, 3, 1 << 20};
    CHECK_OK(bins_open(&bins, &s->arena, &s->bins));
}

__attribute__((unused)) static void ordered_begin(struct ordered *s, uint64_t seed,
                                                  const struct ordered_options *o)
{
    const uint64_t T = o->T != 0 ? o->T : ORDERED_T;
    ordered_make(s, seed, o);
    const struct stream_request request = {SPLIT_TRAIN, T, seed};
    CHECK_OK(stream_open(&s->rule, &request, s->bins, &s->arena, &s->stream));
}

__attribute__((unused)) static void ordered_end(struct ordered *s)
{
    stream_close(s->stream);
    bins_close(s->bins);
    arena_fini(&s->arena);
}

struct ordered_row {
    int32_t tokens[ORDERED_T], targets[ORDERED_T], positions[ORDERED_T], document_start[ORDERED_T];
    float mask[ORDERED_T];
    uint64_t loss_tokens;
};

__attribute__((unused)) static void ordered_fill(struct ordered *s, uint64_t position,
                                                 struct ordered_row *out)
{
    const struct pack_row row = {out->tokens, out->targets, out->mask, out->positions,
                                 out->document_start};
    CHECK_OK(
        stream_fill(s->stream, (struct range){position, position + 1}, &row, &out->loss_tokens));
}

__attribute__((unused)) static bool ordered_same(const struct ordered_row *a,
                                                 const struct ordered_row *b)
{
    return memcmp(a->tokens, b->tokens, sizeof a->tokens) == 0 &&
           memcmp(a->targets, b->targets, sizeof a->targets) == 0 &&
           memcmp(a->mask, b->mask, sizeof a->mask) == 0 &&
           memcmp(a->positions, b->positions, sizeof a->positions) == 0 &&
           memcmp(a->document_start, b->document_start, sizeof a->document_start) == 0 &&
           a->loss_tokens == b->loss_tokens;
}
