#pragma once
// datad's config file:
//
//     socket: run/datad/socket  # its folder must be this user's alone (0700); made when missing
//     sources:
//       - {name: web, path: data/web, weight: 3, filter: 'lang == "en" && words > 50'}
//       - {name: books, path: data/books, weight: 1}
//     validation: 0.01
//     packing: best-fit
//     mixture:                  # weights from a token of the run on; until then the sources' own
//       - {from_tokens: 2000000000, weights: web=1 books=3}
//     skip:                     # tokens of the stream left out from a token of the run on
//       - {from_tokens: 500000, tokens: 65536}
//     skip_documents: bad.txt   # datad/skip_list.h
//     images: {recipe: siglip-224, tokens: 256, placeholder: 50256}    # datad/source_images.h
//
// Tokens are rows * T. A source that a mixture's weights do not name has weight 0 from there on.

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "datad/edits.h"

enum { DATAD_SOURCES = 64, DATAD_CHANGES = EDITS_CHANGES, DATAD_SKIPS = EDITS_SKIPS };
enum datad_order { DATAD_SHUFFLED, DATAD_SEQUENTIAL };

struct datad_source {
    const char *name, *path;
    double weight;
    const char *filter; // "" = the default (datad/source.h)
};

struct datad_change {
    uint64_t from_tokens;
    const char *weights; // "web=3 books=1"
};

struct datad_skip {
    uint64_t from_tokens, n_tokens;
};

struct datad_config {
    const char *socket, *metrics;
    size_t n_sources;
    struct datad_source sources[DATAD_SOURCES];
    double validation;
    int order; // enum datad_order
    uint64_t window_bins, prefetch, workers, cache_mib;
    int packing;        // enum pack_rule
    const char *tables; // folder of row tables; "" = the socket's
    size_t n_changes, n_skips;
    struct datad_change changes[DATAD_CHANGES];
    struct datad_skip skips[DATAD_SKIPS];
    const char *skip_documents; // "" = none
    const char *images;         // recipe (shard/image/image_recipe.h); "" = images are left out
    uint64_t images_tokens, images_placeholder, images_capacity, images_max_pixels;
    int images_pixels; // 0 = u8, 1 = f32
};

/// Reads path, with overrides as for a run file. Errors: as runfile_read; ERR_CONFIG when there is
/// no source or a name twice, or when a mixture's weights are not name=weight words.
enum err datad_config_read(const char *path, const char *const *overrides, size_t n_overrides,
                           struct arena *a, struct datad_config *out) MUST_CHECK;
/// What datad_config_read checks beyond single keys; name stands for the file in messages. Errors:
/// ERR_CONFIG.
enum err datad_config_check(const struct datad_config *config, const char *name) MUST_CHECK;
/// Writes config so that datad_config_read gives it back (atomic replace). Errors: ERR_IO.
enum err datad_config_write(const struct datad_config *config, const char *path) MUST_CHECK;
/// weights[n_sources] from "name=weight name=weight", sources' names in config. Errors: ERR_CONFIG
/// with the nearest name.
enum err datad_config_weights(const struct datad_config *config, const char *text, struct arena *a,
                              double *weights) MUST_CHECK;
