#include "datad/mixture.h"

#include <math.h>
#include <stdbool.h>

// A share is in units of 2^-32, so that counts are exact integer arithmetic on every machine.
enum { SHARE_BITS = 32 };

struct segment {
    uint64_t first_position;
    uint64_t *shares; // [n_sources] of what the sources before leave
    uint64_t *before; // [n_sources] rows drawn in earlier segments
};

struct mixture {
    size_t n_sources, n_segments;
    struct segment segments[MIXTURE_SEGMENTS];
};

/// floor(n * share / 2^32 + 1/2) without a product of more than 64 bits.
static uint64_t own_rows(uint64_t n, uint64_t share)
{
    const uint64_t mask = (UINT64_C(1) << SHARE_BITS) - 1;
    const uint64_t half = UINT64_C(1) << (SHARE_BITS - 1);
    return (n >> SHARE_BITS) * share + (((n & mask) * share + half) >> SHARE_BITS);
}

static enum err check_weights(const double *weights, size_t n_sources)
{
    bool any = false;
    for (size_t s = 0; s < n_sources; s++) {
        if (!isfinite(weights[s]) || weights[s] < 0)
            return fail(ERR_CONFIG, "weight of source %zu: %g is not a number >= 0", s, weights[s]);
        any = any || weights[s] > 0;
    }
    return any ? OK : fail(ERR_CONFIG, "all weights of the mixture are 0");
}

static uint64_t share_of(double weight, double rest)
{
    const double one = (double)(UINT64_C(1) << SHARE_BITS);
    if (weight <= 0) return 0;
    if (weight >= rest) return UINT64_C(1) << SHARE_BITS;
    const uint64_t share = (uint64_t)(weight / rest * one + 0.5);
    return share > 0 ? share : 1;
}

static void fill_shares(const double *weights, size_t n_sources, uint64_t *shares)
{
    double rest = 0;
    for (size_t s = n_sources; s-- > 0;) {
        rest += weights[s];
        shares[s] = share_of(weights[s], rest);
    }
}

/// Rows of source among the first n rows of segment g.
static uint64_t segment_count(const struct segment *g, size_t source, uint64_t n)
{
    for (size_t s = 0; s < source; s++)
        n -= own_rows(n, g->shares[s]);
    return own_rows(n, g->shares[source]);
}

static void fill_before(struct mixture *m, size_t idx)
{
    struct segment *g = &m->segments[idx];
    if (idx == 0) return;
    const struct segment *last = &m->segments[idx - 1];
    const uint64_t n = g->first_position - last->first_position;
    for (size_t s = 0; s < m->n_sources; s++)
        g->before[s] = last->before[s] + segment_count(last, s, n);
}

enum err mixture_build(const struct mixture_segment *segments, size_t n_segments, size_t n_sources,
                       struct arena *a, struct mixture **out)
{
    ASSERT(n_segments >= 1 && n_segments <= MIXTURE_SEGMENTS);
    ASSERT(n_sources >= 1 && n_sources <= MIXTURE_SOURCES);
    ASSERT(segments[0].first_position == 0);
    struct mixture *m = ARENA_NEW(a, struct mixture);
    m->n_sources = n_sources;
    m->n_segments = n_segments;
    for (size_t i = 0; i < n_segments; i++) {
        ASSERT(i == 0 || segments[i].first_position > segments[i - 1].first_position);
        TRY(check_weights(segments[i].weights, n_sources));
        struct segment *g = &m->segments[i];
        g->first_position = segments[i].first_position;
        g->shares = ARENA_ARRAY(a, uint64_t, n_sources);
        g->before = ARENA_ARRAY(a, uint64_t, n_sources);
        fill_shares(segments[i].weights, n_sources, g->shares);
        fill_before(m, i);
    }
    *out = m;
    return OK;
}

static const struct segment *segment_of(const struct mixture *m, uint64_t position)
{
    size_t i = m->n_segments - 1;
    while (m->segments[i].first_position > position)
        i--;
    return &m->segments[i];
}

void mixture_find(const struct mixture *m, uint64_t position, size_t *source, uint64_t *index)
{
    const struct segment *g = segment_of(m, position);
    uint64_t n = position - g->first_position;
    for (size_t s = 0; s < m->n_sources; s++) {
        const uint64_t own = own_rows(n, g->shares[s]);
        if (own_rows(n + 1, g->shares[s]) > own) {
            *source = s;
            *index = g->before[s] + own;
            return;
        }
        n -= own;
    }
    err_abort(__FILE__, __LINE__, "a position that no source takes");
}

uint64_t mixture_count(const struct mixture *m, size_t source, uint64_t position)
{
    const struct segment *g = segment_of(m, position);
    return g->before[source] + segment_count(g, source, position - g->first_position);
}
