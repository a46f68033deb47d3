#include "datad/metrics.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <microhttpd.h>

enum { CONNECTIONS = 16, PATIENCE_S = 5, HOST_LIMIT = 64, ROUNDS = 64 };

struct metrics {
    struct MHD_Daemon *daemon;
    int fd;
    unsigned port;
    metrics_print_fn print;
    void *context;
};

struct address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } socket;
    uint16_t port;
};

static enum err parse_port(const char *address, const char *text, uint16_t *port)
{
    char *end;
    errno = 0;
    const unsigned long value = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || value > UINT16_MAX)
        return fail(ERR_CONFIG, "metrics: %s: no port", address);
    *port = (uint16_t)value;
    return OK;
}

/// Host, without brackets, of "host:port"; "127.0.0.1" of "port".
static enum err split_address(const char *address, char host[HOST_LIMIT], const char **port)
{
    const char *colon = strrchr(address, ':');
    const bool bracketed = *address == '[' && colon && colon > address && colon[-1] == ']';
    const char *first = address + (bracketed ? 1 : 0);
    const char *last = colon ? colon - (bracketed ? 1 : 0) : first;
    if (last - first >= HOST_LIMIT) return fail(ERR_CONFIG, "metrics: %s: no address", address);
    snprintf(host, HOST_LIMIT, "%.*s", colon ? (int)(last - first) : 9,
             colon ? first : "127.0.0.1");
    *port = colon ? colon + 1 : address;
    return OK;
}

static enum err parse_address(const char *address, struct address *out)
{
    char host[HOST_LIMIT];
    const char *port;
    *out = (struct address){0};
    TRY(split_address(address, host, &port));
    TRY(parse_port(address, port, &out->port));
    if (inet_pton(AF_INET, host, &out->socket.v4.sin_addr) == 1) {
        out->socket.v4.sin_family = AF_INET;
        out->socket.v4.sin_port = htons(out->port);
        return OK;
    }
    if (inet_pton(AF_INET6, host, &out->socket.v6.sin6_addr) == 1) {
        out->socket.v6.sin6_family = AF_INET6;
        out->socket.v6.sin6_port = htons(out->port);
        return OK;
    }
    return fail(ERR_CONFIG, "metrics: %s: write 127.0.0.1:9464, [::1]:9464 or a port", address);
}

static enum MHD_Result reply(struct MHD_Connection *connection, unsigned status, const char *type,
                             const char *body, size_t n_bytes)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(n_bytes, (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);
    if (!response) return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    const enum MHD_Result queued = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_bytes, void **request)
{
    static const char plain[] = "text/plain", elsewhere[] = "the metrics are at /metrics\n";
    const struct metrics *m = context;
    (void)version;
    (void)upload;
    (void)request;
    *upload_bytes = 0; // a body is none of ours
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0)
        return reply(connection, MHD_HTTP_METHOD_NOT_ALLOWED, plain, "only GET\n", 9);
    if (strcmp(url, "/metrics") != 0)
        return reply(connection, MHD_HTTP_NOT_FOUND, plain, elsewhere, sizeof elsewhere - 1);
    struct arena a;
    struct text out;
    arena_init(&a, "metrics");
    text_begin(&out, &a);
    m->print(m->context, &out);
    const enum MHD_Result queued = reply(
        connection, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", out.data, out.n_bytes);
    arena_fini(&a);
    return queued;
}

static enum err start(const char *text, const struct address *address, struct metrics *m)
{
    const unsigned v6 = address->socket.any.sa_family == AF_INET6 ? MHD_USE_IPv6 : 0;
    errno = 0;
    m->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | v6, address->port, NULL, NULL, answer, m, MHD_OPTION_SOCK_ADDR,
        &address->socket.any, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)PATIENCE_S, MHD_OPTION_END);
    if (!m->daemon)
        return fail(ERR_IO, "metrics: cannot listen at %s: %s", text,
                    errno ? strerror(errno) : "no reason given");
    m->fd = MHD_get_daemon_info(m->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    m->port = MHD_get_daemon_info(m->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    return OK;
}

enum err metrics_open(const char *address, metrics_print_fn print, void *context, struct arena *a,
                      struct metrics **out)
{
    struct address parsed;
    TRY(parse_address(address, &parsed));
    struct metrics *m = ARENA_NEW(a, struct metrics);
    *m = (struct metrics){.print = print, .context = context};
    TRY(start(address, &parsed, m));
    *out = m;
    return OK;
}

void metrics_close(struct metrics *m)
{
    if (m) MHD_stop_daemon(m->daemon);
}

int metrics_fd(const struct metrics *m)
{
    return m->fd;
}

unsigned metrics_port(const struct metrics *m)
{
    return m->port;
}

void metrics_run(struct metrics *m)
{
    MHD_UNSIGNED_LONG_LONG wait_ms = 0; // 0 = it has more to do that no descriptor will tell of
    for (int i = 0; i < ROUNDS && wait_ms == 0; i++) {
        MHD_run(m->daemon);
        if (MHD_get_timeout(m->daemon, &wait_ms) != MHD_YES) return;
    }
}
