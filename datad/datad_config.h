#pragma once
// datad's config file:
//
//     socket: run/datad/socket        # its folder must be this user's alone (0700); made when missing
//     sources:
//       - {name: web, path: data/web, weight: 3}
//       - {name: books, path: data/books, weight: 1}
//     validation: 0.01

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "datad/mixture.h"
#include "datad/server.h"

enum datad_order { DATAD_SHUFFLED, DATAD_SEQUENTIAL };

struct datad_source {
    const char *name, *path;
    double weight;
};

struct datad_config {
    const char *socket;
    size_t n_sources;
    struct datad_source sources[MIXTURE_SOURCES];
    double validation;
    int order; // enum datad_order
    uint64_t window_bins, prefetch, workers, cache_mib;
};

/// Reads path, with overrides as for a run file. Errors: as runfile_read; ERR_CONFIG when there is no source or a name twice.
enum err datad_config_read(const char *path, const char *const *overrides, size_t n_overrides,
                           struct arena *a, struct datad_config *out) MUST_CHECK;
/// Opens the datasets as sources [n_sources], in a. Errors: as dataset_open, with the source's name.
enum err datad_config_open(const struct datad_config *config, struct arena *a,
                           struct source **sources) MUST_CHECK;
/// What the server needs to know; borrows both. Can't fail.
struct server_options datad_config_server(const struct datad_config *config,
                                          const struct source *sources);
