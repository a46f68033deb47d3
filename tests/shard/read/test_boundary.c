// Where files may be cut: each boundary that is found is a place where reading from the file's
// begin begins a record too, none that is certain is passed over, and pieces read one after another
// give the records, numbers and losses of the file read whole. Random bytes of few letters, so that
// separators stand in runs and overlap, and hostile files.

#include "shard/read/boundary.h"

#include "base/size.h"
#include "tests/check.h"
#include "tests/shard/format/corpus.h"

static const char *const SEPARATORS[] = {"\n", "\f", "\n\n\n", "aba", "aa", "a\n", "\n\n", "abcab"};
enum { N_SEPARATORS = 8 };

static struct input_file file_of(const char *path, const char *separator, size_t n_bytes)
{
    const bool lines = strcmp(separator, "\n") == 0;
    return (struct input_file){.path = path,
                               .source = "file",
                               .kind = lines ? INPUT_JSONL : INPUT_TEXT,
                               .n_bytes = n_bytes};
}

// By the definition: whether an occurrence ends here into which no other can reach.
static bool certain(const char *text, size_t n_bytes, const char *separator, size_t at)
{
    const size_t n = strlen(separator);
    if (at < n || at >= n_bytes || memcmp(text + at - n, separator, n) != 0) return false;
    for (size_t before = at - n; before > 0 && before - 1 + n > at - n; before--)
        if (memcmp(text + before - 1, separator, n) == 0) return false;
    return true;
}

// Marks where reading from the left begins pieces.
static void mark_begins(const char *text, size_t n_bytes, const char *separator, bool *begins)
{
    const size_t n = strlen(separator);
    for (size_t at = 0; at + n <= n_bytes;) {
        const char *hit = memmem(text + at, n_bytes - at, separator, n);
        if (!hit) return;
        at = (size_t)(hit - text) + n;
        begins[at] = true;
    }
}

static void check_search(const struct input_file *file, const char *text, const char *separator,
                         uint64_t key, struct arena *a)
{
    const size_t n_bytes = file->n_bytes;
    bool *begins = ARENA_ARRAY(a, bool, n_bytes + 1);
    mark_begins(text, n_bytes, separator, begins);
    const struct boundary_rule rule = {.separator = separator};
    for (uint64_t i = 0; i < 30; i++) {
        const uint64_t from = 1 + rng_u64(key, i, 0) % (n_bytes - 1);
        const uint64_t end = from + 1 + rng_u64(key, i, 1) % (n_bytes - from);
        uint64_t found, expected = from;
        CHECK_OK(boundary_find(file, &rule, from, end, &found));
        while (expected < end && !certain(text, n_bytes, separator, expected))
            expected++;
        CHECK_EQ(found, expected < end ? expected : BOUNDARY_NONE);
        CHECK(found == BOUNDARY_NONE || begins[found]);
    }
}

// All records with their numbers, and what was lost, as text.
static const char *dump(const struct inputs *inputs, const struct reader_options *o,
                        struct arena *a)
{
    struct text t;
    bool more = true;
    text_begin(&t, a);
    struct reader *r = reader_open(inputs, o, a);
    while (more) {
        struct reader_record record;
        CHECK_OK(reader_next(r, a, &record, &more));
        if (!more) break;
        text_printf(&t, "%llu [", (unsigned long long)record.number);
        if (record.raw.n_bytes < 100)
            text_put(&t, (const char *)record.raw.data, record.raw.n_bytes);
        else
            text_printf(&t, "%zu", record.raw.n_bytes);
        text_put(&t, "]\n", 2);
    }
    const struct reader_loss loss = reader_loss(r);
    text_printf(&t, "lost %llu %llu\n", (unsigned long long)loss.n_documents,
                (unsigned long long)loss.n_bytes);
    reader_close(r);
    return t.data;
}

// The file in pieces that begin near multiples of step; their number.
static struct inputs cut(const struct input_file *file, const char *separator, uint64_t step,
                         const struct reader_options *o, struct arena *a)
{
    struct inputs pieces = {0};
    pieces.files = ARENA_ARRAY(a, struct input_file, file->n_bytes / step + 2);
    const struct boundary_rule rule = {.separator = separator};
    uint64_t first = 0, n_before = 0;
    for (uint64_t from = step; first < file->n_bytes; from += step) {
        struct boundary_count count;
        uint64_t end = file->n_bytes;
        if (from < end) {
            const uint64_t most = from + size_min(step, end - from);
            CHECK_OK(boundary_find(file, &rule, from, most, &end));
            if (end == BOUNDARY_NONE) continue;
        }
        struct input_file *piece = &pieces.files[pieces.n_files++];
        *piece = *file;
        piece->piece =
            (struct input_piece){.first_byte = first, .end_byte = end, .n_before = n_before};
        CHECK_OK(boundary_count(piece, o, &count));
        CHECK(count.clean);
        n_before += count.n_numbers;
        first = end;
    }
    return pieces;
}

