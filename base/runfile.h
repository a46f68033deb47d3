#pragma once
// YAML files with a table of keys. libyaml gives events; this turns them into a flat list
// {dotted path, text, file:line} and stores each value through one row of the caller's table. Lists
// of mappings become path[i].key, lists of values path[i] (in the table: path[].key and path[]).
// Numbers are plain decimal scalars, ranges are checked, an unknown key is an error with file, line
// and the nearest valid key:
//     run.yaml:5: unknown key 'model.layrs'; did you mean 'model.layers'?
// Refused: aliases, tags, second documents, NUL bytes, duplicate keys, depth > 8, quoted numbers,
// empty values, keys with dots.
//
//     static const struct runfile_key keys[] = {
//         {"model.layers", RUNFILE_U64, offsetof(struct config, n_layers), .min = 1, .max = 1000},
//         {"model.kind", RUNFILE_CHOICE, offsetof(struct config, kind), .choices = "gpt2 llama"},
//         {"data.sources[].path", RUNFILE_TEXT, ...stride, count offset...}};

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum runfile_type {
    RUNFILE_U64,    // uint64_t
    RUNFILE_F64,    // double
    RUNFILE_BOOL,   // bool: true or false only
    RUNFILE_TEXT,   // const char *
    RUNFILE_CHOICE, // int: index of the word in choices
};

struct runfile_key {
    const char *path; // "a.b.c"; "list[].c" for fields of list elements; "list[]" for the elements
    enum runfile_type type;
    size_t offset; // of the field in the config (of the element, for lists)
    const char
        *fallback;       // default as text; NULL = the key is required (for list elements: in each)
    double min, max;     // checked for numbers when max > min
    const char *choices; // RUNFILE_CHOICE: words separated by spaces
    const char *help;    // one line: unit and meaning; runfile_print's comment. NULL = none
    // Fields of list elements only: the array of elements starts at list_offset in the config, with
    // list_stride bytes an element and room for list_limit; the count (size_t) is at count_offset.
    size_t list_offset, list_stride, list_limit, count_offset;
    // "model.kind=vision|clip": the key is only valid, or required, then; NULL = always. The other
    // key is of any type, and in the same element when both are of one list.
    const char *when;
    const char *alias; // another name by which people look for it; suggested, never accepted
};

struct runfile_table {
    const struct runfile_key *keys;
    size_t n_keys;
};

/// Reads path, then applies overrides ("key=value", from --set; "list[0].c=value" too) over it,
/// then fallbacks, into config (zeroed by the caller). Texts live in a. Errors: ERR_CONFIG with
/// file:line (or "--set key"), ERR_IO when missing.
enum err runfile_read(const char *path, const char *const *overrides, size_t n_overrides,
                      const struct runfile_table *table, struct arena *a, void *config) MUST_CHECK;
/// As runfile_read, from text; name stands for the file in messages.
enum err runfile_parse(const char *text, size_t n_bytes, const char *name,
                       const char *const *overrides, size_t n_overrides,
                       const struct runfile_table *table, struct arena *a, void *config) MUST_CHECK;
/// The resolved config as YAML text (every valid key with its value, its help and choices as a
/// comment) that runfile_parse reads back to the same config.
char *runfile_print(const struct runfile_table *table, const void *config, struct arena *a);
