#include "datad/tally.h"

#include "base/size.h"

#define FIRST_BOUND_NS UINT64_C(1000000)
#define SAMPLE_NS UINT64_C(1000000000)

uint64_t tally_bound_ns(size_t i)
{
    ASSERT(i < TALLY_BOUNDS);
    return FIRST_BOUND_NS << (2 * i);
}

void tally_request(struct tally *t)
{
    atomic_fetch_add(&t->requests, 1);
}

void tally_batch(struct tally *t, enum err e, uint64_t n_tokens, uint64_t loss_tokens, uint64_t ns)
{
    size_t i = 0;
    while (i < TALLY_BOUNDS && ns > tally_bound_ns(i))
        i++;
    atomic_fetch_add(&t->within[i], 1);
    atomic_fetch_add(&t->making_ns, ns);
    if (e != OK) {
        atomic_fetch_add(&t->errors, 1);
    } else {
        atomic_fetch_add(&t->tokens, n_tokens);
        atomic_fetch_add(&t->loss_tokens, loss_tokens);
    }
    atomic_fetch_add(&t->batches, 1);
}

void tally_lost_images(struct tally *t, uint64_t n)
{
    atomic_fetch_add(&t->lost_images, n);
}

void rate_note(struct rate *r, uint64_t at_ns, uint64_t tokens)
{
    const size_t last = (r->n_samples - 1) % TALLY_SAMPLES;
    if (r->n_samples > 0 && at_ns - r->samples[last].at_ns < SAMPLE_NS) return;
    const size_t i = r->n_samples++ % TALLY_SAMPLES;
    r->samples[i].at_ns = at_ns;
    r->samples[i].tokens = tokens;
}

double rate_of(const struct rate *r, uint64_t at_ns, uint64_t tokens)
{
    if (r->n_samples == 0) return 0;
    const size_t oldest = r->n_samples <= TALLY_SAMPLES ? 0 : r->n_samples % TALLY_SAMPLES;
    const uint64_t ns = at_ns - r->samples[oldest].at_ns;
    return ns == 0 ? 0 : (double)(tokens - r->samples[oldest].tokens) * 1e9 / (double)ns;
}
