#pragma once
// A scratch folder that rank 0 makes and all ranks know.

#include <stdio.h>

#include "tests/check.h"
#include "tests/shard/format/corpus.h"
#include "topology/fabric.h"

/// Its path, in a. Collective.
static const char *shared_folder(struct fabric *f, const char *name, struct arena *a)
{
    char mine[300] = "", *all = arena_alloc(a, sizeof mine * (size_t)fabric_size(f), 1);
    if (fabric_rank(f) == 0) snprintf(mine, sizeof mine, "%s", corpus_folder(a, name));
    CHECK_OK(fabric_all_gather(f, mine, sizeof mine, all));
    return arena_strdup(a, all);
}
