// The part of base/runfile.h that writes a config out again.

#include <stdbool.h>
#include <string.h>

#include "base/runfile.h"
#include "base/runfile_row.h"
#include "base/runfile_value.h"
#include "base/text.h"

struct printer {
    const struct runfile_table *table;
    const void *config;
    struct arena *arena;
    struct text *out;
};

// The part of a table that lies below a path: the keys that begin with these bytes. Of a list, one
// element at a time.
struct section {
    const char *prefix;
    size_t n_prefix;
    size_t element_idx;
    int depth; // of indentation
};

static bool key_is_below(const struct runfile_key *key, const struct section *s)
{
    return strncmp(key->path, s->prefix, s->n_prefix) == 0;
}

// Is there anything to print? A section without keys would read back as an empty value.
static bool section_is_active(const struct printer *p, const struct section *s)
{
    for (size_t i = 0; i < p->table->n_keys; i++) {
        const struct runfile_key *key = &p->table->keys[i];
        if (key_is_below(key, s) &&
            (strstr(key->path + s->n_prefix, "[]") != NULL ||
             runfile_row_active(p->table, key, p->config, s->element_idx, p->arena)))
            return true;
    }
    return false;
}

// Was the word at the section's level printed for an earlier key?
static bool word_is_printed(const struct printer *p, const struct section *s, size_t key_idx,
                            size_t n_word)
{
    const char *path = p->table->keys[key_idx].path;
    for (size_t i = 0; i < key_idx; i++) {
        const char *earlier = p->table->keys[i].path;
        if (key_is_below(&p->table->keys[i], s) && strncmp(earlier, path, n_word) == 0 &&
            (earlier[n_word] == '.' || earlier[n_word] == '[' || earlier[n_word] == '\0'))
            return true;
    }
    return false;
}

static void print_section(const struct printer *p, const struct section *s, bool first_is_begun);

static void indent(const struct printer *p, int depth)
{
    text_printf(p->out, "%*s", 2 * depth, "");
}

static void print_value(const struct printer *p, const struct runfile_key *key, size_t element_idx)
{
    const void *field = runfile_row_field_const(key, p->config, element_idx);
    text_printf(p->out, "%s", runfile_value_yaml(key, field, p->arena));
    if (key->help != NULL) text_printf(p->out, " # %s", key->help);
    if (key->help != NULL && key->choices != NULL) text_printf(p->out, " (%s)", key->choices);
    text_put(p->out, "\n", 1);
}

static void print_list(const struct printer *p, const struct section *s,
                       const struct runfile_key *key, size_t n_prefix)
{
    size_t n = runfile_row_n_elements(key, p->config);
    text_printf(p->out, n == 0 ? " []\n" : "\n");
    for (size_t idx = 0; idx < n; idx++) {
        indent(p, s->depth + 1);
        text_printf(p->out, "- ");
        if (key->path[n_prefix] == '\0') {
            print_value(p, key, idx);
            continue;
        }
        struct section element = {key->path, n_prefix + 1, idx, s->depth + 2};
        if (section_is_active(p, &element))
            print_section(p, &element, true);
        else
            text_printf(p->out, "{}\n");
    }
}

// Prints what the word path[0 .. n_word) of key stands for.
static void print_word(const struct printer *p, const struct section *s,
                       const struct runfile_key *key, size_t n_word)
{
    text_printf(p->out, "%.*s:", (int)(n_word - s->n_prefix), key->path + s->n_prefix);
    if (key->path[n_word] == '[') {
        print_list(p, s, key, n_word + 2);
    } else if (key->path[n_word] == '.') {
        text_printf(p->out, "\n");
        struct section inner = {key->path, n_word + 1, s->element_idx, s->depth + 1};
        print_section(p, &inner, false);
    } else {
        text_put(p->out, " ", 1);
        print_value(p, key, s->element_idx);
    }
}

// Is there anything to print for the word path[0 .. n_word) of key?
static bool word_is_active(const struct printer *p, const struct section *s,
                           const struct runfile_key *key, size_t n_word)
{
    if (key->path[n_word] == '[') return true;
    if (key->path[n_word] == '\0')
        return runfile_row_active(p->table, key, p->config, s->element_idx, p->arena);
    struct section inner = {key->path, n_word + 1, s->element_idx, s->depth};
    return section_is_active(p, &inner);
}

static void print_section(const struct printer *p, const struct section *s, bool first_is_begun)
{
    for (size_t i = 0; i < p->table->n_keys; i++) {
        const struct runfile_key *key = &p->table->keys[i];
        if (!key_is_below(key, s)) continue;
        size_t n_word = s->n_prefix + strcspn(key->path + s->n_prefix, ".[");
        if (word_is_printed(p, s, i, n_word) || !word_is_active(p, s, key, n_word)) continue;
        if (!first_is_begun) indent(p, s->depth);
        first_is_begun = false;
        print_word(p, s, key, n_word);
    }
}

char *runfile_print(const struct runfile_table *table, const void *config, struct arena *a)
{
    struct text out;
    text_begin(&out, a);
    struct printer p = {.table = table, .config = config, .arena = a, .out = &out};
    struct section whole = {.prefix = "", .n_prefix = 0};
    print_section(&p, &whole, false);
    return out.data;
}
