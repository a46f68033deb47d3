// Each document that is kept exactly once an epoch of its source, token by token, by either
// packing, filtered or not, with loss runs or not; rows hold what stream_documents says; weights
// are shares of tokens.

#include <math.h>

#include "tests/datad/ordered.h"

enum { EPOCHS = 2 };

// What has been seen of a source: per document, tokens and the sum of their places in it.
struct seen {
    uint64_t *tokens, *places;
    uint64_t n_rows, epoch_rows; // seen; in an epoch
    struct split_bins split;
};

static const struct made *made_of(const struct ordered *s, size_t source)
{
    return s->sources[source].context;
}

static uint64_t n_documents_of(const struct made *m)
{
    const struct made_bin *last = &m->bins[m->n_bins - 1];
    return last->first_document + last->n_documents;
}

static void begin_seen(struct ordered *s, struct seen seen[ORDERED_SOURCES])
{
    struct stream_share shares[ORDERED_SOURCES];
    stream_report(s->stream, 1000, shares);
    for (size_t i = 0; i < ORDERED_SOURCES; i++) {
        const uint64_t n = n_documents_of(made_of(s, i));
        seen[i] = (struct seen){.tokens = ARENA_ARRAY(&s->arena, uint64_t, n),
                                .places = ARENA_ARRAY(&s->arena, uint64_t, n)};
        seen[i].epoch_rows = (uint64_t)((double)shares[i].n_rows / shares[i].epochs + 0.5);
        split_build(&s->sources[i], SPLIT_TRAIN, s->rule.validation, &s->arena, &seen[i].split);
    }
}

/// After epoch epochs: every document of the split that is kept is there, and nothing else.
static void check_epoch(const struct ordered *s, const struct seen *seen, size_t source,
                        uint64_t epoch)
{
    const struct made *m = made_of(s, source);
    const bool filter = s->sources[source].read_keep != NULL;
    size_t k = 0;
    for (uint64_t bin = 0; bin < m->n_bins; bin++) {
        const bool in_split = k < seen->split.n_bins && seen->split.bins[k] == bin;
        k += in_split;
        for (uint64_t d = 0; d < m->bins[bin].n_documents; d++) {
            const uint64_t document = m->bins[bin].first_document + d;
            const bool kept = in_split && (!filter || made_keeps(document));
            const uint64_t n = kept ? m->bins[bin].lengths[d] : 0;
            CHECK_EQ(seen->tokens[document], epoch * n);
            CHECK_EQ(2 * seen->places[document], n == 0 ? 0 : epoch * n * (n - 1));
        }
    }
}

/// The tokens at the piece's place in the row are the document's.
static void check_piece(const struct ordered *s, const struct stream_document *d,
                        const struct ordered_row *row)
{
    const struct made *m = made_of(s, d->source);
    const struct made_bin *bin = m->bins;
    while (d->document >= bin->first_document + bin->n_documents)
        bin++;
    uint64_t first = 0;
    for (uint64_t i = 0; i < d->document - bin->first_document; i++)
        first += bin->lengths[i];
    for (uint64_t i = 0; i < d->n_tokens; i++) {
        CHECK_EQ(row->tokens[d->at + i], bin->tokens[first + d->offset + i]);
        CHECK_EQ(row->document_start[d->at + i], d->at);
        CHECK_EQ(row->positions[d->at + i], i);
    }
}

static void take_row(struct ordered *s, uint64_t position, struct seen seen[ORDERED_SOURCES])
{
    struct arena a;
    struct stream_document *documents;
    struct ordered_row row;
    size_t n;
    uint64_t sum = 0, counted = 0, end = 0;
    arena_init(&a, "row");
    CHECK_OK(stream_documents(s->stream, position, &a, &documents, &n));
    ordered_fill(s, position, &row);
    CHECK(n > 0);
    struct seen *of = &seen[documents[0].source];
    for (size_t i = 0; i < n; i++) {
        const struct stream_document *d = &documents[i];
        CHECK(!d->skipped);
        CHECK_EQ(d->at, end);
        end += d->n_tokens;
        check_piece(s, d, &row);
        of->tokens[d->document] += d->n_tokens;
        of->places[d->document] += d->n_tokens * d->offset + d->n_tokens * (d->n_tokens - 1) / 2;
    }
    for (uint64_t i = 0; i < ORDERED_T; i++)
        counted += row.mask[i] > 0;
    CHECK_EQ(row.loss_tokens, counted);
    CHECK_OK(stream_loss_tokens(s->stream, (struct range){position, position + 1}, &sum));
    CHECK_EQ(sum, counted);
    if (++of->n_rows % of->epoch_rows == 0)
        check_epoch(s, of, documents[0].source, of->n_rows / of->epoch_rows);
    arena_fini(&a);
}

static void check_shares(struct ordered *s, uint64_t position, const struct ordered_options *o,
                         const struct seen seen[ORDERED_SOURCES])
{
    struct stream_share shares[ORDERED_SOURCES];
    double sum = 0, all = 0;
    stream_report(s->stream, position, shares);
    for (size_t i = 0; i < ORDERED_SOURCES; i++) {
        sum += o->weights[i];
        all += (double)shares[i].n_tokens;
    }
    for (size_t i = 0; i < ORDERED_SOURCES; i++) {
        uint64_t n_tokens = 0;
        for (uint64_t d = 0; d < n_documents_of(made_of(s, i)); d++)
            n_tokens += seen[i].tokens[d];
        CHECK_EQ(shares[i].n_rows, seen[i].n_rows);
        CHECK(fabs((double)shares[i].n_tokens - (double)n_tokens) <= 3 * ORDERED_T);
        CHECK(fabs((double)n_tokens / all - o->weights[i] / sum) < 0.01);
    }
}

static void check_setting(uint64_t seed, const struct ordered_options *o)
{
    struct ordered s;
    struct seen seen[ORDERED_SOURCES];
    uint64_t position = 0;
    ordered_begin(&s, seed, o);
    begin_seen(&s, seen);
    for (bool more = true; more; position++) {
        take_row(&s, position, seen);
        more = false;
        for (size_t i = 0; i < ORDERED_SOURCES; i++)
            more = more || seen[i].n_rows < EPOCHS * seen[i].epoch_rows;
    }
    check_shares(&s, position, o, seen);
    ordered_end(&s);
}

int main(int argc, char **argv)
{
    const uint64_t seed = check_seed(argc, argv);
    for (int packing = PACK_CONCAT; packing <= PACK_BEST_FIT; packing++)
        for (int i = 0; i < 4; i++)
            check_setting(seed, &(struct ordered_options){.packing = (enum pack_rule)packing,
                                                          .filter = i % 2,
                                                          .loss = i / 2,
                                                          .weights = {3, 1, 1.5}});
    return 0;
}
