#pragma once
// What a datad says of itself: a snapshot of numbers, as Prometheus text (version 0.0.4) and as the
// JSON object that `weft datad status` shows. Pure functions of the snapshot.

#include <stdint.h>

#include "base/text.h"
#include "datad/split.h"
#include "datad/stream.h"
#include "datad/tally.h"

struct report_client {
    long pid;
    enum split split;
    uint64_t T, lane_rows, step_lanes;
    uint64_t step, lane;          // asked for last
    uint64_t n_waiting;           // batches asked for and not yet made
    double connected_s, waited_s; // since it came; of that, until batches came
    double tokens_per_second;     // of late
    const struct tally *tally;
    const struct stream_share *shares; // [n_sources] of the report, up to the position
};

struct report_source {
    const char *name;
    double weight; // of the mixture, as configured
    uint64_t n_bins;
};

struct report {
    const char *socket;
    double up_s, cpu_s;
    uint64_t resident_bytes;
    uint64_t n_accepted, n_refused, n_reloads; // connections; reloads of the config
    const struct tally *all;                   // of all clients ever
    size_t n_clients, n_sources;
    const struct report_client *clients;
    const struct report_source *sources;
};

/// Appends the exposition to out. Can't fail.
void report_prometheus(const struct report *r, struct text *out);
/// Appends the object and a newline to out. Can't fail.
void report_json(const struct report *r, struct text *out);
