#pragma once
// Takes the numbers of a running server together for a report (datad/report.h). For the server's
// thread.

#include "base/arena.h"
#include "datad/peer.h"
#include "datad/report.h"

struct survey {
    const char *socket;
    const struct peer *peers; // [SERVICE_CONNECTIONS]
    struct service *service;
    uint64_t begun_ns, n_accepted, n_refused, n_reloads;
};

/// The report of now; lives in a and borrows from s. Can't fail.
struct report survey_report(const struct survey *s, struct arena *a);
