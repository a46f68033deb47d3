#include "base/json_text.h"

#include "base/text.h"

static int piece_put(const char *piece, size_t n_bytes, void *text)
{
    text_put(text, piece, n_bytes);
    return 0;
}

enum err json_text(const json_t *j, struct arena *a, char **out)
{
    struct text text;
    text_begin(&text, a);
    if (j == NULL || json_dump_callback(j, piece_put, &text, JSON_INDENT(2)) != 0)
        return fail(ERR_MEMORY, "no memory for JSON");
    text_put(&text, "\n", 1);
    *out = text.data;
    return OK;
}
