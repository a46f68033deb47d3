#include "trainer/graph/op.h"

static const struct op_row *const rows[OP_N] = {
#define X(name, row) [OP_##name] = &op_row_##row,
    OP_TABLE(X)
#undef X
};

const struct op_row *op_row(int op)
{
    ASSERT(op >= 0 && op < OP_N);
    return rows[op];
}
