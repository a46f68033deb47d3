// A small checkpoint of two parts, damaged in every way: each single bit of each file flipped, each
// file cut at each length and made longer, frames exchanged, parts exchanged within a checkpoint
// and between two. Loading finds each, naming file and offset, and so does the second decoder. Then
// parts that are well formed, but do not hold what the manifest says.

#include "tests/trainer/checkpoint_case.h"
#include "tests/trainer/checkpoint_decoder.h"
#include "trainer/checkpoint/manifest.h"
#include "trainer/checkpoint/part.h"

enum { HEADER = 48, ROW = 48 };

static struct arena top;
static char *folder;
static struct checkpoint_case model;

// A whole checkpoint of two parts, as two ranks would write it.
static void write_checkpoint(const char *to, uint64_t id, struct part_piece *pieces, uint64_t n,
                             uint64_t n_first)
{
    struct manifest_part parts[2] = {{"part-00000-a.bin", id, 0}, {"part-00001-a.bin", id + 1, 0}};
    CHECK_OK(file_make_folders(to));
    for (int i = 0; i < 2; i++) {
        char *path = arena_printf(&top, "%s/%s", to, parts[i].name);
        CHECK_OK(file_remove_tree(path));
        CHECK_OK(part_write(path, parts[i].id, i == 0 ? pieces : pieces + n_first,
                            i == 0 ? n_first : n - n_first, &parts[i].n_bytes));
    }
    struct manifest m = {
        .state = case_state(3), .model = model.model, .parts = parts, .n_parts = 2};
    bool committed;
    CHECK_OK(manifest_write(to, &m, &committed));
    CHECK(committed);
}

static struct part_piece piece(uint64_t tensor, uint32_t component, uint64_t first, uint64_t n)
{
    return (struct part_piece){.tensor = tensor,
                               .component = component,
                               .first_elem = first,
                               .n_elems = n,
                               .data = model.values[tensor % 2][0]};
}

// a [2,3] with moments in the first part, b [1,5] frozen in the second, with a's last element.
static void write_good(const char *to, uint64_t id)
{
    struct part_piece pieces[] = {piece(0, 0, 0, 5), piece(0, 1, 0, 6), piece(0, 2, 0, 6),
                                  piece(0, 0, 5, 1), piece(1, 0, 0, 5)};
    write_checkpoint(to, id, pieces, 5, 3);
}

static enum err load(void)
{
    struct arena a;
    arena_init(&a, "load");
    struct checkpoint_case empty;
    case_empty_copy(&empty, &model, &a);
    size_t n;
    struct checkpoint_piece *pieces = case_cut(&empty, &a, 3, 0, 1, &n);
    enum err e = checkpoint_load(folder, &model.model, pieces, n, CHECKPOINT_ALL);
    arena_fini(&a);
    return e;
}

static int decodes(void)
{
    struct decoder_checkpoint d;
    int fine = decoder_read(folder, &d);
    decoder_free(&d);
    return fine;
}

static char *path_of(const char *name)
{
    return arena_printf(&top, "%s/%s", folder, name);
}

static struct span contents(const char *path)
{
    struct span text;
    CHECK_OK(file_read(path, 1 << 20, &top, &text));
    return text;
}

static void overwrite(const char *path, const void *data, size_t n)
{
    FILE *file = fopen(path, "wb");
    CHECK(file != NULL && fwrite(data, 1, n, file) == n && fclose(file) == 0);
}

// Where the structure begins that holds byte `at` of a part of 3 pieces whose frames have these
// elements.
static uint64_t structure_of(uint64_t at, const uint64_t *elems, uint64_t n_pieces)
{
    uint64_t begin = 0, end = HEADER;
    for (uint64_t i = 0; at >= end && i < n_pieces; i++) {
        begin = end;
        end += elems[i] * 4 + 4;
    }
    if (at < end) return begin;
    return at < end + n_pieces * ROW ? end : end + n_pieces * ROW;
}

