#include "topology/fabric_core.h"

#include <stdlib.h>

// A fabric of one rank has no peers: core copies self messages and nothing is ever under way.

static enum err post(struct fabric *f, struct fabric_operation *op, const struct fabric_message *m)
{
    (void)f;
    return fail(ERR_INVARIANT, "%s: a message to rank %d from a rank that is alone", op->name,
                m->peer);
}

static void nothing(struct fabric *f)
{
    (void)f;
}

static void finish(struct fabric *f, const struct fabric_operation *op)
{
    (void)f;
    (void)op;
}

static void missing(const struct fabric *f, const struct fabric_operation *op,
                    struct fabric_missing *out)
{
    (void)f;
    (void)op;
    out->n_bytes = 0;
}

static void leave(struct fabric *f, int code)
{
    (void)f;
    _Exit(code);
}

static const struct fabric_driver driver = {.can_block = true,
                                            .post = post,
                                            .poll = nothing,
                                            .finish = finish,
                                            .missing = missing,
                                            .close = nothing,
                                            .exit = leave};

enum err fabric_open_alone(struct arena *a, struct fabric **out)
{
    struct fabric *f = ARENA_NEW(a, struct fabric);
    fabric_core_init(f, (struct fabric_place){&driver, 0, 1}, a);
    TRY(fabric_core_deadline(NULL, &f->deadline_ns));
    *out = f;
    return OK;
}
