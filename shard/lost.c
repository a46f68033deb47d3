#include "shard/lost.h"

#include "base/log.h"

void lost_add(void *context, const char *line)
{
    struct lost *lost = context;
    const uint64_t limit = lost->limit ? lost->limit : LOST_LINES;
    if (lost->n < limit) log_line("left out: %s", line);
    if (lost->n++ == limit) log_line("more is left out, without a line");
}
