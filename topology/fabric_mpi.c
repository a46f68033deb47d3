// The door to MPI: the only file that includes mpi.h, called by one thread a rank (FUNNELED).
//
// F1 A message is one Isend or Irecv on a private communicator (or several, above piece_bytes: both
//    ends cut alike). Its tag is the operation's seq modulo the tag range; MPI keeps messages of
//    one pair and tag in posting order, and all ranks start operations in one order, so a tag used
//    again later cannot be confused with its first use.
// F2 Requests in flight lie side by side in one array, so progress is one MPI_Testsome over all of
//    them.
// F3 One receive from anybody, on a second communicator, is always in flight: for the abort word of
//    a rank that fails. It comes first in the array, and keeps MPI's progress going when nothing
//    else is in flight.
// F4 What MPI returns is never asserted: a failed message breaks the fabric with a line that names
//    operation, seq, peer and MPI's text.

#include "topology/fabric_core.h"

#include <limits.h>
#include <mpi.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/size.h"

enum { PIECE_BYTES = 1 << 30, FIRST_CAPACITY = 64 };
static const uint64_t RAISE_LIMIT_NS = 1000 * 1000 * 1000; // a rank that does not listen is killed

struct abort_word {
    int32_t code, rank;
    int64_t step;
    char line[FABRIC_LINE_BYTES];
};

struct piece {
    struct fabric_operation *op;
    enum fabric_direction direction;
    int peer, n_bytes;
};

struct fabric_mpi {
    struct fabric core; // first: the driver is handed this
    MPI_Comm comm, abort_comm;
    struct fabric_operation abort_op; // of the receive of F3
    struct abort_word word;
    MPI_Request *abort_sends; // [size]
    uint64_t n_tags;
    size_t piece_bytes;
    struct arena *arena;
    size_t n_active, capacity;
    MPI_Request *requests; // [capacity], as are these:
    struct piece *pieces;
    MPI_Status *statuses;
    int *done;
};

static struct fabric_mpi *mpi_of(struct fabric *f)
{
    return (struct fabric_mpi *)f;
}

// The text of an MPI error code; whose code decides between a broken promise and a lost peer.
static enum err say(int code, const char *format, const struct fabric_operation *op, int peer)
{
    char text[MPI_MAX_ERROR_STRING] = "unknown error";
    int length = 0, error_class = MPI_ERR_OTHER;
    MPI_Error_class(code, &error_class);
    MPI_Error_string(code, text, &length);
    const enum err e = error_class == MPI_ERR_TRUNCATE ? ERR_INVARIANT : ERR_GONE;
    return fail(e, "%s seq %llu: %s rank %d: %s", op->name, (unsigned long long)op->seq, format,
                peer, text);
}

static enum err check_mpi(int code, const char *what)
{
    if (code == MPI_SUCCESS) return OK;
    char text[MPI_MAX_ERROR_STRING] = "unknown error";
    int length = 0;
    MPI_Error_string(code, text, &length);
    return fail(ERR_GONE, "%s: %s", what, text);
}

static void grow(struct fabric_mpi *m)
{
    if (m->n_active < m->capacity) return;
    const size_t n = m->capacity == 0 ? FIRST_CAPACITY : 2 * m->capacity;
    ASSERT(n <= INT_MAX);
    MPI_Request *requests = ARENA_ARRAY(m->arena, MPI_Request, n);
    struct piece *pieces = ARENA_ARRAY(m->arena, struct piece, n);
    if (m->n_active > 0) {
        memcpy(requests, m->requests, m->n_active * sizeof *requests);
        memcpy(pieces, m->pieces, m->n_active * sizeof *pieces);
    }
    m->requests = requests;
    m->pieces = pieces;
    m->statuses = ARENA_ARRAY(m->arena, MPI_Status, n);
    m->done = ARENA_ARRAY(m->arena, int, n);
    m->capacity = n;
}

// Tags 2k belong to the plan's operations, 2k + 1 to the small collectives (top bit of seq).
static int tag_of(const struct fabric_mpi *m, uint64_t seq)
{
    const uint64_t small = seq >> 63;
    return (int)(2 * ((seq & (UINT64_MAX >> 1)) % (m->n_tags / 2)) + small);
}

static enum err post_piece(struct fabric_mpi *m, const struct piece *p, void *data)
{
    grow(m);
    MPI_Request *request = &m->requests[m->n_active];
    const int tag = tag_of(m, p->op->seq);
    const int code = p->direction == FABRIC_SEND
                         ? MPI_Isend(data, p->n_bytes, MPI_BYTE, p->peer, tag, m->comm, request)
                         : MPI_Irecv(data, p->n_bytes, MPI_BYTE, p->peer, tag, m->comm, request);
    if (code != MPI_SUCCESS)
        return say(code, p->direction == FABRIC_SEND ? "send to" : "receive from", p->op, p->peer);
    m->pieces[m->n_active++] = *p;
    p->op->n_pending++;
    return OK;
}

