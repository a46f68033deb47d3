#include "topology/fabric_core.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/number.h"
#include "topology/schedule.h"

static const uint64_t DEADLINE_DEFAULT_NS = 60ull * 1000 * 1000 * 1000;
static const double DEADLINE_LIMIT_S = 1e6;
static const uint64_t SMALL_SEQ = 1ull << 63; // set in the seq of small collectives
enum { SPINS = 200, YIELDS = 2000, CLOCK_EVERY = 32, NAP_NS = 20000 };

void fabric_core_init(struct fabric *f, struct fabric_place place, struct arena *a)
{
    const size_t size = (size_t)place.size;
    f->driver = place.driver;
    f->rank = place.rank;
    f->size = place.size;
    f->deadline_ns = DEADLINE_DEFAULT_NS;
    f->node_of = ARENA_ARRAY(a, int, size);
    f->local_rank_of = ARENA_ARRAY(a, int, size);
    f->messages = ARENA_ARRAY(a, struct fabric_message, 2 * size);
    f->missing.from = ARENA_ARRAY(a, bool, size);
    f->missing.to = ARENA_ARRAY(a, bool, size);
    f->codes = ARENA_ARRAY(a, unsigned char, size);
    for (int r = 0; r < f->size; r++)
        f->node_of[r] = r;
    f->local_size = 1;
    f->n_nodes = f->size;
}

enum err fabric_core_deadline(const struct fabric_options *o, uint64_t *deadline_ns)
{
    const char *text = getenv("WEFT_DEADLINE_S");
    if (text == NULL || *text == '\0') {
        *deadline_ns = o != NULL && o->deadline_ns != 0 ? o->deadline_ns : DEADLINE_DEFAULT_NS;
        return OK;
    }
    double seconds = 0;
    if (!number_parse_f64(text, &seconds) || seconds <= 0 || seconds > DEADLINE_LIMIT_S)
        return fail(ERR_USAGE, "WEFT_DEADLINE_S=%s: want seconds, above 0 and at most %.0f", text,
                    DEADLINE_LIMIT_S);
    *deadline_ns = (uint64_t)(seconds * 1e9);
    return OK;
}

void fabric_core_nodes(struct fabric *f, const int *leaders)
{
    f->n_nodes = 0;
    for (int r = 0; r < f->size; r++) {
        const bool leads = leaders[r] == r;
        f->node_of[r] = leads ? f->n_nodes : f->node_of[leaders[r]];
        f->n_nodes += leads;
        f->local_rank_of[r] = 0;
        for (int before = leaders[r]; before < r; before++)
            f->local_rank_of[r] += leaders[before] == leaders[r];
    }
    f->local_size = 0;
    for (int r = 0; r < f->size; r++)
        f->local_size += f->node_of[r] == f->node_of[f->rank];
}

enum err fabric_core_break(struct fabric *f, enum err e)
{
    if (f->broken != OK) return f->broken;
    f->broken = e;
    snprintf(f->broken_line, sizeof f->broken_line, "%s", err_line());
    return e;
}

static enum err check_broken(const struct fabric *f)
{
    return f->broken == OK ? OK : fail(f->broken, "%s", f->broken_line);
}

static enum err self_unmatched(const struct fabric_operation *op, const struct fabric_message *m)
{
    return fail(ERR_INVARIANT,
                "%s seq %llu: a %s of %zu bytes with this rank itself has no partner", op->name,
                (unsigned long long)op->seq, m->direction == FABRIC_SEND ? "send" : "receive",
                m->n_bytes);
}

static size_t next_self(const struct fabric *f, const struct fabric_message *messages, size_t n,
                        size_t i, enum fabric_direction direction)
{
    while (i < n && !(messages[i].peer == f->rank && messages[i].direction == direction &&
                      messages[i].n_bytes > 0))
        i++;
    return i;
}

// The i-th send of this rank to itself is copied to its i-th receive from itself.
static enum err copy_self(const struct fabric *f, const struct fabric_operation *op,
                          const struct fabric_message *messages, size_t n)
{
    size_t s = 0, r = 0;
    for (;; s++, r++) {
        s = next_self(f, messages, n, s, FABRIC_SEND);
        r = next_self(f, messages, n, r, FABRIC_RECV);
        if (s == n && r == n) return OK;
        if (r == n) return self_unmatched(op, &messages[s]);
        if (s == n || messages[s].n_bytes != messages[r].n_bytes)
            return self_unmatched(op, &messages[r]);
        ASSERT((messages[s].data == NULL) == (messages[r].data == NULL));
        if (messages[s].data != NULL && messages[s].data != messages[r].data)
            memcpy(messages[r].data, messages[s].data, messages[s].n_bytes);
    }
}

