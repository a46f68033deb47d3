#pragma once
// The metrics endpoint: GET /metrics over HTTP, by libmicrohttpd without a thread of its own: the
// server polls one descriptor and lets it run, so that what it reports needs no lock.

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"

struct metrics;

/// Appends the exposition to out; called from metrics_run.
typedef void (*metrics_print_fn)(void *context, struct text *out);

/// Listens at address: "127.0.0.1:9464", "[::1]:9464", or "9464" (loopback); port 0 = any. The
/// endpoint lives in a. Errors: ERR_CONFIG for an address that is none, ERR_IO when it is taken.
enum err metrics_open(const char *address, metrics_print_fn print, void *context, struct arena *a,
                      struct metrics **out) MUST_CHECK;
/// m may be NULL. Can't fail.
void metrics_close(struct metrics *m);
/// The descriptor to poll for input. Can't fail.
int metrics_fd(const struct metrics *m);
/// The port that it listens at. Can't fail.
unsigned metrics_port(const struct metrics *m);
/// Serves what has come; never waits. Can't fail.
void metrics_run(struct metrics *m);