static enum err post(struct fabric *f, struct fabric_operation *op,
                     const struct fabric_message *message)
{
    struct fabric_mpi *m = mpi_of(f);
    ASSERT(message->data != NULL);
    for (size_t offset = 0; offset < message->n_bytes; offset += m->piece_bytes) {
        const size_t n_bytes = size_min(m->piece_bytes, message->n_bytes - offset);
        const struct piece p = {op, message->direction, message->peer, (int)n_bytes};
        TRY(post_piece(m, &p, (unsigned char *)message->data + offset));
    }
    return OK;
}

static enum err check_done(const struct piece *p, const MPI_Status *status, bool has_error)
{
    if (has_error && status->MPI_ERROR != MPI_SUCCESS)
        return say(status->MPI_ERROR, p->direction == FABRIC_SEND ? "send to" : "receive from",
                   p->op, p->peer);
    if (p->direction == FABRIC_SEND) return OK;
    int n_bytes = 0;
    MPI_Get_count(status, MPI_BYTE, &n_bytes);
    if (n_bytes == p->n_bytes) return OK;
    return fail(ERR_INVARIANT, "%s seq %llu: rank %d sent %d bytes where %d were expected",
                p->op->name, (unsigned long long)p->op->seq, p->peer, n_bytes, p->n_bytes);
}

// Bytes from a peer are checked like any others.
static void hear_word(struct fabric_mpi *m)
{
    struct abort_word *w = &m->word;
    w->line[sizeof w->line - 1] = '\0';
    const bool known = w->code > OK && w->code < ERR_N && w->rank >= 0 && w->rank < m->core.size;
    const enum err e = known ? (enum err)w->code : ERR_INVARIANT;
    if (m->core.broken == OK) m->core.told = true;
    (void)!fabric_core_break(
        &m->core, fail(e, "rank %d step %lld: %s", w->rank, (long long)w->step, w->line));
}

static void drop_done(struct fabric_mpi *m)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->n_active; i++) {
        if (m->pieces[i].op == NULL) continue;
        m->requests[kept] = m->requests[i];
        m->pieces[kept++] = m->pieces[i];
    }
    m->n_active = kept;
}

static void complete(struct fabric_mpi *m, int n_done, bool has_error)
{
    for (int i = 0; i < n_done; i++) {
        struct piece *p = &m->pieces[m->done[i]];
        if (p->op == &m->abort_op) {
            hear_word(m);
            continue;
        }
        enum err e = check_done(p, &m->statuses[i], has_error);
        if (e != OK) (void)!fabric_core_break(&m->core, e);
        p->op->n_pending--;
        p->op = NULL;
    }
    if (n_done > 0) drop_done(m); // after the abort word nothing is polled any more
}

static void poll(struct fabric *f)
{
    struct fabric_mpi *m = mpi_of(f);
    if (f->broken != OK) return;
    int n_done = 0;
    const int code = MPI_Testsome((int)m->n_active, m->requests, &n_done, m->done, m->statuses);
    if (code == MPI_SUCCESS || code == MPI_ERR_IN_STATUS) {
        complete(m, n_done == MPI_UNDEFINED ? 0 : n_done, code != MPI_SUCCESS);
        return;
    }
    (void)!fabric_core_break(f, check_mpi(code, "MPI_Testsome"));
}

static void finish(struct fabric *f, const struct fabric_operation *op)
{
    (void)f;
    ASSERT(op->n_pending == 0);
}

// The oldest message, if it is one of the plan's, that a missing rank sent and nobody here asked
// for.
static void find_stray(const struct fabric_mpi *m, struct fabric_missing *out)
{
    for (int r = 0; r < m->core.size && !out->has_stray; r++) {
        MPI_Status status;
        int found = 0;
        if (!out->from[r]) continue;
        if (MPI_Iprobe(r, MPI_ANY_TAG, m->comm, &found, &status) != MPI_SUCCESS) return;
        if (!found || status.MPI_TAG % 2 != 0) continue;
        out->has_stray = true;
        out->stray_rank = r;
        out->stray_seq = (uint64_t)status.MPI_TAG / 2;
    }
}

static void missing(const struct fabric *f, const struct fabric_operation *op,
                    struct fabric_missing *out)
{
    const struct fabric_mpi *m = (const struct fabric_mpi *)f;
    for (size_t i = 0; i < m->n_active; i++) {
        const struct piece *p = &m->pieces[i];
        if (p->op != op) continue;
        (p->direction == FABRIC_SEND ? out->to : out->from)[p->peer] = true;
        out->n_bytes += (size_t)p->n_bytes;
    }
    find_stray(m, out);
}

