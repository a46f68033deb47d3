#include "datad/pack.h"

#include "base/err.h"
#include "base/size.h"
#include "base/span.h"

uint64_t pack_rows(uint64_t n_tokens, uint64_t T)
{
    return size_ceil_div(n_tokens, T);
}

/// Documents that end at or before token at: the index of the document that holds token at.
static uint64_t documents_before(const struct pack_bin *bin, uint64_t at)
{
    uint64_t low = 0, high = bin->n_documents;
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (bin->ends[middle] <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint64_t pack_loss_tokens(const struct pack_bin *bin, uint64_t T, uint64_t row)
{
    const uint64_t first = row * T;
    const uint64_t last = size_min(first + T, bin->n_tokens);
    ASSERT(first < last);
    return last - first - (documents_before(bin, last) - documents_before(bin, first));
}

/// Positions [first, last) of the bin, all of one document that ends at end, into the row that
/// starts at token origin.
static void fill_document(const struct pack_bin *bin, struct range piece, uint64_t end,
                          uint64_t origin, const struct pack_row *out)
{
    for (uint64_t at = piece.first; at < piece.last; at++) {
        const uint64_t i = at - origin;
        const int has_target = at + 1 < end;
        out->tokens[i] = (int32_t)bin->tokens[at];
        out->targets[i] = has_target ? (int32_t)bin->tokens[at + 1] : 0;
        out->mask[i] = has_target ? 1.0F : 0.0F;
        out->positions[i] = (int32_t)(at - piece.first);
        out->document_start[i] = (int32_t)(piece.first - origin);
    }
}

static void fill_padding(uint64_t first, uint64_t T, const struct pack_row *out)
{
    for (uint64_t i = first; i < T; i++) {
        out->tokens[i] = 0;
        out->targets[i] = 0;
        out->mask[i] = 0.0F;
        out->positions[i] = 0;
        out->document_start[i] = (int32_t)i;
    }
}

void pack_fill(const struct pack_bin *bin, uint64_t T, uint64_t row, const struct pack_row *out)
{
    const uint64_t origin = row * T;
    const uint64_t last = size_min(origin + T, bin->n_tokens);
    ASSERT(origin < last);
    uint64_t document = documents_before(bin, origin);
    for (uint64_t at = origin; at < last; document++) {
        const uint64_t end = bin->ends[document];
        const struct range piece = {at, size_min(end, last)};
        fill_document(bin, piece, end, origin, out);
        at = piece.last;
    }
    fill_padding(last - origin, T, out);
}
