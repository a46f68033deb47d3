#include "base/runfile_row.h"

#include <string.h>

#include "base/err.h"
#include "base/runfile_value.h"

const struct runfile_key *runfile_row_find(const struct runfile_table *table, const char *key_path)
{
    for (size_t i = 0; i < table->n_keys; i++)
        if (strcmp(table->keys[i].path, key_path) == 0) return &table->keys[i];
    return NULL;
}

const struct runfile_key *runfile_row_of_list(const struct runfile_table *table,
                                              const char *key_path)
{
    const char *mark = strstr(key_path, "[]");
    if (mark == NULL) return NULL;
    size_t n_bytes = (size_t)(mark - key_path) + 2;
    for (size_t i = 0; i < table->n_keys; i++)
        if (strncmp(table->keys[i].path, key_path, n_bytes) == 0) return &table->keys[i];
    return NULL;
}

bool runfile_row_below(const struct runfile_table *table, const char *key_path, const char *mark)
{
    size_t n_path = strlen(key_path), n_mark = strlen(mark);
    for (size_t i = 0; i < table->n_keys; i++) {
        const char *path = table->keys[i].path;
        if (strncmp(path, key_path, n_path) == 0 && strncmp(path + n_path, mark, n_mark) == 0)
            return true;
    }
    return false;
}

static size_t field_offset(const struct runfile_key *key, size_t element_idx)
{
    if (key->list_stride == 0) return key->offset;
    ASSERT(element_idx < key->list_limit);
    return key->list_offset + element_idx * key->list_stride + key->offset;
}

void *runfile_row_field(const struct runfile_key *key, void *config, size_t element_idx)
{
    return (char *)config + field_offset(key, element_idx);
}

const void *runfile_row_field_const(const struct runfile_key *key, const void *config,
                                    size_t element_idx)
{
    return (const char *)config + field_offset(key, element_idx);
}

size_t runfile_row_n_elements(const struct runfile_key *key, const void *config)
{
    if (key->list_stride == 0) return 1;
    return *(const size_t *)(const void *)((const char *)config + key->count_offset);
}

const char *runfile_row_path(const struct runfile_key *key, size_t element_idx, struct arena *a)
{
    const char *mark = strstr(key->path, "[]");
    if (mark == NULL) return key->path;
    return arena_printf(a, "%.*s[%zu]%s", (int)(mark - key->path), key->path, element_idx,
                        mark + 2);
}

// Is text one of the words between the bars?
static bool among(const char *words, const char *text)
{
    size_t n_text = strlen(text);
    for (;;) {
        size_t n = strcspn(words, "|");
        if (n == n_text && memcmp(words, text, n) == 0) return true;
        if (words[n] == '\0') return false;
        words += n + 1;
    }
}

bool runfile_row_active(const struct runfile_table *table, const struct runfile_key *key,
                        const void *config, size_t element_idx, struct arena *a)
{
    if (key->when == NULL) return true;
    const char *equals = strchr(key->when, '=');
    ASSERT(equals != NULL);
    const char *other_path = arena_strndup(a, key->when, (size_t)(equals - key->when));
    const struct runfile_key *other = runfile_row_find(table, other_path);
    ASSERT(other != NULL && other != key);
    if (!runfile_row_active(table, other, config, element_idx, a)) return false;
    const void *field = runfile_row_field_const(other, config, element_idx);
    return among(equals + 1, runfile_value_text(other, field, a));
}
