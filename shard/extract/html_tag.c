#include "shard/extract/html_tag.h"

#include <string.h>
#include <strings.h>

struct row {
    const char *name;
    uint8_t kind, group;
};

static const struct row rows[HTML_TAG_N] = {[HTML_TAG_NONE] = {"", HTML_INLINE, HTML_GROUP_NONE},
#define X(name, kind, group) [HTML_TAG_##name] = {#name, HTML_##kind, HTML_GROUP_##group},
                                            HTML_TAG_TABLE(X)
#undef X
};

static uint32_t hash(const uint8_t *name, size_t n)
{
    uint32_t h = (uint32_t)n;
    for (size_t i = 0; i < n; i++)
        h = h * 33 + (name[i] | 0x20U);
    return (h ^ h >> 9) % HTML_TAG_SLOTS;
}

void html_tag_index_init(struct html_tag_index *index)
{
    memset(index, 0, sizeof *index);
    for (unsigned tag = 1; tag < HTML_TAG_N; tag++) {
        uint32_t slot = hash((const uint8_t *)rows[tag].name, strlen(rows[tag].name));
        while (index->slots[slot])
            slot = (slot + 1) % HTML_TAG_SLOTS;
        index->slots[slot] = (uint8_t)tag;
    }
}

enum html_tag html_tag_find(const struct html_tag_index *index, const uint8_t *name, size_t n)
{
    if (n > 10) return HTML_TAG_NONE;
    for (uint32_t slot = hash(name, n); index->slots[slot]; slot = (slot + 1) % HTML_TAG_SLOTS) {
        const char *other = rows[index->slots[slot]].name;
        if (strlen(other) == n && strncasecmp(other, (const char *)name, n) == 0)
            return index->slots[slot];
    }
    return HTML_TAG_NONE;
}

enum html_kind html_tag_kind(enum html_tag tag)
{
    return rows[tag].kind;
}

enum html_group html_tag_group(enum html_tag tag)
{
    return rows[tag].group;
}
