#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 1024 };

static _Thread_local char line[LINE_BYTES];
static int place_rank = -1;
static long place_step = -1;

static const struct {
    const char *name;
    int exit_code;
} table[] = {
#define X(name, code, text) {#name, code},
    ERR_TABLE(X)
#undef X
};

void err_record(const char *format, ...)
{
    char recorded[LINE_BYTES]; // the arguments may name the line itself
    va_list args;
    va_start(args, format);
    vsnprintf(recorded, sizeof recorded, format, args);
    va_end(args);
    snprintf(line, sizeof line, "%s", recorded);
}

void err_record_at(const char *format, ...)
{
    char where[LINE_BYTES / 2 - 2], cause[LINE_BYTES / 2];
    va_list args;
    va_start(args, format);
    vsnprintf(where, sizeof where, format, args);
    va_end(args);
    snprintf(cause, sizeof cause, "%.*s", (int)sizeof cause - 1, line);
    snprintf(line, sizeof line, "%s: %s", where, cause);
}

void err_clear(void)
{
    line[0] = '\0';
}

const char *err_line(void)
{
    return line;
}

int err_exit_code(enum err e)
{
    return table[e < ERR_N ? e : ERR_INVARIANT].exit_code;
}

const char *err_name(enum err e)
{
    return table[e < ERR_N ? e : ERR_INVARIANT].name;
}

void err_set_place(int rank, long step)
{
    place_rank = rank;
    place_step = step;
}

void err_abort(const char *file, int file_line, const char *format, ...)
{
    fprintf(stderr, "weft: rank %d step %ld: %s:%d: ", place_rank, place_step, file, file_line);
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    abort();
}