static size_t check_pieces(const struct input_file *file, const char *separator, uint64_t step,
                           struct arena *a)
{
    struct input_file copy = *file;
    const struct inputs whole = {.files = &copy, .n_files = 1};
    const struct reader_options o = {.separator = separator, .skip_bad = true};
    CHECK_TEXT(boundary_rule(file, &o, false).separator, separator);
    const struct inputs pieces = cut(file, separator, step, &o, a);
    CHECK_TEXT(dump(&pieces, &o, a), dump(&whole, &o, a));
    return pieces.n_files;
}

static void test_random(struct arena *a, const char *folder, uint64_t key)
{
    static const char letters[] = "aab\n\nbc\f\r\xc3\xa9";
    for (uint64_t i = 0; i < 240; i++) {
        const char *separator = SEPARATORS[i % N_SEPARATORS];
        const size_t n = 2 + rng_u64(key, i, 0) % 400;
        const uint64_t variety = 2 + rng_u64(key, i, 1) % (sizeof letters - 2);
        char *text = arena_alloc(a, n, 1);
        for (size_t k = 0; k < n; k++)
            text[k] = letters[rng_u64(key, i, 2 + k) % variety];
        corpus_put(a, folder, "random", text, n);
        const struct input_file file = file_of(arena_printf(a, "%s/random", folder), separator, n);
        check_search(&file, text, separator, key + i, a);
        check_pieces(&file, separator, 1 + rng_u64(key, i, 3) % 60, a);
        arena_reset(a);
    }
}

static size_t pieces_of(struct arena *a, const char *folder, const char *text, size_t n,
                        const char *separator, uint64_t step)
{
    corpus_put(a, folder, "hostile", text, n);
    const struct input_file file = file_of(arena_printf(a, "%s/hostile", folder), separator, n);
    return check_pieces(&file, separator, step, a);
}

static void test_hostile(struct arena *a, const char *folder)
{
    enum { LONG = READER_DOCUMENT_LIMIT + (9 << 20) };
    char *text = arena_alloc(a, LONG + 64, 1);
    memset(text, 'x', LONG + 64);
    CHECK_EQ(pieces_of(a, folder, text, 1 << 20, "\n", 1000), 1); // no newline at all
    memcpy(text, "before\n", 7);
    memcpy(text + LONG, "\nbehind\n\nend", 12); // a line beyond the limit, over many units
    CHECK_EQ(pieces_of(a, folder, text, LONG + 12, "\n", 5 << 20), 2);
    memset(text, '\n', 300000);
    CHECK(pieces_of(a, folder, text, 300000, "\n", 100000) == 3);
    CHECK(pieces_of(a, folder, text, 300000, "\n\n\n", 100000) == 1); // none of it is certain
    static const char odd[] = "\xef\xbb\xbf{}\r\n{}\r\n\r\n{}\n\x1f\x8b\x08 not gzip\n{";
    for (uint64_t step = 1; step < sizeof odd - 1; step++)
        pieces_of(a, folder, odd, sizeof odd - 1, "\n", step);
}

// Of packed files WARC alone is cut; of plain ones lines of JSONL, and text if it is split.
static void test_kinds(struct arena *a, const char *folder)
{
    struct input_file file = file_of(arena_printf(a, "%s/x", folder), "\n", 40);
    struct reader_options o = {0};
    bool packed;
    corpus_put(a, folder, "x", "\x1f\x8b\x08\n{}\n{}\n", 0);
    CHECK_OK(boundary_packed(&file, &packed));
    CHECK(packed);
    corpus_put(a, folder, "x", "{}\n{}\n", 0);
    CHECK_OK(boundary_packed(&file, &packed));
    CHECK(!packed);
    for (file.kind = 0; file.kind < INPUT_N; file.kind++) {
        const struct boundary_rule rule = boundary_rule(&file, &o, false);
        CHECK((rule.separator != NULL) == (file.kind == INPUT_JSONL) && !rule.members);
        CHECK(boundary_rule(&file, &o, true).members == (file.kind == INPUT_WARC));
        CHECK(!boundary_rule(&file, &o, true).separator);
    }
}

static void test_shorter(struct arena *a, const char *folder)
{
    const struct reader_options o = {.skip_bad = true};
    const struct boundary_rule rule = {.separator = "\n"};
    struct boundary_count count;
    uint64_t n;
    corpus_put(a, folder, "short", "{}\n{}\n", 0);
    struct input_file file = file_of(arena_printf(a, "%s/short", folder), "\n", 100);
    file.piece = (struct input_piece){.first_byte = 3, .end_byte = 100};
    CHECK_ERR(boundary_find(&file, &rule, 50, 100, &n), ERR_IO);
    CHECK(strstr(err_line(), "shorter than when it was listed"));
    CHECK_ERR(boundary_count(&file, &o, &count), ERR_IO);
}

int main(int argc, char **argv)
{
    const uint64_t key = rng_key(check_seed(argc, argv), "boundary");
    struct arena a, scratch;
    arena_init(&a, "test");
    arena_init(&scratch, "random");
    const char *folder = corpus_folder(&a, "boundary");
    test_random(&scratch, folder, key);
    test_hostile(&a, folder);
    test_kinds(&a, folder);
    test_shorter(&a, folder);
    corpus_clean(&a);
    arena_fini(&scratch);
    arena_fini(&a);
    return 0;
}
