#include "trainer/prof/log_window.h"

#include <stdlib.h>

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// Of the field at offset in each record.
static double median(const struct run_record *r, size_t n, size_t offset, struct arena *a)
{
    double *values = ARENA_ARRAY(a, double, n);
    for (size_t i = 0; i < n; i++)
        values[i] = *(const double *)((const char *)&r[i] + offset);
    qsort(values, n, sizeof values[0], ascending);
    return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

#define MEDIAN(field) median(r, n, offsetof(struct run_record, field), a)

static void add_shares(struct log_window *w, const struct run_record *r, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        w->tokens += r[i].tokens;
        w->seconds += r[i].seconds;
        w->data_wait += r[i].data_wait * r[i].seconds;
        w->comm_exposed += r[i].comm_exposed * r[i].seconds;
        w->opt += r[i].opt * r[i].seconds;
        if (!r[i].validated) continue;
        w->validated = true;
        w->val_loss = r[i].val_loss;
    }
    w->data_wait /= w->seconds;
    w->comm_exposed /= w->seconds;
    w->opt /= w->seconds;
    w->compute = 1 - w->data_wait - w->comm_exposed - w->opt;
}

struct log_window log_window_of(const struct run_record *r, size_t n, struct arena *a)
{
    ASSERT(n >= 1);
    struct log_window w = {.first_step = r[0].step,
                           .last_step = r[n - 1].step,
                           .first_loss = r[0].loss,
                           .last_loss = r[n - 1].loss,
                           .step_seconds = MEDIAN(seconds),
                           .mfu = MEDIAN(mfu),
                           .hfu = MEDIAN(hfu),
                           .palm = MEDIAN(palm)};
    add_shares(&w, r, n);
    w.tokens_per_second = w.tokens / (double)n / w.step_seconds;
    return w;
}
