#pragma once
// A config made real: its sources open, its edits read, the rule of all streams. What the server
// serves from, and what other commands (blame) make the same rows from without it.

#include "base/arena.h"
#include "base/err.h"
#include "datad/datad_config.h"
#include "datad/stream.h"

struct setting {
    struct source *sources; // [config's n_sources]
    size_t n_sources;
    struct stream_rule rule; // borrows sources
};

/// Everything lives in a; config is borrowed. Errors: those of source_open_dataset and
/// skip_list_read.
enum err setting_open(const struct datad_config *config, struct arena *a,
                      struct setting *out) MUST_CHECK;
/// Closes the sources. Can't fail.
void setting_close(struct setting *s);
