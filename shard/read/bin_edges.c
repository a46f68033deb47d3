#include "shard/read/bin_edges.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/grow.h"
#include "base/json_text.h"
#include "base/rng.h"
#include "base/size.h"

enum { FILE_LIMIT_BYTES = 1 << 20, VERSION = 1 };

uint16_t bin_edges_bin(double low, double high, double value)
{
    if (!(value > low)) return 0;
    if (value >= high) return BIN_EDGES_BINS - 1;
    // Halves, for the width may overflow.
    const double bin = (value / 2 - low / 2) / (high / 2 - low / 2) * BIN_EDGES_BINS;
    return (uint16_t)size_min((size_t)bin, BIN_EDGES_BINS - 1);
}

// The file

static json_t *edges_json(const struct bin_edges *edges, uint32_t first, uint32_t n)
{
    json_t *list = json_array();
    for (uint32_t i = first; i < first + n; i++)
        json_array_append_new(list, json_pack("[f, f]", edges->low[i], edges->high[i]));
    return list;
}

enum err bin_edges_write(const struct bin_edges *edges, const char *path)
{
    json_t *root =
        json_pack("{s:s s:i s:i s:o s:o}", "format", "weft bin edges", "version", VERSION, "bins",
                  BIN_EDGES_BINS, "observation", edges_json(edges, 0, edges->n_observation),
                  "action", edges_json(edges, edges->n_observation, edges->n_action));
    struct arena a;
    char *text;
    arena_init(&a, "bin edges");
    enum err e = json_text(root, &a, &text);
    json_decref(root);
    if (e == OK) e = file_replace(path, text, strlen(text));
    arena_fini(&a);
    return e;
}

static enum err take_edges(const json_t *list, const char *name, double *low, double *high)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *pair = json_array_get(list, i);
        const json_t *from = json_array_get(pair, 0), *to = json_array_get(pair, 1);
        low[i] = json_number_value(from);
        high[i] = json_number_value(to);
        if (json_array_size(pair) != 2 || !json_is_number(from) || !json_is_number(to) ||
            !(low[i] <= high[i]))
            return fail(ERR_DATA, "\"%s\" %zu is not a pair of rising numbers", name, i);
    }
    return OK;
}

static enum err take_root(const json_t *root, struct arena *a, struct bin_edges *out)
{
    const char *format = json_string_value(json_object_get(root, "format"));
    const json_t *observation = json_object_get(root, "observation");
    const json_t *action = json_object_get(root, "action");
    if (!format || strcmp(format, "weft bin edges") != 0 ||
        json_integer_value(json_object_get(root, "version")) != VERSION ||
        json_integer_value(json_object_get(root, "bins")) != BIN_EDGES_BINS)
        return fail(ERR_DATA, "not bin edges of version %d with %d bins", VERSION, BIN_EDGES_BINS);
    const size_t n = json_array_size(observation) + json_array_size(action);
    if (!json_is_array(observation) || !json_is_array(action) || n > BIN_EDGES_DIMENSION_LIMIT)
        return fail(ERR_DATA, "no \"observation\" and \"action\" of at most %d dimensions",
                    BIN_EDGES_DIMENSION_LIMIT);
    *out = (struct bin_edges){(uint32_t)json_array_size(observation),
                              (uint32_t)json_array_size(action), ARENA_ARRAY(a, double, n),
                              ARENA_ARRAY(a, double, n)};
    TRY(take_edges(observation, "observation", out->low, out->high));
    return take_edges(action, "action", out->low + out->n_observation,
                      out->high + out->n_observation);
}

enum err bin_edges_read(const char *path, struct arena *a, struct bin_edges *out)
{
    struct span bytes;
    json_error_t error;
    TRY(file_read(path, FILE_LIMIT_BYTES, a, &bytes));
    json_t *root =
        json_loadb((const char *)bytes.data, bytes.n_bytes, JSON_REJECT_DUPLICATES, &error);
    if (!root) return fail(ERR_DATA, "%s: line %d: %s", path, error.line, error.text);
    const enum err e = take_root(root, a, out);
    json_decref(root);
    return e == OK ? OK : fail_at(e, "%s", path);
}

// The pass. The sample is the values whose random numbers, drawn by their position, are smallest: a
// heap with the largest on top.

struct kept {
    uint64_t rank;
    double value;
};

struct dimension {
    struct kept *heap;
    size_t n, capacity;
};

