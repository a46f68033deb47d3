#pragma once
// What all connections of a daemon share: the sources' bins, the streams that clients asked for,
// the workers.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "datad/stream.h"
#include "datad/tally.h"
#include "datad/workers.h"

enum { SERVICE_CONNECTIONS = 256, SERVICE_STREAMS = 32 };

struct service_options {
    struct stream_rule rule;
    uint64_t prefetch; // batches that a client asks for ahead
    size_t n_workers;
    size_t cache_bytes; // of tokens
};

struct service;

/// Errors: ERR_DATA for sources that do not fit together, ERR_CONFIG, ERR_MEMORY, ERR_IO.
enum err service_open(const struct service_options *o, workers_job_fn run, struct arena *a,
                      struct service **out) MUST_CHECK;
/// Runs what is queued first. All streams must have been returned.
void service_close(struct service *s);
const struct service_options *service_options(const struct service *s);
struct workers *service_workers(struct service *s);
/// Of all clients ever. Can't fail.
struct tally *service_tally(struct service *s);

/// The stream of request, shared with others who asked for the same; give it back with
/// service_return. One thread only. Errors: as stream_open; ERR_MEMORY when SERVICE_STREAMS others
/// are in use.
enum err service_borrow(struct service *s, const struct stream_request *request,
                        struct stream **out) MUST_CHECK;
void service_return(struct service *s, struct stream *stream);
/// Notes that a client has asked for rows of stream below n_rows. One thread only. Can't fail.
void service_reach(struct service *s, const struct stream *stream, uint64_t n_rows);
/// Whether next makes the same of all rows that clients have asked for. One thread only. Errors:
/// ERR_CONFIG when it does not.
enum err service_check_next(const struct service *s, const struct stream_rule *next) MUST_CHECK;