static enum err take_operation(struct fabric *f, uint64_t seq, const char *name,
                               struct fabric_operation **out)
{
    struct fabric_operation *free_one = NULL;
    for (size_t i = 0; i < FABRIC_OPERATION_LIMIT; i++) {
        struct fabric_operation *op = &f->operations[i];
        if (op->id == 0)
            free_one = op;
        else if (op->seq == seq)
            return fail(ERR_INVARIANT, "%s: seq %llu is still under way as %s", name,
                        (unsigned long long)seq, op->name);
    }
    if (free_one == NULL)
        return fail(ERR_INVARIANT, "%s seq %llu: %d operations are under way already", name,
                    (unsigned long long)seq, FABRIC_OPERATION_LIMIT);
    const uint64_t slot = (uint64_t)(free_one - f->operations);
    *free_one =
        (struct fabric_operation){.id = ++f->n_started * FABRIC_OPERATION_LIMIT + slot, .seq = seq};
    snprintf(free_one->name, sizeof free_one->name, "%s", name);
    *out = free_one;
    return OK;
}

// Receives first: what arrives then has a place to go.
static enum err post_all(struct fabric *f, struct fabric_operation *op,
                         const struct fabric_message *messages, size_t n)
{
    static const enum fabric_direction turns[] = {FABRIC_RECV, FABRIC_SEND};
    for (size_t turn = 0; turn < 2; turn++) {
        for (size_t i = 0; i < n; i++) {
            const struct fabric_message *m = &messages[i];
            ASSERT(m->peer >= 0 && m->peer < f->size);
            if (m->direction != turns[turn] || m->peer == f->rank || m->n_bytes == 0) continue;
            enum err e = f->driver->post(f, op, m);
            if (e != OK) return fabric_core_break(f, e);
        }
    }
    return OK;
}

static enum err start(struct fabric *f, uint64_t seq, const char *name,
                      const struct fabric_message *messages, size_t n_messages,
                      struct fabric_ticket *out)
{
    TRY(check_broken(f));
    struct fabric_operation *op = NULL;
    TRY(take_operation(f, seq, name, &op));
    enum err e = copy_self(f, op, messages, n_messages);
    if (e != OK) return fabric_core_break(f, e);
    TRY(post_all(f, op, messages, n_messages));
    out->id = op->id;
    return OK;
}

enum err fabric_start(struct fabric *f, uint64_t seq, const char *name,
                      const struct fabric_message *messages, size_t n_messages,
                      struct fabric_ticket *out)
{
    ASSERT(seq < SMALL_SEQ);
    return start(f, seq, name, messages, n_messages, out);
}

static struct fabric_operation *find(struct fabric *f, const struct fabric_ticket *t)
{
    struct fabric_operation *op = &f->operations[t->id % FABRIC_OPERATION_LIMIT];
    ASSERT(op->id == t->id);
    return op;
}

static void finish(struct fabric *f, struct fabric_operation *op, struct fabric_ticket *t)
{
    f->driver->finish(f, op);
    op->id = 0;
    t->id = 0;
}

void fabric_poll(struct fabric *f)
{
    f->driver->poll(f);
}

bool fabric_test(struct fabric *f, struct fabric_ticket *t)
{
    if (t->id == 0) return true;
    f->driver->poll(f);
    struct fabric_operation *op = find(f, t);
    if (f->broken != OK) return true;
    if (op->n_pending > 0) return false;
    finish(f, op, t);
    return true;
}

// Appends " from ranks 0-3,7" for the ranks that are set; nothing when none is.
static void print_ranks(const char *word, const bool *set, int size, char *line, size_t n_bytes)
{
    const char *separator = word;
    for (int r = 0; r < size; r++) {
        if (!set[r]) continue;
        int last = r;
        while (last + 1 < size && set[last + 1])
            last++;
        const size_t used = strlen(line);
        if (last == r)
            snprintf(line + used, n_bytes - used, "%s%d", separator, r);
        else
            snprintf(line + used, n_bytes - used, "%s%d-%d", separator, r, last);
        separator = ",";
        r = last;
    }
}

static void print_missing(struct fabric *f, const struct fabric_operation *op, char *line,
                          size_t n_bytes)
{
    struct fabric_missing *m = &f->missing;
    memset(m->from, 0, (size_t)f->size * sizeof *m->from);
    memset(m->to, 0, (size_t)f->size * sizeof *m->to);
    m->n_bytes = 0;
    m->has_stray = false;
    f->driver->missing(f, op, m);
    snprintf(line, n_bytes, "%zu bytes still missing,", m->n_bytes);
    print_ranks(" from rank ", m->from, f->size, line, n_bytes);
    print_ranks(" to rank ", m->to, f->size, line, n_bytes);
    const size_t used = strlen(line);
    if (m->has_stray)
        snprintf(line + used, n_bytes - used, "; rank %d has sent seq %llu", m->stray_rank,
                 (unsigned long long)m->stray_seq);
}

