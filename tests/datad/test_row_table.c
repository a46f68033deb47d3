// Row tables on disk: made once, read afterwards without touching a bin, made anew when damaged or
// of other data; any byte changed is seen; a skip list's lines.

#include "datad/row_table.h"

#include <unistd.h>

#include "base/file.h"
#include "datad/bin_documents.h"
#include "datad/skip_list.h"
#include "tests/datad/ordered.h"

static uint64_t n_reads;

static enum err counted_lengths(const void *context, uint64_t bin, uint32_t *out)
{
    n_reads++;
    return made_lengths(context, bin, out);
}

static void open_table(const struct row_table_options *o, struct arena *a, uint64_t expected_reads,
                       struct row_table_bin **out)
{
    n_reads = 0;
    CHECK_OK(row_table_open(o, a, out));
    CHECK_EQ(n_reads, expected_reads);
}

/// The only file in folder.
static const char *table_file(const struct row_table_options *o, struct arena *a)
{
    struct file_list list;
    CHECK_OK(file_list(o->folder, a, &list));
    CHECK_EQ(list.n_names, 1);
    return arena_printf(a, "%s/%s", o->folder, list.names[0]);
}

static void check_same(const struct row_table_bin *x, const struct row_table_bin *y, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        CHECK_EQ(x[i].rows, y[i].rows);
        CHECK_EQ(x[i].documents, y[i].documents);
        CHECK_EQ(x[i].tokens, y[i].tokens);
    }
}

static void check_file(uint64_t seed, const char *folder)
{
    struct arena a;
    arena_init(&a, "test");
    struct source source = made_source("table", 1, seed, 20, 600, &a);
    source.read_lengths = counted_lengths;
    struct row_table_options o = {&source, 64, PACK_BEST_FIT, arena_printf(&a, "%s/x/y", folder)};
    struct row_table_bin *first, *again;
    open_table(&o, &a, 20, &first);
    open_table(&o, &a, 0, &again);
    check_same(first, again, 20);
    const char *path = table_file(&o, &a);
    struct span bytes;
    CHECK_OK(file_read(path, 1 << 20, &a, &bytes));
    uint8_t *damaged = ARENA_ARRAY(&a, uint8_t, bytes.n_bytes);
    for (size_t at = 0; at < bytes.n_bytes; at += 1 + bytes.n_bytes / 37) {
        memcpy(damaged, bytes.data, bytes.n_bytes);
        damaged[at] ^= 0x10;
        CHECK_OK(file_replace(path, damaged, bytes.n_bytes));
        open_table(&o, &a, 20, &again);
        check_same(first, again, 20);
    }
    CHECK_OK(file_replace(path, bytes.data, bytes.n_bytes - 1));
    open_table(&o, &a, 20, &again);
    open_table(&o, &a, 0, &again);
    o.T = 65; // another table, beside the first
    open_table(&o, &a, 20, &again);
    o.T = 64;
    source.read_keep = made_keep;
    source.filter_hash = (struct hash128){1, 0};
    open_table(&o, &a, 20, &again);
    CHECK(again[0].documents < first[0].documents && again[0].tokens < first[0].tokens);
    o.rule = PACK_CONCAT;
    open_table(&o, &a, 20, &again);
    source.read_keep = NULL;
    open_table(&o, &a, 0, &again); // from the index
    arena_fini(&a);
}

/// A table with right sums that claims what no packing gives.
static void check_claims(uint64_t seed, const char *folder)
{
    struct arena a;
    arena_init(&a, "test");
    struct source source = made_source("claims", 1, seed, 1, 600, &a);
    source.read_lengths = counted_lengths;
    const struct row_table_options o = {&source, 64, PACK_BEST_FIT,
                                        arena_printf(&a, "%s/claims", folder)};
    struct row_table_bin *first, *again;
    open_table(&o, &a, 1, &first);
    const char *path = table_file(&o, &a);
    struct span bytes;
    CHECK_OK(file_read(path, 1 << 20, &a, &bytes));
    struct hash128 key;
    memcpy(&key, bytes.data + 16, sizeof key);
    const struct row_table_bin claims[] = {{UINT32_MAX, 1, 1},
                                           {1, UINT32_MAX, 1},
                                           {1, 1, UINT32_MAX},
                                           {first->rows / 4, first->documents, first->tokens}};
    for (size_t i = 0; i < 4; i++) {
        const struct span made = row_table_encode(key, &claims[i], 1, &a);
        CHECK_OK(file_replace(path, made.data, made.n_bytes));
        open_table(&o, &a, 1, &again);
        check_same(first, again, 1);
    }
    arena_fini(&a);
}

