#pragma once
// The one rank on which a checkpoint is looked at: a fabric without peers and threads on the cores
// of this process.

#include "base/arena.h"
#include "base/pool.h"
#include "topology/fabric.h"
#include "trainer/config.h"

struct workplace {
    struct fabric *fabric;
    struct pool *pool;
};

/// train.threads of c, or all cores that this process may use. Lives in a. Local. Errors: ERR_IO.
enum err workplace_open(struct workplace *w, const struct config *c, struct arena *a) MUST_CHECK;
/// Also of one that was not opened (zeroed).
void workplace_close(struct workplace *w);
