#include "base/runfile.h"

#include <stdbool.h>
#include <string.h>

#include "base/file.h"
#include "base/runfile_entry.h"
#include "base/runfile_row.h"
#include "base/runfile_value.h"
#include "base/spell.h"

enum { FILE_LIMIT_BYTES = 1 << 20 };

struct load {
    const struct runfile_table *table;
    struct runfile_entries entries;
    struct arena *arena;
    void *config;
};

// All words that may be meant: the keys, the sections and lists above them, the aliases. meant[i]
// is what words[i] suggests.
struct vocabulary {
    const char **words, **meant;
    size_t n_words;
};

static void vocabulary_add(struct vocabulary *v, const char *word, const char *meant)
{
    v->words[v->n_words] = word;
    v->meant[v->n_words++] = meant;
}

static struct vocabulary vocabulary_build(const struct runfile_table *table, struct arena *a)
{
    size_t limit = 0;
    for (size_t i = 0; i < table->n_keys; i++)
        limit += strlen(table->keys[i].path) + 2;
    struct vocabulary v = {.words = ARENA_ARRAY(a, const char *, limit),
                           .meant = ARENA_ARRAY(a, const char *, limit)};
    for (size_t i = 0; i < table->n_keys; i++) {
        const struct runfile_key *key = &table->keys[i];
        vocabulary_add(&v, key->path, key->path);
        if (key->alias != NULL) vocabulary_add(&v, key->alias, key->path);
        for (size_t n = 0; key->path[n] != '\0'; n++) {
            if (key->path[n] != '.' && key->path[n] != '[') continue;
            const char *section = arena_strndup(a, key->path, n);
            vocabulary_add(&v, section, section);
        }
    }
    return v;
}

static enum err unknown_key(const struct load *l, const struct runfile_entry *entry)
{
    struct vocabulary v = vocabulary_build(l->table, l->arena);
    size_t nearest = spell_nearest(entry->key_path, v.words, v.n_words);
    const char *shown = runfile_shown(l->arena, entry->path);
    if (nearest == v.n_words) return fail(ERR_CONFIG, "%s: unknown key '%s'", entry->where, shown);
    return fail(ERR_CONFIG, "%s: unknown key '%s'; did you mean '%s'?", entry->where, shown,
                v.meant[nearest]);
}

// Counts the element that entry belongs to.
static enum err element_count(const struct load *l, const struct runfile_entry *entry)
{
    const struct runfile_key *key = runfile_row_of_list(l->table, entry->key_path);
    if (key == NULL) return OK;
    size_t *count = (size_t *)(void *)((char *)l->config + key->count_offset);
    if (entry->element_idx < *count) return OK;
    int n_list = (int)(strchr(entry->path, '[') - entry->path);
    if (entry->element_idx > *count)
        return fail(ERR_CONFIG, "%s: '%.*s' has only %zu elements", entry->where, n_list,
                    entry->path, *count);
    if (*count == key->list_limit)
        return fail(ERR_CONFIG, "%s: '%.*s' has more than %zu elements", entry->where, n_list,
                    entry->path, key->list_limit);
    ++*count;
    return OK;
}

static enum err scalar_store(const struct load *l, const struct runfile_key *key,
                             const struct runfile_entry *entry)
{
    void *field = runfile_row_field(key, l->config, entry->element_idx);
    enum err e = runfile_value_parse(key, entry->path, entry->text, entry->style, l->arena, field);
    return e == OK ? OK : fail_at(e, "%s", entry->where);
}

// What the table expects at key_path; false when nothing.
static bool kind_find(const struct runfile_table *table, const char *key_path,
                      enum runfile_kind *kind)
{
    if (runfile_row_find(table, key_path) != NULL)
        *kind = RUNFILE_SCALAR;
    else if (runfile_row_below(table, key_path, "[]"))
        *kind = RUNFILE_LIST;
    else if (runfile_row_below(table, key_path, "."))
        *kind = RUNFILE_MAPPING;
    else
        return false;
    return true;
}

