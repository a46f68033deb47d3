#pragma once
// A run file as a flat list: one entry a node, in the file's order, then the overrides. Nothing is
// known here about which keys are valid.
//
//     data:                     data                   data                   mapping   run.yaml:1
//       sources:                data.sources           data.sources           list      run.yaml:2
//         - path: books         data.sources[0]        data.sources[]         mapping   run.yaml:3
//                               data.sources[0].path   data.sources[].path    books     run.yaml:3

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

enum runfile_kind { RUNFILE_SCALAR, RUNFILE_MAPPING, RUNFILE_LIST };
// How a scalar was written; GIVEN is for overrides and fallbacks, which know no quotes.
enum runfile_style { RUNFILE_PLAIN, RUNFILE_QUOTED, RUNFILE_GIVEN };

struct runfile_entry {
    const char *path;     // with list indices
    const char *key_path; // with [] for each index: how the table names it
    size_t element_idx;   // the last list index in path; 0 when there is none
    enum runfile_kind kind;
    const char *text; // scalars
    enum runfile_style style;
    const char *where; // "run.yaml:3" or "--set data.seed=1"
};

enum { RUNFILE_ENTRIES_LIMIT = 4096, RUNFILE_DEPTH_LIMIT = 8 };

struct runfile_entries {
    struct arena *arena; // holds all texts
    const char *name;    // of the file
    struct runfile_entry *items;
    size_t n_items, capacity_items;
};

/// Appends the nodes of a YAML text. Errors: ERR_CONFIG for what YAML or runfile.h refuses.
enum err runfile_entries_read(struct runfile_entries *entries, const char *text,
                              size_t n_bytes) MUST_CHECK;
/// Applies "key=value": replaces the entry with that path or appends one. Errors: ERR_CONFIG.
enum err runfile_entries_override(struct runfile_entries *entries, const char *override) MUST_CHECK;
/// The entry with this path, or NULL.
struct runfile_entry *runfile_entries_find(const struct runfile_entries *entries, const char *path);
/// text fit for one line of a message: control characters as ?, cut after 60 bytes.
const char *runfile_shown(struct arena *a, const char *text);
