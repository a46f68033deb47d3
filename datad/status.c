#include "datad/status.h"

#include "base/file.h"
#include "datad/link.h"
#include "datad/protocol.h"

enum { ANSWER_MS = 10000 };

static enum err read_report(int fd, uint64_t n_bytes, struct arena *a, char **json)
{
    char *text = arena_alloc(a, n_bytes + 1, 1); // n_bytes is below PROTOCOL_REPORT_LIMIT
    TRY(file_pread(fd, "report", text, n_bytes, 0));
    *json = text;
    return OK;
}

/// REPORT; its descriptor goes to fds[0].
static enum err ask(struct link *l, struct protocol_message *out, int fds[2])
{
    uint8_t frame[PROTOCOL_FRAME_LIMIT];
    const struct protocol_message question = {.type = PROTOCOL_STATUS};
    bool taken;
    if (!link_send(l, frame, protocol_encode(&question, frame)))
        return fail(ERR_GONE, "datad hung up");
    if (!link_readable(l, ANSWER_MS)) return fail(ERR_GONE, "no answer");
    if (!link_receive(l, fds)) return fail(ERR_GONE, "datad hung up");
    TRY(link_take(l, PROTOCOL_CLIENT_NEW, out, &taken));
    if (!taken) return fail(ERR_DATA, "half an answer");
    if (out->type == PROTOCOL_REPORT && fds[0] >= 0) return OK;
    return fail(ERR_DATA, "another answer than a report");
}

static enum err converse(struct link *l, struct arena *a, char **json)
{
    struct protocol_message m;
    int fds[2] = {-1, -1};
    enum err e = ask(l, &m, fds);
    if (e == OK) e = read_report(fds[0], m.report.n_bytes, a, json);
    link_close_passed(fds);
    return e;
}

enum err status_ask(const char *socket, struct arena *a, char **json)
{
    struct link l;
    enum err e = link_open(&l, socket);
    if (e == OK) {
        e = converse(&l, a, json);
        link_close(&l);
    }
    return e == OK ? OK : fail_at(e, "datad at %s", socket);
}
