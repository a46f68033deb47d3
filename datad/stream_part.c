#include "datad/stream_part.h"

#include "base/rng.h"
#include "datad/row_table.h"

static void take_bins(const struct row_table_bin *table, struct stream_part *p)
{
    for (size_t i = 0; i < p->bins.n_bins; i++) {
        const struct row_table_bin *b = &table[p->bins.bins[i]];
        p->rows_of_bin[i] = b->rows;
        p->tokens_of_bin[i] = b->tokens;
        p->n_rows += b->rows;
        p->n_tokens += b->tokens;
        p->n_documents += b->documents;
    }
}

static void open_tables(struct stream_part *p, struct arena *a)
{
    for (size_t i = 0; i < STREAM_PART_TABLES; i++) {
        p->tables[i].epoch = UINT64_MAX;
        p->tables[i].bins = ARENA_ARRAY(a, uint32_t, p->bins.n_bins);
        p->tables[i].first_row = ARENA_ARRAY(a, uint64_t, p->bins.n_bins + 1);
    }
}

static struct row_order_rule order_of(const struct stream_rule *rule,
                                      const struct stream_request *request,
                                      const struct source *source)
{
    const uint64_t seed = request->split == SPLIT_TRAIN ? request->seed : 0;
    const uint64_t key = rng_key(seed, split_name(request->split));
    const struct hash128 content = source_content(source);
    return (struct row_order_rule){.key = rng_u64(key, content.hi, content.lo),
                                   .window_bins = rule->window_bins,
                                   .sequential = rule->sequential};
}

enum err stream_part_build(const struct stream_rule *rule, const struct stream_request *request,
                           const struct source *source, struct arena *a, struct stream_part *out)
{
    struct row_table_bin *table;
    const struct row_table_options o = {
        .source = source, .T = request->T, .rule = rule->packing, .folder = rule->tables};
    TRY(row_table_open(&o, a, &table));
    struct stream_part p = {.source = source, .rule = order_of(rule, request, source)};
    split_build(source, request->split, rule->validation, a, &p.bins);
    p.rows_of_bin = ARENA_ARRAY(a, uint32_t, p.bins.n_bins);
    p.tokens_of_bin = ARENA_ARRAY(a, uint32_t, p.bins.n_bins);
    take_bins(table, &p);
    open_tables(&p, a);
    *out = p;
    return OK;
}

static const struct row_order_table *table_of(struct stream_part *p, uint64_t epoch)
{
    struct row_order_table *t = &p->tables[epoch % STREAM_PART_TABLES];
    if (t->epoch != epoch) row_order_build(t, &p->rule, p->rows_of_bin, p->bins.n_bins, epoch);
    return t;
}

void stream_part_find(struct stream_part *p, uint64_t index, uint32_t *bin, uint64_t *row)
{
    ASSERT(p->n_rows > 0);
    uint32_t i;
    row_order_find(table_of(p, index / p->n_rows), index % p->n_rows, &i, row);
    *bin = p->bins.bins[i];
}

/// Tokens of the places [first, last) of an epoch's order.
static uint64_t tokens_between(const struct stream_part *p, const struct row_order_table *t,
                               size_t first, size_t last)
{
    uint64_t n = 0;
    for (size_t i = first; i < last; i++)
        n += p->tokens_of_bin[t->bins[i]];
    return n;
}

uint64_t stream_part_tokens(struct stream_part *p, uint64_t n)
{
    if (p->n_rows == 0) return 0;
    const uint64_t epoch = n / p->n_rows, index = n % p->n_rows;
    if (index == 0) return epoch * p->n_tokens;
    const struct row_order_table *t = table_of(p, epoch);
    struct row_order_progress w;
    row_order_progress(t, index, &w);
    const uint64_t in_window = tokens_between(p, t, w.first_bin, w.last_bin);
    const uint64_t part = (uint64_t)((double)in_window * (double)w.taken / (double)w.n_rows + 0.5);
    return epoch * p->n_tokens + tokens_between(p, t, 0, w.first_bin) + part;
}