struct bin_edges_pass {
    uint64_t key, n_steps;
    uint32_t n_observation, n_action;
    struct dimension *dimensions;
    size_t capacity;
};

struct bin_edges_pass *bin_edges_pass_open(struct arena *a)
{
    struct bin_edges_pass *pass = ARENA_NEW(a, struct bin_edges_pass);
    pass->key = rng_key(0, "bin edges");
    return pass;
}

void bin_edges_pass_close(struct bin_edges_pass *pass)
{
    if (!pass) return;
    for (size_t i = 0; i < pass->n_observation + pass->n_action && pass->dimensions; i++)
        grow_free(pass->dimensions[i].heap);
    grow_free(pass->dimensions);
}

static void sift_up(struct kept *heap, size_t at)
{
    const struct kept added = heap[at];
    for (; at > 0 && heap[(at - 1) / 2].rank < added.rank; at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = added;
}

static void sift_down(struct kept *heap, size_t n)
{
    const struct kept added = heap[0];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && heap[child + 1].rank > heap[child].rank) child++;
        if (heap[child].rank <= added.rank) break;
        heap[at] = heap[child];
    }
    heap[at] = added;
}

static enum err keep(struct dimension *dimension, struct kept added)
{
    if (dimension->n < BIN_EDGES_SAMPLE) {
        TRY(grow_array(&dimension->heap, &dimension->capacity, dimension->n + 1,
                       sizeof *dimension->heap));
        dimension->heap[dimension->n] = added;
        sift_up(dimension->heap, dimension->n++);
    } else if (added.rank < dimension->heap[0].rank) {
        dimension->heap[0] = added;
        sift_down(dimension->heap, dimension->n);
    }
    return OK;
}

static enum err begin(struct bin_edges_pass *pass, uint32_t n_observation, uint32_t n_action)
{
    const size_t n = (size_t)n_observation + n_action;
    if (n > BIN_EDGES_DIMENSION_LIMIT)
        return fail(ERR_DATA, "a step of %zu dimensions, the limit is %d", n,
                    BIN_EDGES_DIMENSION_LIMIT);
    TRY(grow_array(&pass->dimensions, &pass->capacity, n, sizeof *pass->dimensions));
    memset(pass->dimensions, 0, n * sizeof *pass->dimensions);
    pass->n_observation = n_observation;
    pass->n_action = n_action;
    return OK;
}

enum err bin_edges_pass_add(struct bin_edges_pass *pass, uint32_t n_observation, uint32_t n_action,
                            const double *values)
{
    if (pass->n_steps == 0) TRY(begin(pass, n_observation, n_action));
    if (n_observation != pass->n_observation || n_action != pass->n_action)
        return fail(ERR_DATA, "a step of %u + %u numbers; those before have %u + %u", n_observation,
                    n_action, pass->n_observation, pass->n_action);
    for (uint32_t i = 0; i < n_observation + n_action; i++)
        TRY(keep(&pass->dimensions[i],
                 (struct kept){rng_u64(pass->key, pass->n_steps, i), values[i]}));
    pass->n_steps++;
    return OK;
}

static int compare_values(const void *a, const void *b)
{
    const double x = ((const struct kept *)a)->value, y = ((const struct kept *)b)->value;
    return (x > y) - (x < y);
}

// Of sorted values, linear between the two that it falls between.
static double percentile(const struct kept *sorted, size_t n, double fraction)
{
    const double at = fraction * (double)(n - 1);
    const size_t below = (size_t)at, above = size_min(below + 1, n - 1);
    const double share = at - (double)below;
    return sorted[below].value + share * (sorted[above].value - sorted[below].value);
}

enum err bin_edges_pass_end(struct bin_edges_pass *pass, struct arena *a, struct bin_edges *out)
{
    if (pass->n_steps == 0) return fail(ERR_DATA, "no step of a trajectory in the input");
    const size_t n = (size_t)pass->n_observation + pass->n_action;
    *out = (struct bin_edges){pass->n_observation, pass->n_action, ARENA_ARRAY(a, double, n),
                              ARENA_ARRAY(a, double, n)};
    for (size_t i = 0; i < n; i++) {
        struct dimension *dimension = &pass->dimensions[i];
        qsort(dimension->heap, dimension->n, sizeof *dimension->heap, compare_values);
        out->low[i] = percentile(dimension->heap, dimension->n, 0.01);
        out->high[i] = percentile(dimension->heap, dimension->n, 0.99);
    }
    return OK;
}
