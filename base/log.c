#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/size.h"

enum { LINE_BYTES = 2048 };
static const char CLEAR[] = "\r\033[K";

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool progress_shown; // guarded by lock

// Nobody can be told when this fails.
static void put(int fd, const char *data, size_t n_bytes)
{
    ssize_t n = write(fd, data, n_bytes);
    (void)n;
}

static void clear_progress(void)
{
    if (progress_shown) put(STDOUT_FILENO, CLEAR, sizeof CLEAR - 1);
    progress_shown = false;
}

// prefix + the formatted text + end into line, cut to fit; returns its length.
__attribute__((format(printf, 4, 0))) static size_t line_format(char line[LINE_BYTES],
                                                                const char *prefix, const char *end,
                                                                const char *format, va_list args)
{
    size_t n_prefix = strlen(prefix), n_end = strlen(end), room = LINE_BYTES - n_prefix - n_end;
    memcpy(line, prefix, n_prefix);
    int n = vsnprintf(line + n_prefix, room, format, args);
    size_t n_text = n < 0 ? 0 : size_min((size_t)n, room - 1);
    memcpy(line + n_prefix + n_text, end, n_end);
    return n_prefix + n_text + n_end;
}

void log_line(const char *format, ...)
{
    char line[LINE_BYTES];
    va_list args;
    va_start(args, format);
    size_t n_bytes = line_format(line, "weft: ", "\n", format, args);
    va_end(args);
    pthread_mutex_lock(&lock);
    clear_progress();
    put(STDERR_FILENO, line, n_bytes);
    pthread_mutex_unlock(&lock);
}

void log_progress(const char *format, ...)
{
    // mpirun gives its ranks a terminal to write to even when its own output is a file.
    if (!isatty(STDOUT_FILENO) || !isatty(STDERR_FILENO)) return;
    char line[LINE_BYTES];
    va_list args;
    va_start(args, format);
    size_t n_bytes = line_format(line, CLEAR, "", format, args);
    va_end(args);
    pthread_mutex_lock(&lock);
    put(STDOUT_FILENO, line, n_bytes);
    progress_shown = true;
    pthread_mutex_unlock(&lock);
}

void log_progress_end(void)
{
    pthread_mutex_lock(&lock);
    clear_progress();
    pthread_mutex_unlock(&lock);
}
