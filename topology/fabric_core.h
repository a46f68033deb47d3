#pragma once
// What all fabrics share, inside topology only: operations in flight, checks, self messages, waits
// with their deadline, and the small collectives. A driver moves the messages between two ranks.

#include "topology/fabric.h"

enum { FABRIC_OPERATION_LIMIT = 128, FABRIC_NAME_BYTES = 48, FABRIC_LINE_BYTES = 512 };

struct fabric_operation {
    uint64_t id; // 0 = free
    uint64_t seq;
    size_t n_pending; // messages, or pieces of them, that are under way
    double done_s;    // sim: when the last of them was done
    char name[FABRIC_NAME_BYTES];
};

// Whom an operation still waits for: filled by the driver, printed by the core.
struct fabric_missing {
    bool *from, *to; // [size]
    size_t n_bytes;
    // A message of a missing rank for an operation that is not started here: it is ahead, or
    // astray. stray_seq is modulo MPI's tag range.
    bool has_stray;
    int stray_rank;
    uint64_t stray_seq;
};

struct fabric_driver {
    bool can_block;
    /// Starts one message of op (n_bytes > 0, peer another rank); counts op->n_pending up and, when
    /// done, down.
    enum err (*post)(struct fabric *f, struct fabric_operation *op, const struct fabric_message *m);
    void (*poll)(struct fabric *f);
    /// Called once when op is done, before its waiter goes on.
    void (*finish)(struct fabric *f, const struct fabric_operation *op);
    void (*missing)(const struct fabric *f, const struct fabric_operation *op,
                    struct fabric_missing *out);
    /// Delivers the error line to every rank, as far as it can within a bounded time. NULL = nobody
    /// to tell.
    void (*raise)(struct fabric *f, enum err e, long step);
    void (*close)(struct fabric *f);
    void (*exit)(struct fabric *f, int code); // ends every rank; does not return
};

struct fabric {
    const struct fabric_driver *driver;
    int rank, size;
    int *node_of, *local_rank_of; // [size]
    int local_size, n_nodes;
    uint64_t deadline_ns;
    uint64_t n_started; // makes operation ids
    uint64_t n_small;   // small collectives so far: their own sequence space
    enum err broken;    // what broke the fabric, or OK
    char broken_line[FABRIC_LINE_BYTES];
    bool told;                       // broken by the abort word: its sender has printed the line
    struct fabric_message *messages; // [2 * size] of the small collectives
    struct fabric_missing missing;
    unsigned char *codes; // [size] of fabric_agree
    struct fabric_operation operations[FABRIC_OPERATION_LIMIT];
};

struct fabric_place {
    const struct fabric_driver *driver;
    int rank, size;
};
/// Fills f: every rank a node of its own, default deadline. Arrays live in a. Can't fail.
void fabric_core_init(struct fabric *f, struct fabric_place place, struct arena *a);
/// Reads WEFT_DEADLINE_S over o (may be NULL). Errors: ERR_USAGE.
enum err fabric_core_deadline(const struct fabric_options *o, uint64_t *deadline_ns) MUST_CHECK;
/// Nodes from leaders[size], the lowest rank that shares memory with each rank. Can't fail.
void fabric_core_nodes(struct fabric *f, const int *leaders);
/// Marks f broken by the error line just recorded and returns e.
enum err fabric_core_break(struct fabric *f, enum err e);
