#include "datad/slots.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE };

/// A sealed memfd of n_bytes, mapped for writing before the seal that forbids it to others.
static enum err create(const char *name, size_t n_bytes, int *fd, void **map)
{
    *fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (*fd < 0) return fail(ERR_MEMORY, "memfd %s: %s", name, strerror(errno));
    *map = MAP_FAILED;
    if (ftruncate(*fd, (off_t)n_bytes) == 0)
        *map = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
    if (*map != MAP_FAILED && fcntl(*fd, F_ADD_SEALS, SEALS | F_SEAL_SEAL) == 0) return OK;
    const int cause = errno;
    if (*map != MAP_FAILED) munmap(*map, n_bytes);
    close(*fd);
    return fail(ERR_MEMORY, "memfd %s of %zu bytes: %s", name, n_bytes, strerror(cause));
}

/// n_slots * slot_bytes is known not to overflow (protocol.c, batch.h).
static size_t rows_bytes(const struct slots *s)
{
    return s->n_slots * s->slot_bytes;
}

static size_t words_bytes(const struct slots *s)
{
    return s->n_slots * sizeof(uint32_t);
}

enum err slots_create(size_t n_slots, size_t slot_bytes, int fds[2], struct slots *out)
{
    struct slots s = {.n_slots = n_slots, .slot_bytes = slot_bytes};
    void *rows, *words;
    TRY(create("weft-rows", rows_bytes(&s), &fds[0], &rows));
    const enum err e = create("weft-words", words_bytes(&s), &fds[1], &words);
    if (e != OK) {
        munmap(rows, rows_bytes(&s));
        close(fds[0]);
        return e;
    }
    s.rows = rows;
    s.words = words;
    *out = s;
    return OK;
}

/// Sealed and long enough, so that reading it can never fault.
static enum err check(int fd, size_t n_bytes)
{
    struct stat st;
    const int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & F_SEAL_SHRINK) == 0)
        return fail(ERR_DATA, "datad passed memory that is not sealed");
    if (fstat(fd, &st) != 0 || st.st_size < 0 || (size_t)st.st_size < n_bytes)
        return fail(ERR_DATA, "datad passed memory of fewer than %zu bytes", n_bytes);
    return OK;
}

static enum err map_read(int fd, size_t n_bytes, void **out)
{
    TRY(check(fd, n_bytes));
    void *map = mmap(NULL, n_bytes, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        return fail(ERR_MEMORY, "map %zu bytes of datad: %s", n_bytes, strerror(errno));
    *out = map;
    return OK;
}

enum err slots_map(size_t n_slots, size_t slot_bytes, const int fds[2], struct slots *out)
{
    struct slots s = {.n_slots = n_slots, .slot_bytes = slot_bytes};
    void *rows, *words;
    TRY(map_read(fds[0], rows_bytes(&s), &rows));
    const enum err e = map_read(fds[1], words_bytes(&s), &words);
    if (e != OK) {
        munmap(rows, rows_bytes(&s));
        return e;
    }
    s.rows = rows;
    s.words = words;
    *out = s;
    return OK;
}

void slots_unmap(struct slots *s)
{
    if (s->rows != NULL) munmap(s->rows, rows_bytes(s));
    if (s->words != NULL) munmap(s->words, words_bytes(s));
    *s = (struct slots){0};
}

uint8_t *slots_row(const struct slots *s, size_t slot)
{
    ASSERT(slot < s->n_slots);
    return s->rows + slot * s->slot_bytes;
}

void slots_publish(struct slots *s, size_t slot, uint32_t sequence)
{
    ASSERT(slot < s->n_slots);
    atomic_store_explicit(&s->words[slot], sequence, memory_order_release);
    syscall(SYS_futex, &s->words[slot], FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

bool slots_ready(const struct slots *s, size_t slot, uint32_t sequence)
{
    ASSERT(slot < s->n_slots);
    return atomic_load_explicit(&s->words[slot], memory_order_acquire) == sequence;
}

void slots_sleep(const struct slots *s, size_t slot, uint32_t sequence, uint64_t limit_ns)
{
    ASSERT(slot < s->n_slots);
    const uint32_t seen = atomic_load_explicit(&s->words[slot], memory_order_acquire);
    if (seen == sequence) return;
    const struct timespec limit = {.tv_sec = (time_t)(limit_ns / 1000000000U),
                                   .tv_nsec = (long)(limit_ns % 1000000000U)};
    syscall(SYS_futex, &s->words[slot], FUTEX_WAIT, seen, &limit, NULL, 0);
}
