#pragma once
// datad's config file:
//
//     socket: run/datad/socket  # its folder must be this user's alone (0700); made when missing
//     sources:
//       - {name: web, path: data/web, weight: 3}
//       - {name: books, path: data/books, weight: 1}
//     validation: 0.01

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum { DATAD_SOURCES = 64 };
enum datad_order { DATAD_SHUFFLED, DATAD_SEQUENTIAL };

struct datad_source {
    const char *name, *path;
    double weight;
};

struct datad_config {
    const char *socket, *metrics;
    size_t n_sources;
    struct datad_source sources[DATAD_SOURCES];
    double validation;
    int order; // enum datad_order
    uint64_t window_bins, prefetch, workers, cache_mib;
};

/// Reads path, with overrides as for a run file. Errors: as runfile_read; ERR_CONFIG when there is
/// no source or a name twice.
enum err datad_config_read(const char *path, const char *const *overrides, size_t n_overrides,
                           struct arena *a, struct datad_config *out) MUST_CHECK;
/// Writes config so that datad_config_read gives it back (atomic replace). Errors: ERR_IO.
enum err datad_config_write(const struct datad_config *config, const char *path) MUST_CHECK;
