#include "trainer/run/slab.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "base/size.h"

enum { HUGE_PAGE_BYTES = 2 * 1024 * 1024 };

enum err slab_open(struct slab *s, size_t n_bytes)
{
    size_t mapping_bytes = size_align(size_max(n_bytes, 1), HUGE_PAGE_BYTES) + HUGE_PAGE_BYTES;
    void *mapping = mmap(NULL, mapping_bytes, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping == MAP_FAILED)
        return fail(ERR_MEMORY,
                    "slab of %zu bytes: %s; use more ranks, recompute or fewer lanes in lockstep",
                    n_bytes, strerror(errno));
    uintptr_t at = size_align((uintptr_t)mapping, HUGE_PAGE_BYTES);
    *s = (struct slab){(unsigned char *)at, n_bytes, mapping, mapping_bytes};
    (void)madvise(s->data, size_align(n_bytes, HUGE_PAGE_BYTES),
                  MADV_HUGEPAGE); // advice: may be refused
    memset(s->data, 0, n_bytes);
    return OK;
}

void slab_close(struct slab *s)
{
    if (s->mapping != NULL) munmap(s->mapping, s->mapping_bytes);
    *s = (struct slab){0};
}