static void check_flips(const char *name, const uint64_t *elems, uint64_t n_pieces)
{
    char *path = path_of(name);
    struct span good = contents(path);
    unsigned char *bytes = arena_alloc(&top, good.n_bytes, 1);
    memcpy(bytes, good.data, good.n_bytes);
    for (size_t bit = 0; bit < 8 * good.n_bytes; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        overwrite(path, bytes, good.n_bytes);
        CHECK_ERR(load(), ERR_CORRUPT);
        char where[4200];
        snprintf(where, sizeof where, "%s: offset %lu: ", path,
                 n_pieces == 0 ? 0 : structure_of(bit / 8, elems, n_pieces));
        if (n_pieces > 0 && strstr(err_line(), where) != err_line())
            check_failed(__FILE__, __LINE__, "bit %zu: expected %s", bit, where);
        CHECK(strstr(err_line(), path) == err_line());
        if (bit % 8 == 3) CHECK(!decodes());
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    overwrite(path, bytes, good.n_bytes);
    CHECK_OK(load());
}

static void check_lengths(const char *name)
{
    char *path = path_of(name);
    struct span good = contents(path);
    unsigned char *bytes = arena_alloc(&top, good.n_bytes + 64, 1);
    memcpy(bytes, good.data, good.n_bytes);
    for (size_t n = 0; n <= good.n_bytes + 64; n += n < good.n_bytes + 2 ? 1 : 31) {
        if (n == good.n_bytes) continue;
        overwrite(path, bytes, n);
        CHECK_ERR(load(), ERR_CORRUPT);
        CHECK(strstr(err_line(), path) == err_line());
        CHECK(!decodes());
    }
    overwrite(path, bytes, good.n_bytes);
    CHECK_OK(load());
}

static void check_lines(void)
{
    char *path = path_of("part-00000-a.bin");
    struct span good = contents(path);
    overwrite(path, good.data, good.n_bytes - 1);
    CHECK_ERR(load(), ERR_CORRUPT);
    CHECK_LINE(arena_printf(&top, "%s: %zu bytes long, the manifest says %zu", path,
                            good.n_bytes - 1, good.n_bytes));
    CHECK(unlink(path) == 0);
    CHECK_ERR(load(), ERR_IO);
    CHECK_LINE(arena_printf(&top, "open %s: No such file or directory", path));
    overwrite(path, good.data, good.n_bytes);
}

// The frames of a's two moments are equally long: they change places.
static void check_exchanged_frames(void)
{
    char *path = path_of("part-00000-a.bin");
    struct span good = contents(path);
    unsigned char *bytes = arena_alloc(&top, good.n_bytes, 1);
    memcpy(bytes, good.data, good.n_bytes);
    size_t first = HEADER + 5 * 4 + 4, n = 6 * 4 + 4;
    memcpy(bytes + first, good.data + first + n, n);
    memcpy(bytes + first + n, good.data + first, n);
    CHECK(memcmp(bytes, good.data, good.n_bytes) != 0);
    overwrite(path, bytes, good.n_bytes);
    CHECK_ERR(load(), ERR_CORRUPT);
    CHECK_LINE(arena_printf(&top, "%s: offset %zu: checksum of a frame differs", path, first));
    CHECK(!decodes());
    overwrite(path, good.data, good.n_bytes);
}

static void exchange(const char *a, const char *b)
{
    struct span of_a = contents(a), of_b = contents(b);
    overwrite(a, of_b.data, of_b.n_bytes);
    overwrite(b, of_a.data, of_a.n_bytes);
}

static void check_exchanged_parts(void)
{
    char *other = arena_printf(&top, "%s-other", folder);
    write_good(other, 1000);
    char *mine = path_of("part-00000-a.bin"), *second = path_of("part-00001-a.bin");
    char *theirs = arena_printf(&top, "%s/part-00000-a.bin", other);
    CHECK_EQ(contents(mine).n_bytes, contents(theirs).n_bytes);
    exchange(mine, theirs); // same pieces, same length, same name: another save
    CHECK_ERR(load(), ERR_CORRUPT);
    CHECK_LINE(
        arena_printf(&top, "%s: offset 0: the header is not that of this checkpoint's part", mine));
    CHECK(!decodes());
    exchange(mine, theirs);
    CHECK_OK(load());
    exchange(mine, second);
    CHECK_ERR(load(), ERR_CORRUPT);
    CHECK(!decodes());
    exchange(mine, second);
    char *manifest = arena_printf(&top, "%s/manifest", other);
    exchange(path_of("manifest"), manifest);
    CHECK_ERR(load(), ERR_CORRUPT);
    CHECK(!decodes());
    exchange(path_of("manifest"), manifest);
    CHECK_OK(load());
    CHECK_OK(file_remove_tree(other));
}

// Checksums are right; the pieces are not what the manifest says.
static void check_pieces(struct part_piece last, const char *line)
{
    struct part_piece pieces[] = {piece(0, 0, 0, 5), piece(0, 1, 0, 6), piece(0, 2, 0, 6),
                                  piece(1, 0, 0, 5), last};
    write_checkpoint(folder, 77, pieces, 5, 3);
    CHECK_ERR(load(), ERR_DATA);
    CHECK_LINE(arena_printf(&top, "%s: %s", folder, line));
    CHECK(!decodes());
}

static void check_coverage(void)
{
    check_pieces(piece(0, 0, 4, 2), "master of a holds element 4 twice");
    check_pieces(piece(0, 0, 0, 5), "master of a holds element 0 twice");
    check_pieces(piece(1, 0, 1, 3), "master of a lacks element 5");
    check_pieces(piece(0, 0, 5, 2),
                 "a piece of tensor 0, component 0, elements from 5 does not fit the model in the "
                 "manifest");
    check_pieces(piece(1, 1, 0, 5),
                 "a piece of tensor 1, component 1, elements from 0 does not fit the model in the "
                 "manifest");
    check_pieces(piece(0, 40, 0, 5),
                 "a piece of tensor 0, component 40, elements from 0 does not fit the model in the "
                 "manifest");
    check_pieces(piece(2, 0, 0, 1),
                 "a piece of tensor 2, component 0, elements from 0 does not fit the model in the "
                 "manifest");
}

// A manifest whose checksum is right.
static void check_manifest(const char *from, const char *to, const char *line)
{
    struct span good = contents(path_of("manifest"));
    const char *text = (const char *)good.data, *at = strstr(text, from);
    CHECK(at != NULL);
    char *body = arena_printf(&top, "%.*s%s%.*s", (int)(at - text), text, to,
                              (int)(good.n_bytes - 16 - (size_t)(at - text) - strlen(from)),
                              at + strlen(from));
    char *bad =
        arena_printf(&top, "%scrc32c %08x\n", body, hash_crc32c_portable(0, body, strlen(body)));
    overwrite(path_of("manifest"), bad, strlen(bad));
    CHECK_ERR(load(), ERR_DATA);
    CHECK_LINE(arena_printf(&top, "%s: %s", path_of("manifest"), line));
    overwrite(path_of("manifest"), good.data, good.n_bytes);
}

static void check_manifests(void)
{
    check_manifest("\"weft checkpoint\"", "\"weft\"", "not a weft checkpoint of version 1");
    check_manifest("\"version\": 1", "\"version\": 2", "not a weft checkpoint of version 1");
    check_manifest("\"step\": 3", "\"step\": -3", "'step' is missing or wrong");
    check_manifest("\"step\": 3", "\"step\": 3, \"step\": 3", "not JSON");
    check_manifest("\"tensors\": [", "\"tensor\": [", "'tensors' is missing or wrong");
    check_manifest("part-00000-a.bin", "../part-00000-a.bin", "'name' is missing or wrong");
    check_manifest("part-00000-a.bin", "", "'name' is missing or wrong");
    check_manifest("\"moments\": false", "\"moments\": 0", "'moments' is missing or wrong");
    check_manifest("0000000000000007", "7", "'seed' is missing or wrong");
    check_manifest("1,\n        5\n", "4294967296,\n        4294967296\n",
                   "'dims' is missing or wrong");
}

int main(void)
{
    arena_init(&top, "test");
    char *root = case_folder(&top, (uint64_t)getpid());
    folder = arena_printf(&top, "%s/step-000003", root);
    case_tensor(&model, &top, "a", 2, 3, true);
    case_tensor(&model, &top, "b", 1, 5, false);
    case_allocate(&model, &top);
    case_fill(&model, 5);
    write_good(folder, 9);
    CHECK_OK(load());
    CHECK(decodes());
    check_flips("manifest", NULL, 0);
    check_flips("part-00000-a.bin", (uint64_t[]){5, 6, 6}, 3);
    check_flips("part-00001-a.bin", (uint64_t[]){1, 5}, 2);
    check_lengths("manifest");
    check_lengths("part-00000-a.bin");
    check_lengths("part-00001-a.bin");
    check_lines();
    check_exchanged_frames();
    check_exchanged_parts();
    check_manifests();
    check_coverage();
    CHECK_OK(file_remove_tree(root));
    arena_fini(&top);
    return 0;
}
