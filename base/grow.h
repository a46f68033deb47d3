#pragma once
// Arrays that grow by doubling, for the few that outlive no arena and are freed by themselves.
//
//     uint32_t *ids = NULL;
//     size_t capacity = 0;
//     TRY(grow_array(&ids, &capacity, n + 1, sizeof *ids));
//     ...
//     grow_free(ids);

#include <stddef.h>

#include "base/err.h"

/// Makes room for at least need elements of elem_bytes in the array at *array (a pointer of any
/// object type; NULL when empty); what it held stays, new room is not initialised. Errors:
/// ERR_MEMORY (the array stays as it was).
enum err grow_array(void *array, size_t *capacity, size_t need, size_t elem_bytes) MUST_CHECK;
/// Frees what grow_array made; NULL is fine. Can't fail.
void grow_free(void *array);