static enum err failing_lengths(const void *context, uint64_t bin, uint32_t *out)
{
    if (bin == 150) return fail(ERR_CORRUPT, "bin 150 is damaged");
    return made_lengths(context, bin, out);
}

/// Many bins, on all cores: as one by one; a bin that cannot be read is named.
static void check_threads(uint64_t seed)
{
    struct arena a;
    arena_init(&a, "test");
    struct source source = made_source("many", 1, seed, 200, 300, &a);
    const struct row_table_options o = {&source, 64, PACK_BEST_FIT, ""};
    struct row_table_bin *bins;
    CHECK_OK(row_table_open(&o, &a, &bins));
    for (uint64_t i = 0; i < 200; i++) {
        struct pack_bin bin;
        const struct source_bin size = source_bin(&source, i);
        CHECK_OK(bin_documents_read(&source, i, &a, &bin));
        uint32_t *elements = ARENA_ARRAY(
            &a, uint32_t, pack_limit(&(struct pack_size){size.n_documents, size.n_tokens, 0}, 64));
        pack_build(&bin, 64, PACK_BEST_FIT, &a, elements);
        CHECK_EQ(bins[i].rows, pack_view(elements).n_rows);
        CHECK_EQ(bins[i].tokens, size.n_tokens);
    }
    source.read_lengths = failing_lengths;
    CHECK_ERR(row_table_open(&o, &a, &bins), ERR_CORRUPT);
    CHECK_LINE("bin 150 is damaged");
    arena_fini(&a);
}

/// A folder that cannot be made costs time, not the run.
static void check_no_folder(uint64_t seed, const char *folder)
{
    struct arena a;
    arena_init(&a, "test");
    struct source source = made_source("none", 1, seed, 3, 600, &a);
    source.read_lengths = counted_lengths;
    const char *file = arena_printf(&a, "%s/file", folder);
    CHECK_OK(file_replace(file, "x", 1));
    const struct row_table_options o = {&source, 64, PACK_BEST_FIT,
                                        arena_printf(&a, "%s/in", file)};
    struct row_table_bin *bins;
    open_table(&o, &a, 3, &bins);
    open_table(&o, &a, 3, &bins);
    arena_fini(&a);
}

static void refuse_list(const char *text, const char *line)
{
    struct arena a;
    struct edits_document *documents;
    size_t n;
    arena_init(&a, "list");
    CHECK_ERR(skip_list_parse((struct span){(const uint8_t *)text, strlen(text)}, "list", &a,
                              &documents, &n),
              ERR_CONFIG);
    CHECK_LINE(line);
    arena_fini(&a);
}

static void check_skip_list(void)
{
    struct arena a;
    struct edits_document *documents;
    size_t n;
    arena_init(&a, "list");
    const struct edits_document d = {{0x0123456789abcdef, 0xfedcba9876543210}, 77, 1 << 20};
    char line[SKIP_LIST_LINE_BYTES];
    skip_list_line(&d, line);
    CHECK_TEXT(line, "fedcba98765432100123456789abcdef 77 1048576\n");
    const char *text =
        arena_printf(&a, "# bad ones\n\n%s  %.*s # from the start\r\n", line, 35, line);
    CHECK_OK(skip_list_parse((struct span){(const uint8_t *)text, strlen(text)}, "list", &a,
                             &documents, &n));
    CHECK_EQ(n, 2);
    for (size_t i = 0; i < 2; i++) {
        CHECK(documents[i].dataset.lo == d.dataset.lo && documents[i].dataset.hi == d.dataset.hi);
        CHECK_EQ(documents[i].document, 77);
        CHECK_EQ(documents[i].from_tokens, i == 0 ? 1 << 20 : 0);
    }
    arena_fini(&a);
    refuse_list("\nabc 7", "list:2: the dataset's hash is 32 digits 0-9 a-f");
    refuse_list("fedcba98765432100123456789abcdef",
                "list:1: expected: dataset hash, document, from token");
    refuse_list("fedcba98765432100123456789abcdef 7 8 9",
                "list:1: expected: dataset hash, document, from token");
    refuse_list("fedcba98765432100123456789abcdef -7",
                "list:1: document and token are whole numbers");
}

int main(int argc, char **argv)
{
    const uint64_t seed = check_seed(argc, argv);
    char folder[] = "test-tables-XXXXXX";
    CHECK(mkdtemp(folder) != NULL);
    check_file(seed, folder);
    check_claims(seed, folder);
    check_no_folder(seed, folder);
    check_threads(seed);
    check_skip_list();
    CHECK_OK(file_remove_tree(folder));
    return 0;
}
