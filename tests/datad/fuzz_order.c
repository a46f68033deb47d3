// Any bytes as a skip list or, after the first byte, as a table of rows: refused, or what is read
// goes back to bytes that give the same.

#include <string.h>

#include "datad/row_table.h"
#include "datad/skip_list.h"

enum { BINS = 5 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static void read_list(struct span text, struct arena *a)
{
    struct edits_document *documents, *again;
    size_t n, n_again;
    if (skip_list_parse(text, "fuzz", a, &documents, &n) != OK) return;
    for (size_t i = 0; i < n; i++) {
        char line[SKIP_LIST_LINE_BYTES];
        skip_list_line(&documents[i], line);
        const struct span one = {(const uint8_t *)line, strlen(line)};
        ASSERT(skip_list_parse(one, "line", a, &again, &n_again) == OK && n_again == 1);
        ASSERT(memcmp(again, &documents[i], sizeof *again) == 0);
    }
}

static void read_table(struct span bytes, struct arena *a)
{
    struct row_table_bin bins[BINS];
    const struct hash128 key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    if (row_table_decode(bytes, key, bins, BINS) != OK) return;
    const struct span again = row_table_encode(key, bins, BINS, a);
    ASSERT(again.n_bytes == bytes.n_bytes && memcmp(again.data, bytes.data, bytes.n_bytes) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    struct arena a;
    if (n_bytes == 0) return 0;
    arena_init(&a, "fuzz");
    if (data[0] == 't')
        read_table((struct span){data + 1, n_bytes - 1}, &a);
    else
        read_list((struct span){data, n_bytes}, &a);
    arena_fini(&a);
    return 0;
}
