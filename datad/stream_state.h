#pragma once
// What a stream keeps; for datad/stream*.c alone.

#include <pthread.h>

#include "datad/mixture.h"
#include "datad/plans.h"
#include "datad/stream.h"
#include "datad/stream_part.h"

enum { STREAM_SUMS = 64 };

struct stream_sum {
    struct range positions;
    uint64_t loss_tokens;
};

struct stream {
    struct stream_request request;
    enum pack_rule packing;
    struct images_rule images;
    struct stream_info info;
    struct bins *bins;
    struct plans *plans;
    struct edits *edits;
    size_t n_changes;
    struct edits_given given; // what edits was built from
    struct mixture *mixture;
    const double **weights;    // [1 + n_changes]: from the start, from each change
    struct stream_part *parts; // [n_sources]
    size_t n_sources;
    pthread_mutex_t lock; // guards the tables of parts, sums, next_sum, since_*
    struct stream_sum sums[STREAM_SUMS];
    size_t next_sum;
    uint64_t *since_tokens; // [n_sources] at the begin of since_change's weights
    size_t since_change;    // index into weights; SIZE_MAX = since_tokens is not filled
};
