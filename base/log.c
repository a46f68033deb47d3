#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/number.h"
#include "base/size.h"

enum { LINE_BYTES = 2048 };
static const char CLEAR[] = "\r\033[K";
static const double PROGRESS_S = 30;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool progress_shown;  // guarded by lock
static uint64_t progress_ns; // guarded by lock: when a line of progress was due last; 0 = never

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

__attribute__((format(printf, 1, 0))) static void put_line(const char *format, va_list args)
{
    char line[LINE_BYTES];
    const size_t n_bytes = line_format(line, "weft: ", "\n", format, args);
    pthread_mutex_lock(&lock);
    clear_progress();
    put(STDERR_FILENO, line, n_bytes);
    pthread_mutex_unlock(&lock);
}

void log_line(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put_line(format, args);
    va_end(args);
}

// mpirun gives its ranks a terminal to write to even when its own output is a file.
static bool has_terminals(void)
{
    return isatty(STDOUT_FILENO) && isatty(STDERR_FILENO);
}

__attribute__((format(printf, 1, 0))) static void show_progress(const char *format, va_list args)
{
    char line[LINE_BYTES];
    const size_t n_bytes = line_format(line, CLEAR, "", format, args);
    pthread_mutex_lock(&lock);
    put(STDOUT_FILENO, line, n_bytes);
    progress_shown = true;
    pthread_mutex_unlock(&lock);
}

// Whether the time for a plain line has come; the first is due when it could have been news.
static bool progress_due(void)
{
    const char *text = getenv("WEFT_PROGRESS_S");
    double seconds = PROGRESS_S;
    if (text && (!number_parse_f64(text, &seconds) || !(seconds >= 0))) seconds = PROGRESS_S;
    const uint64_t now_ns = clock_now_ns();
    pthread_mutex_lock(&lock);
    if (progress_ns == 0) progress_ns = now_ns;
    const bool due = (double)(now_ns - progress_ns) >= seconds * 1e9;
    if (due) progress_ns = now_ns;
    pthread_mutex_unlock(&lock);
    return due;
}

void log_progress(const char *format, ...)
{
    const bool shown = has_terminals();
    if (!shown && !progress_due()) return;
    va_list args;
    va_start(args, format);
    if (shown)
        show_progress(format, args);
    else
        put_line(format, args);
    va_end(args);
}

void log_progress_end(void)
{
    pthread_mutex_lock(&lock);
    clear_progress();
    pthread_mutex_unlock(&lock);
}
