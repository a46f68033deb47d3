#pragma once
// datad's server: one thread that polls the socket and its connections, and the service's workers.
// SIGTERM and SIGINT end it after what was asked for has been answered.

#include "base/err.h"
#include "datad/service.h"

struct server_options {
    const char *socket; // path, in a folder of this user's (made when missing)
    struct service_options service;
    uint64_t patience_ns; // with a peer that owes the rest of a frame or its hello; 0 = 5 s
};

/// Serves until a signal comes. Blocks SIGTERM and SIGINT in the calling thread. Errors: ERR_IO
/// when another datad serves the socket, ERR_DENIED when its place belongs to somebody else; as
/// service_open.
enum err server_run(const struct server_options *o) MUST_CHECK;
