#pragma once
// Any bytes as an evaluation file: lines of JSON (first byte even) or paragraphs.

#include "base/arena.h"
#include "shard/dedup/decontaminate_text.h"

static size_t n_items, n_seen_bytes;

static enum err take_item(void *context, struct decontaminate_item item)
{
    (void)context;
    ASSERT(item.line > 0);
    n_items++;
    return OK;
}

static enum err take_string(void *context, struct span text)
{
    (void)context;
    ASSERT(n_items > 0);
    for (size_t i = 0; i < text.n_bytes; i++)
        n_seen_bytes += text.data[i];
    return OK;
}

static enum err take_answer(void *context, struct span question, struct span answer)
{
    (void)take_string(context, question);
    return take_string(context, answer);
}

static void devour_evaluation(const uint8_t *data, size_t n_bytes)
{
    const struct decontaminate_visitor v = {NULL, take_item, take_string, take_answer};
    if (n_bytes == 0) return;
    n_items = n_seen_bytes = 0;
    const struct span text = {data + 1, n_bytes - 1};
    const enum err e = decontaminate_parse(text, data[0] % 2 == 0, "fuzz", 0, &v);
    ASSERT(e == OK || e == ERR_DATA);
}