static enum err hang(struct fabric *f, const struct fabric_operation *op)
{
    char missing[FABRIC_LINE_BYTES / 2];
    print_missing(f, op, missing, sizeof missing);
    if (!f->driver->can_block)
        return fail(ERR_INVARIANT, "%s seq %llu would block on the simulated fabric: %s", op->name,
                    (unsigned long long)op->seq, missing);
    return fail(ERR_HANG, "%s seq %llu has no end after %.3g s: %s", op->name,
                (unsigned long long)op->seq, (double)f->deadline_ns * 1e-9, missing);
}

static void rest(uint64_t turn)
{
    if (turn < SPINS) return;
    if (turn < YIELDS)
        sched_yield();
    else
        clock_nap_ns(NAP_NS);
}

enum err fabric_wait(struct fabric *f, struct fabric_ticket *t)
{
    if (t->id == 0) return OK;
    struct fabric_operation *op = find(f, t);
    uint64_t began_ns = 0;
    for (uint64_t turn = 0;; turn++) {
        f->driver->poll(f);
        TRY(check_broken(f));
        if (op->n_pending == 0) break;
        if (!f->driver->can_block) return hang(f, op);
        if (turn % CLOCK_EVERY == 0) {
            const uint64_t now_ns = clock_now_ns();
            if (began_ns == 0) began_ns = now_ns;
            if (now_ns - began_ns >= f->deadline_ns) return hang(f, op);
        }
        rest(turn);
    }
    finish(f, op, t);
    return OK;
}

static enum err small(struct fabric *f, const char *name, size_t n_messages)
{
    struct fabric_ticket t = {0};
    TRY(start(f, SMALL_SEQ | f->n_small++, name, f->messages, n_messages, &t));
    return fabric_wait(f, &t);
}

enum err fabric_all_gather(struct fabric *f, const void *mine, size_t n_bytes, void *all)
{
    unsigned char *buffer = all;
    if (n_bytes == 0) return OK;
    memmove(buffer + (size_t)f->rank * n_bytes, mine, n_bytes);
    const struct schedule_ranks who = {f->size, f->rank};
    return small(f, "all-gather", schedule_all_gather(who, n_bytes, buffer, f->messages));
}

// Every rank but root takes root's line.
static enum err share_line(struct fabric *f, enum err e, int root)
{
    char cause[FABRIC_LINE_BYTES] = "";
    if (f->rank == root) snprintf(cause, sizeof cause, "%s", err_line());
    const struct schedule_ranks who = {f->size, f->rank};
    TRY(small(f, "share error line",
              schedule_broadcast(who, root, sizeof cause, (unsigned char *)cause, f->messages)));
    cause[sizeof cause - 1] = '\0';
    if (f->rank == root) return fail(e, "%s", cause);
    return fail(e, "rank %d: %s", root, cause);
}

enum err fabric_agree(struct fabric *f, enum err mine)
{
    char line[FABRIC_LINE_BYTES];
    snprintf(line, sizeof line, "%s", err_line());
    const unsigned char code = (unsigned char)mine;
    enum err e = fabric_all_gather(f, &code, 1, f->codes);
    if (e != OK) return mine == OK ? e : fail(mine, "%s", line);
    for (int r = 0; r < f->size; r++) {
        if (f->codes[r] == OK) continue;
        return share_line(f, f->codes[r] < ERR_N ? (enum err)f->codes[r] : ERR_INVARIANT, r);
    }
    return OK;
}

void fabric_abort(struct fabric *f, enum err e, long step)
{
    fflush(stdout);
    if (!f->told) {
        fprintf(stderr, "weft: rank %d step %ld: %s\n", f->rank, step, err_line());
        fflush(stderr);
        if (f->driver->raise != NULL) f->driver->raise(f, e, step);
    }
    f->driver->exit(f, err_exit_code(e));
    _Exit(err_exit_code(e));
}

void fabric_close(struct fabric *f)
{
    const bool has_peers = f->driver->raise != NULL;
    if (has_peers && f->broken != OK) {
        err_record("%s", f->broken_line);
        fabric_abort(f, f->broken, -1);
    }
    f->driver->close(f);
}

void fabric_set_deadline(struct fabric *f, uint64_t deadline_ns)
{
    f->deadline_ns = deadline_ns;
}

int fabric_rank(const struct fabric *f)
{
    return f->rank;
}

int fabric_size(const struct fabric *f)
{
    return f->size;
}

int fabric_local_rank(const struct fabric *f)
{
    return f->local_rank_of[f->rank];
}

int fabric_local_size(const struct fabric *f)
{
    return f->local_size;
}

int fabric_node(const struct fabric *f)
{
    return f->node_of[f->rank];
}

int fabric_n_nodes(const struct fabric *f)
{
    return f->n_nodes;
}

int fabric_node_of(const struct fabric *f, int rank)
{
    return f->node_of[rank];
}

int fabric_local_rank_of(const struct fabric *f, int rank)
{
    return f->local_rank_of[rank];
}