// Synchronous sends: done once the other side has the word.
static void raise_word(struct fabric *f, enum err e, long step)
{
    struct fabric_mpi *m = mpi_of(f);
    struct abort_word word = {.code = (int32_t)e, .rank = f->rank, .step = step};
    strncat(word.line, err_line(), sizeof word.line - 1);
    for (int r = 0; r < f->size; r++) {
        m->abort_sends[r] = MPI_REQUEST_NULL;
        if (r != f->rank)
            MPI_Issend(&word, (int)sizeof word, MPI_BYTE, r, 0, m->abort_comm, &m->abort_sends[r]);
    }
    const uint64_t began_ns = clock_now_ns();
    for (int done = 0; !done && clock_now_ns() - began_ns < RAISE_LIMIT_NS;) {
        if (MPI_Testall(f->size, m->abort_sends, &done, MPI_STATUSES_IGNORE) != MPI_SUCCESS) return;
        if (!done) sched_yield();
    }
}

static void leave(struct fabric *f, int code)
{
    MPI_Abort(mpi_of(f)->comm, code);
    _Exit(code);
}

static void close_mpi(struct fabric *f)
{
    struct fabric_mpi *m = mpi_of(f);
    ASSERT(m->n_active == 1);
    MPI_Cancel(&m->requests[0]);
    MPI_Wait(&m->requests[0], MPI_STATUS_IGNORE);
    MPI_Comm_free(&m->abort_comm);
    MPI_Comm_free(&m->comm);
    MPI_Finalize();
}

static const struct fabric_driver driver = {.can_block = true,
                                            .post = post,
                                            .poll = poll,
                                            .finish = finish,
                                            .missing = missing,
                                            .raise = raise_word,
                                            .close = close_mpi,
                                            .exit = leave};

bool fabric_launched(void)
{
    return getenv("OMPI_COMM_WORLD_RANK") != NULL || getenv("PMIX_RANK") != NULL;
}

static enum err init_mpi(struct fabric_mpi *m)
{
    int provided = MPI_THREAD_SINGLE;
    TRY(check_mpi(MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread"));
    if (provided < MPI_THREAD_FUNNELED)
        return fail(ERR_GONE, "MPI_Init_thread: this MPI has no MPI_THREAD_FUNNELED");
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    TRY(check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &m->comm), "MPI_Comm_dup"));
    TRY(check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &m->abort_comm), "MPI_Comm_dup"));
    MPI_Comm_set_errhandler(m->comm, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(m->abort_comm, MPI_ERRORS_RETURN);
    int *limit = NULL, found = 0;
    MPI_Comm_get_attr(m->comm, MPI_TAG_UB, &limit, &found);
    m->n_tags = found ? (uint64_t)*limit + 1 : 32768; // what MPI promises at least
    return OK;
}

static enum err listen(struct fabric_mpi *m)
{
    grow(m);
    m->pieces[0] = (struct piece){&m->abort_op, FABRIC_RECV, -1, (int)sizeof m->word};
    m->n_active = 1;
    return check_mpi(MPI_Irecv(&m->word, (int)sizeof m->word, MPI_BYTE, MPI_ANY_SOURCE, 0,
                               m->abort_comm, &m->requests[0]),
                     "MPI_Irecv");
}

// By MPI's own collectives: the abort word of a rank that is already through must not end them.
static enum err find_nodes(struct fabric_mpi *m, int *leaders)
{
    MPI_Comm node;
    int leader = m->core.rank;
    TRY(check_mpi(MPI_Comm_split_type(m->comm, MPI_COMM_TYPE_SHARED, leader, MPI_INFO_NULL, &node),
                  "MPI_Comm_split_type"));
    const int code = MPI_Bcast(&leader, 1, MPI_INT, 0, node);
    MPI_Comm_free(&node);
    TRY(check_mpi(code, "MPI_Bcast"));
    TRY(check_mpi(MPI_Allgather(&leader, 1, MPI_INT, leaders, 1, MPI_INT, m->comm),
                  "MPI_Allgather"));
    fabric_core_nodes(&m->core, leaders);
    return OK;
}

enum err fabric_open_mpi(const struct fabric_options *o, struct arena *a, struct fabric **out)
{
    struct fabric_mpi *m = ARENA_NEW(a, struct fabric_mpi);
    uint64_t deadline_ns = 0;
    TRY(fabric_core_deadline(o, &deadline_ns));
    TRY(init_mpi(m));
    struct fabric_place place = {.driver = &driver};
    MPI_Comm_rank(m->comm, &place.rank);
    MPI_Comm_size(m->comm, &place.size);
    fabric_core_init(&m->core, place, a);
    m->core.deadline_ns = deadline_ns;
    m->piece_bytes = o != NULL && o->piece_bytes != 0 ? size_min(o->piece_bytes, PIECE_BYTES)
                                                      : (size_t)PIECE_BYTES;
    m->abort_sends = ARENA_ARRAY(a, MPI_Request, (size_t)place.size);
    m->arena = a;
    TRY(find_nodes(m, ARENA_ARRAY(a, int, (size_t)place.size)));
    TRY(listen(m));
    *out = &m->core;
    return OK;
}
