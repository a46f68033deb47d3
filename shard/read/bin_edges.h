#pragma once
// Numbers of trajectories become bins: each dimension is cut uniformly into 256 between its 1st and
// 99th percentile; what lies outside falls into the first or last bin. The edges are found in one
// pass over the data, written to a JSON file, and kept with the dataset.

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum { BIN_EDGES_BINS = 256, BIN_EDGES_DIMENSION_LIMIT = 4096 };

struct bin_edges {
    // Dimensions of an observation, then those of an action.
    uint32_t n_observation, n_action;
    double *low, *high; // [n_observation + n_action], low <= high
};

/// Of a file that bin_edges_write made, into a. Errors: ERR_IO ERR_DATA.
enum err bin_edges_read(const char *path, struct arena *a, struct bin_edges *out) MUST_CHECK;
/// Replaces the file at path. Errors: ERR_IO.
enum err bin_edges_write(const struct bin_edges *edges, const char *path) MUST_CHECK;
/// The bin of value between low and high, 0 to 255. Can't fail.
uint16_t bin_edges_bin(double low, double high, double value);

// One pass: a dimension keeps all its values up to BIN_EDGES_SAMPLE; of more, a uniform sample of
// that many, always the same for the same values in the same order.
enum { BIN_EDGES_SAMPLE = 1 << 18 };
struct bin_edges_pass;

/// Lives in a until bin_edges_pass_close. Can't fail.
struct bin_edges_pass *bin_edges_pass_open(struct arena *a);
void bin_edges_pass_close(struct bin_edges_pass *pass);
/// A step's values: n_observation of them, then n_action. Errors: ERR_DATA (other numbers than the
/// steps before) ERR_MEMORY.
enum err bin_edges_pass_add(struct bin_edges_pass *pass, uint32_t n_observation, uint32_t n_action,
                            const double *values) MUST_CHECK;
/// The percentiles (linear between neighbours), in a. Errors: ERR_DATA (no step).
enum err bin_edges_pass_end(struct bin_edges_pass *pass, struct arena *a,
                            struct bin_edges *out) MUST_CHECK;
