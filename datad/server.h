#pragma once
// datad's server: one thread that polls the socket and its connections, and the service's workers.
// SIGTERM and SIGINT end it after what was asked for has been answered; so does SIGHUP when there
// is a better config: clients connect again to the server that comes next and ask again.

#include <stdbool.h>

#include "base/err.h"
#include "datad/service.h"

struct server_options {
    const char *socket; // path, in a folder of this user's (made when missing)
    struct service_options service;
    uint64_t patience_ns; // with a peer that owes the rest of a frame or its hello; 0 = 5 s
    const char *metrics;  // where to serve them (datad/metrics.h); NULL or "" = nowhere
    uint64_t n_reloads;   // so far, for the metrics
    // Called on SIGHUP: OK = the next server may begin, else the line says why this one goes on.
    // NULL = SIGHUP is logged only. running is what clients have now (service_check_next).
    enum err (*reload)(void *context, const struct service *running);
    void *context;
};

/// Serves until a signal comes; *reloads tells whether that was SIGHUP. Blocks SIGTERM, SIGINT and
/// SIGHUP in the calling thread. Errors: ERR_IO when another datad serves the socket, ERR_DENIED
/// when its place belongs to somebody else; as service_open and metrics_open.
enum err server_run(const struct server_options *o, bool *reloads) MUST_CHECK;
