#include "base/grow.h"

#include <stdlib.h>
#include <string.h>

#include "base/size.h"

enum { FIRST_ELEMS = 16 };

enum err grow_array(void *array, size_t *capacity, size_t need, size_t elem_bytes)
{
    if (need <= *capacity) return OK;
    size_t wanted = size_max(size_max(need, FIRST_ELEMS), *capacity + *capacity / 2);
    size_t n_bytes;
    if (!size_mul(wanted, elem_bytes, &n_bytes))
        return fail(ERR_MEMORY, "an array of %zu elements does not fit", need);
    void *old, *grown;
    memcpy(&old, array, sizeof old);
    grown = realloc(old, n_bytes);
    if (grown == NULL) return fail(ERR_MEMORY, "no memory for %zu bytes", n_bytes);
    memcpy(array, &grown, sizeof grown);
    *capacity = wanted;
    return OK;
}

void grow_free(void *array)
{
    free(array);
}