static enum err entry_take(const struct load *l, const struct runfile_entry *entry)
{
    static const char *const kinds[] = {[RUNFILE_SCALAR] = "a value",
                                        [RUNFILE_MAPPING] = "a group of keys",
                                        [RUNFILE_LIST] = "a list"};
    enum runfile_kind kind;
    if (!kind_find(l->table, entry->key_path, &kind)) return unknown_key(l, entry);
    const struct runfile_key *key = runfile_row_find(l->table, entry->key_path);
    const char *expected = key == NULL ? kinds[kind] : runfile_value_expected(key, l->arena);
    if (entry->kind != kind)
        return fail(ERR_CONFIG, "%s: '%s' must be %s, not %s", entry->where, entry->path, expected,
                    kinds[entry->kind]);
    TRY(element_count(l, entry));
    return key == NULL ? OK : scalar_store(l, key, entry);
}

// Calls for each value that the table knows of: every key, for list keys once an element.
typedef enum err (*value_fn)(const struct load *l, const struct runfile_key *key,
                             size_t element_idx, const char *path);

static enum err for_each_value(const struct load *l, value_fn visit)
{
    for (size_t i = 0; i < l->table->n_keys; i++) {
        const struct runfile_key *key = &l->table->keys[i];
        size_t n = runfile_row_n_elements(key, l->config);
        for (size_t idx = 0; idx < n; idx++)
            TRY(visit(l, key, idx, runfile_row_path(key, idx, l->arena)));
    }
    return OK;
}

static enum err fallback_store(const struct load *l, const struct runfile_key *key,
                               size_t element_idx, const char *path)
{
    if (key->fallback == NULL || runfile_entries_find(&l->entries, path) != NULL) return OK;
    void *field = runfile_row_field(key, l->config, element_idx);
    if (runfile_value_parse(key, path, key->fallback, RUNFILE_GIVEN, l->arena, field) != OK)
        err_abort(__FILE__, __LINE__, "fallback of a run file's key: %s", err_line());
    return OK;
}

// The place of the innermost section that is there.
static const char *section_where(const struct load *l, const char *path)
{
    char *section = arena_strdup(l->arena, path);
    for (char *end; (end = strrchr(section, '.')) != NULL;) {
        *end = '\0';
        const struct runfile_entry *entry = runfile_entries_find(&l->entries, section);
        if (entry != NULL) return entry->where;
    }
    return l->entries.name;
}

static enum err presence_check(const struct load *l, const struct runfile_key *key,
                               size_t element_idx, const char *path)
{
    const struct runfile_entry *entry = runfile_entries_find(&l->entries, path);
    bool active = runfile_row_active(l->table, key, l->config, element_idx, l->arena);
    if (entry != NULL && !active)
        return fail(ERR_CONFIG, "%s: key '%s' is only valid with %s", entry->where, path,
                    key->when);
    if (entry != NULL || !active || key->fallback != NULL) return OK;
    return fail(ERR_CONFIG, "%s: missing key '%s', %s", section_where(l, path), path,
                runfile_value_expected(key, l->arena));
}

enum err runfile_parse(const char *text, size_t n_bytes, const char *name,
                       const char *const *overrides, size_t n_overrides,
                       const struct runfile_table *table, struct arena *a, void *config)
{
    struct load l = {.table = table,
                     .entries = {.arena = a, .name = arena_strdup(a, name)},
                     .arena = a,
                     .config = config};
    TRY(runfile_entries_read(&l.entries, text, n_bytes));
    for (size_t i = 0; i < n_overrides; i++)
        TRY(runfile_entries_override(&l.entries, overrides[i]));
    for (size_t i = 0; i < l.entries.n_items; i++)
        TRY(entry_take(&l, &l.entries.items[i]));
    TRY(for_each_value(&l, fallback_store));
    return for_each_value(&l, presence_check);
}

enum err runfile_read(const char *path, const char *const *overrides, size_t n_overrides,
                      const struct runfile_table *table, struct arena *a, void *config)
{
    struct span text;
    TRY(file_read(path, FILE_LIMIT_BYTES, a, &text));
    return runfile_parse((const char *)text.data, text.n_bytes, path, overrides, n_overrides, table,
                         a, config);
}
