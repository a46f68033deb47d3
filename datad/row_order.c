#include "datad/row_order.h"

#include "base/err.h"
#include "base/rng.h"
#include "base/size.h"

// Counters under the source's key: window w of an epoch takes (epoch, w), the bins of an epoch
// (epoch, BINS_COUNTER).
#define BINS_COUNTER UINT64_MAX

void row_order_build(struct row_order_table *table, const struct row_order_rule *rule,
                     const uint32_t *rows_of_bin, size_t n_bins, uint64_t epoch)
{
    ASSERT(n_bins >= 1 && n_bins <= UINT32_MAX && rule->window_bins >= 1);
    const uint64_t key = rng_u64(rule->key, epoch, BINS_COUNTER);
    table->rule = rule;
    table->epoch = epoch;
    table->n_bins = n_bins;
    table->first_row[0] = 0;
    for (size_t i = 0; i < n_bins; i++) {
        const uint64_t bin = rule->sequential ? i : rng_permute(key, n_bins, i);
        table->bins[i] = (uint32_t)bin;
        table->first_row[i + 1] = table->first_row[i] + rows_of_bin[bin];
    }
}

/// The i with first_row[i] <= index < first_row[i + 1].
static size_t bin_at(const struct row_order_table *table, uint64_t index)
{
    size_t low = 0, high = table->n_bins;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (table->first_row[middle] <= index)
            low = middle;
        else
            high = middle;
    }
    return low;
}

void row_order_progress(const struct row_order_table *table, uint64_t index,
                        struct row_order_progress *out)
{
    const size_t width =
        table->rule->sequential ? 1 : size_min(table->rule->window_bins, table->n_bins);
    *out = (struct row_order_progress){.first_bin = table->n_bins, .last_bin = table->n_bins};
    if (index >= table->first_row[table->n_bins]) return;
    out->first_bin = bin_at(table, index) / width * width;
    out->last_bin = size_min(out->first_bin + width, table->n_bins);
    out->taken = index - table->first_row[out->first_bin];
    out->n_rows = table->first_row[out->last_bin] - table->first_row[out->first_bin];
}

/// index after the rows of its window are permuted.
static uint64_t shuffle_in_window(const struct row_order_table *table, uint64_t index)
{
    const size_t width = size_min(table->rule->window_bins, table->n_bins);
    const size_t window = bin_at(table, index) / width;
    const uint64_t first = table->first_row[window * width];
    const uint64_t last = table->first_row[size_min((window + 1) * width, table->n_bins)];
    const uint64_t key = rng_u64(table->rule->key, table->epoch, window);
    return first + rng_permute(key, last - first, index - first);
}

void row_order_find(const struct row_order_table *table, uint64_t index, uint32_t *bin,
                    uint64_t *row)
{
    ASSERT(index < table->first_row[table->n_bins]);
    if (!table->rule->sequential) index = shuffle_in_window(table, index);
    const size_t i = bin_at(table, index);
    *bin = table->bins[i];
    *row = index - table->first_row[i];
}
