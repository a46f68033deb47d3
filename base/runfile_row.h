#pragma once
// What a row of a run file's table means: its field in the config, its elements, its condition.

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/runfile.h"

/// The row whose path is key_path, or NULL.
const struct runfile_key *runfile_row_find(const struct runfile_table *table, const char *key_path);
/// Any row of the list that key_path is, or lies in, or NULL.
const struct runfile_key *runfile_row_of_list(const struct runfile_table *table,
                                              const char *key_path);
/// Is there a row whose path begins with key_path followed by mark ("." or "[]")?
bool runfile_row_below(const struct runfile_table *table, const char *key_path, const char *mark);
/// The row's field; element_idx is for rows of lists.
void *runfile_row_field(const struct runfile_key *key, void *config, size_t element_idx);
const void *runfile_row_field_const(const struct runfile_key *key, const void *config,
                                    size_t element_idx);
/// How many fields the row stands for: 1, or the elements of its list.
size_t runfile_row_n_elements(const struct runfile_key *key, const void *config);
/// The row's path with element_idx for [], in a.
const char *runfile_row_path(const struct runfile_key *key, size_t element_idx, struct arena *a);
/// Does the row's condition hold in config?
bool runfile_row_active(const struct runfile_table *table, const struct runfile_key *key,
                        const void *config, size_t element_idx, struct arena *a);
