#pragma once
// What datad sent, checked before it is used (I6): the array is there, of the plan's type and size,
// and its indices point into the model and the row. Values are checked in our copy: the shared
// memory that they came from belongs to another process.

#include "datad/client.h"
#include "trainer/graph/graph.h"

struct batch_limits {
    uint64_t vocabulary, context, sequence;
};

/// Copies the array named as input t of n_bytes to out. Local. Errors: ERR_DATA (missing, of
/// another type or size).
enum err batch_check_copy(const struct batch *b, const struct tensor *t, size_t n_bytes,
                          void *out) MUST_CHECK;
/// values: n elements of array name, rows of limits->sequence. tokens and targets < vocabulary,
/// positions < context, document_start <= the index in its row, mask within [0, 1]; other names
/// pass. One pass. Local. Errors: ERR_DATA naming element, value and limit.
enum err batch_check_values(const char *name, const void *values, size_t n,
                            const struct batch_limits *limits) MUST_CHECK;
