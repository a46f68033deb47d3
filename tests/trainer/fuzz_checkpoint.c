// The decoders of manifests and parts on arbitrary bytes, with sums repaired so that the fields
// behind them are reached.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/little.h"
#include "trainer/checkpoint/coverage.h"
#include "trainer/checkpoint/manifest.h"
#include "trainer/checkpoint/part.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

enum { HEADER = 48, FOOTER = 32, LIMIT = 1 << 16 };

static void manifest(uint8_t *bytes, size_t n, struct arena *a)
{
    char *tail = arena_printf(a, "crc32c %08x\n", hash_crc32c(0, bytes, n));
    uint8_t *text = arena_alloc(a, n + 17, 1);
    memcpy(text, bytes, n);
    memcpy(text + n, tail, 16);
    struct manifest m;
    if (manifest_decode((struct span){text, n + 16}, "manifest", a, &m) != OK) return;
    for (uint64_t t = 0; t < m.model.n_tensors; t++)
        if (m.model.tensors[t].n_elems == 0 || m.model.tensors[t].name == NULL) abort();
    for (uint64_t i = 0; i < m.n_parts; i++)
        if (strchr(m.parts[i].name, '/') != NULL) abort();
}

static uint32_t place_sum(uint64_t id, uint64_t offset, const uint8_t *bytes, size_t n)
{
    uint8_t place[16];
    little_put_u64(place, id);
    little_put_u64(place + 8, offset);
    return hash_crc32c(hash_crc32c(0, place, 16), bytes, n);
}

static void repair_sums(uint8_t *bytes, size_t n, uint64_t id)
{
    if (n < HEADER + FOOTER) return;
    uint8_t *footer = bytes + n - FOOTER;
    memset(bytes, 0, HEADER);
    memcpy(bytes, "WEFTPART", 8);
    little_put_u32(bytes + 8, 1);
    little_put_u32(bytes + 12, PART_FRAME_ELEMS);
    little_put_u64(bytes + 16, id);
    little_put_u32(bytes + 44, hash_crc32c(0, bytes, 44));
    memcpy(footer + 16, "WEFTPEND", 8);
    uint64_t table = little_get_u64(footer);
    if (table <= n - FOOTER)
        little_put_u32(footer + 24, place_sum(id, table, bytes + table, n - FOOTER - table));
    little_put_u32(footer + 28, hash_crc32c(0, footer, 28));
}

static void read_pieces(const struct part *p, struct arena *a)
{
    const struct checkpoint_tensor tensors[] = {{"a", 1, {100}, 100, true},
                                                {"b", 1, {9}, 9, false}};
    const struct checkpoint_model model = {tensors, 2};
    struct coverage c;
    coverage_begin(&c, "folder", &model, a);
    for (uint64_t i = 0; i < p->n_pieces; i++) {
        const struct part_piece *piece = &p->pieces[i];
        if (coverage_add(&c, piece) != OK) return;
        float *out = ARENA_ARRAY(a, float, piece->n_elems);
        if (part_read(p, piece, piece->first_elem, piece->n_elems, out) != OK) continue;
    }
    if (coverage_check(&c) != OK) return;
}

static void part(uint8_t *bytes, size_t n, struct arena *a)
{
    int fd = memfd_create("part", 0);
    char path[32];
    if (fd < 0 || write(fd, bytes, n) != (ssize_t)n) abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct part p;
    if (part_open(&p, path, 5, n, a) == OK) {
        read_pieces(&p, a);
        part_close(&p);
    }
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    if (n_bytes < 1 || n_bytes > LIMIT) return 0;
    struct arena a;
    arena_init(&a, "fuzz");
    uint8_t *bytes = arena_alloc(&a, n_bytes, 1);
    memcpy(bytes, data + 1, n_bytes - 1);
    if (data[0] & 1) {
        manifest(bytes, n_bytes - 1, &a);
    } else {
        if (data[0] & 2) repair_sums(bytes, n_bytes - 1, 5);
        part(bytes, n_bytes - 1, &a);
    }
    arena_fini(&a);
    return 0;
}
