#include "shard/build/cut.h"

#include <stdbool.h>

static bool bin_is_full(const struct cut *c, uint64_t n_tokens, uint64_t image_bytes)
{
    if (c->bin_documents == 0) return false;
    return c->bin_tokens + n_tokens > c->limits.bin_tokens ||
           c->bin_image_bytes + image_bytes > c->limits.bin_image_bytes;
}

enum cut_end cut_add(struct cut *c, uint64_t n_tokens, uint64_t image_bytes)
{
    enum cut_end end = CUT_NONE;
    if (bin_is_full(c, n_tokens, image_bytes)) {
        const bool full = c->shard_tokens >= c->limits.shard_tokens ||
                          c->shard_image_bytes >= c->limits.shard_image_bytes;
        end = full ? CUT_SHARD : CUT_BIN;
        c->bin_documents = c->bin_tokens = c->bin_image_bytes = 0;
        if (full) c->shard_tokens = c->shard_image_bytes = 0;
    }
    c->bin_documents++;
    c->bin_tokens += n_tokens;
    c->bin_image_bytes += image_bytes;
    c->shard_tokens += n_tokens;
    c->shard_image_bytes += image_bytes;
    return end;
}
