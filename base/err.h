#pragma once
// Errors. A function that can fail returns `enum err` (0 = OK). Whoever first knows the cause says
// it, once, with fail(): one line naming what, where and what to do, kept per thread. Only main and
// tests print it.
//
//     if (fd < 0) return fail(ERR_IO, "open %s: %s", path, strerror(errno));
//     TRY(shard_open(&s, path));

#include <stddef.h>

// One row an error: name, exit code of the process, meaning.
#define ERR_TABLE(X)                          \
    X(OK, 0, "done")                          \
    X(ERR_USAGE, 64, "usage")                 \
    X(ERR_DATA, 65, "bad data or checkpoint") \
    X(ERR_CORRUPT, 65, "checksum mismatch")   \
    X(ERR_INVARIANT, 70, "broken invariant")  \
    X(ERR_MEMORY, 70, "out of memory")        \
    X(ERR_IO, 74, "I/O error or disk full")   \
    X(ERR_GONE, 74, "peer went away")         \
    X(ERR_REQUEUE, 75, "saved, requeue me")   \
    X(ERR_DENIED, 77, "not authorised")       \
    X(ERR_CONFIG, 78, "bad run file")         \
    X(ERR_HANG, 79, "hang")                   \
    X(ERR_DIVERGED, 80, "NaN, spike or corruption")

enum err {
#define X(name, code, text) name,
    ERR_TABLE(X)
#undef X
        ERR_N
};

// fail(e, format, ...) records the cause in this thread's line and is e; fail_at(e, format, ...)
// prefixes the line with "format: ", for callers that know where. Macros, so that the compiler sees
// that a constant error is not OK and outputs are only read when they were written.
#define fail(e, ...) ((void)err_record(__VA_ARGS__), (e))
#define fail_at(e, ...) ((void)err_record_at(__VA_ARGS__), (e))

/// Sets this thread's line. Local. Can't fail.
void err_record(const char *format, ...) __attribute__((format(printf, 1, 2)));
/// Prefixes this thread's line with "format: ". Local. Can't fail.
void err_record_at(const char *format, ...) __attribute__((format(printf, 1, 2)));
/// Empties this thread's line: another rank says the cause. Local.
void err_clear(void);

/// The line recorded last in this thread ("" if none). Can't fail.
const char *err_line(void);
/// Exit code of the table above for e. Can't fail.
int err_exit_code(enum err e);
/// "ERR_IO" for ERR_IO. Can't fail.
const char *err_name(enum err e);

/// Says which rank and step ASSERT and fatal lines name; -1 = unknown. Local.
void err_set_place(int rank, long step);

/// Prints "weft: rank R step S: file:line: ..." and aborts. Thread-safe. Does not return.
_Noreturn void err_abort(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Put on every declaration that returns enum err.
#define MUST_CHECK __attribute__((warn_unused_result))

#define TRY(call)                            \
    do {                                     \
        enum err try_err_ = (call);          \
        if (try_err_ != OK) return try_err_; \
    } while (0)

// Programmer error: stays on in release, aborts naming rank and step.
#define ASSERT(cond)                                                               \
    do {                                                                           \
        if (!(cond)) err_abort(__FILE__, __LINE__, "assertion failed: %s", #cond); \
    } while (0)

#ifdef WEFT_DEBUG
#define DASSERT(cond) ASSERT(cond)
#else
#define DASSERT(cond) ((void)0)
#endif
