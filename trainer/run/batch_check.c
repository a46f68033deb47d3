#include "trainer/run/batch_check.h"

#include <string.h>

enum err batch_check_copy(const struct batch *b, const struct tensor *t, size_t n_bytes, void *out)
{
    const struct batch_array *array = batch_array(b, t->name);
    if (array == NULL) return fail(ERR_DATA, "it has no array %s", t->name);
    enum batch_dtype wanted = t->type == DTYPE_I32 ? BATCH_I32 : BATCH_F32;
    if (array->dtype != wanted) return fail(ERR_DATA, "array %s is of another type", t->name);
    if (array->count != n_bytes / 4)
        return fail(ERR_DATA, "array %s has %zu elements, the plan %zu", t->name, array->count,
                    n_bytes / 4);
    memcpy(out, array->data, n_bytes);
    return OK;
}

// Index of the first value that is not in [0, limit), or n. Negative values are large as unsigned
// ones.
static size_t first_beyond(const int32_t *values, size_t n, uint64_t limit)
{
    bool all_inside = true; // without a branch, so that the pass is a vector loop
    for (size_t i = 0; i < n; i++)
        all_inside &= (uint32_t)values[i] < limit;
    size_t i = all_inside ? n : 0;
    while (i < n && (uint32_t)values[i] < limit)
        i++;
    return i;
}

static enum err check_below(const char *name, const int32_t *values, size_t n, uint64_t limit)
{
    size_t i = first_beyond(values, n, limit);
    if (i == n) return OK;
    return fail(ERR_DATA, "%s[%zu] is %d: not in 0 to %lu", name, i, values[i], limit - 1);
}

// Attention sees [document_start, own index].
static enum err check_starts(const int32_t *values, size_t n, uint64_t sequence)
{
    for (size_t i = 0; i < n; i++)
        if ((uint32_t)values[i] > i % sequence)
            return fail(ERR_DATA, "document_start[%zu] is %d: not in 0 to %lu", i, values[i],
                        i % sequence);
    return OK;
}

static enum err check_mask(const float *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!(values[i] >= 0 && values[i] <= 1))
            return fail(ERR_DATA, "mask[%zu] is %g: not in 0 to 1", i, (double)values[i]);
    return OK;
}

enum err batch_check_values(const char *name, const void *values, size_t n,
                            const struct batch_limits *limits)
{
    if (strcmp(name, "tokens") == 0 || strcmp(name, "targets") == 0)
        return check_below(name, values, n, limits->vocabulary);
    if (strcmp(name, "positions") == 0) return check_below(name, values, n, limits->context);
    if (strcmp(name, "document_start") == 0) return check_starts(values, n, limits->sequence);
    if (strcmp(name, "mask") == 0) return check_mask(values, n);
    return OK;
}
