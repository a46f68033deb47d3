#include "shard/format/column.h"

int column_type_bytes(uint8_t code)
{
    switch (code) {
#define X(name, value, n_bytes, text) \
    case value:                       \
        return n_bytes;
        COLUMN_TYPE_TABLE(X)
#undef X
    }
    return COLUMN_UNKNOWN_BYTES;
}

const char *column_type_name(uint8_t code)
{
    switch (code) {
#define X(name, value, n_bytes, text) \
    case value:                       \
        return text;
        COLUMN_TYPE_TABLE(X)
#undef X
    }
    return "unknown";
}

static int name_character_valid(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

int column_name_valid(const char *name, size_t n_bytes)
{
    if (n_bytes == 0 || n_bytes >= COLUMN_NAME_LIMIT) return 0;
    if (name[0] < 'a' || name[0] > 'z') return 0;
    for (size_t i = 0; i < n_bytes; i++) {
        if (!name_character_valid(name[i])) return 0;
    }
    return 1;
}
