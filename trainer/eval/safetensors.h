#pragma once
// Writes a safetensors file: 8 bytes with the length of a JSON header, the header, then the tensors
// one after another in the order of their names.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "trainer/kernel/dtype.h"

enum { SAFETENSORS_SOURCES = 3, SAFETENSORS_DIMS = 4 };

// One tensor: its sources one after another, or, transposed, side by side: source s is [rows[s],
// columns], the tensor [columns, sum of rows].
struct safetensors_entry {
    const char *name; // letters, digits, dots and underscores
    int n_dims;
    uint64_t dims[SAFETENSORS_DIMS];
    bool transposed;
    int n_sources;
    const float *sources[SAFETENSORS_SOURCES];
    uint64_t rows[SAFETENSORS_SOURCES], columns;
};

/// Sorts entries by name and writes them as type (F32 or BF16, rounded to nearest even) to path,
/// which must not exist; fsynced. *n_bytes: of the file. Local. Errors: ERR_IO.
enum err safetensors_write(const char *path, struct safetensors_entry *entries, size_t n_entries,
                           enum dtype type, uint64_t *n_bytes) MUST_CHECK;
