// What our decoder, resize and recipes give, for image_parity.py to compare with Pillow's, and how
// fast they are.
//
//     bench_image dump < LINES    a line: PATH, then OPs, separated by tabs; for each OP a record:
//                                 u32 width, u32 height, u64 bytes, bytes (width 0: an error)
//     bench_image time ROUNDS OP < PATHS    prints the nanoseconds for each path of decoding (OP
//                                           decode), of OP on decoded images, or of both (+OP)
//
// OP: pixels | [old-]resize W H LEFT TOP RIGHT BOTTOM (old: as before Pillow 13)
//     | cut RECIPE SEED POSITION | values RECIPE | choice RECIPE SEED POSITION (box, flip as f32)
//     | grid (columns, rows, pictures as u32)

#include <inttypes.h>

#include "base/clock.h"
#include "base/file.h"
#include "shard/image/image_recipe.h"
#include "shard/image/tiles.h"
#include "tests/check.h"

enum { LINE_BYTES = 1 << 16, FILE_LIMIT = 64 << 20, FILES = 4096 };

struct record {
    uint32_t width, height;
    uint64_t n_bytes;
    const void *bytes;
};

static struct record of_pixels(const struct image_pixels *p)
{
    return (struct record){p->width, p->height, (uint64_t)p->width * p->height * 3, p->rgb};
}

static const struct image_recipe *recipe_named(const char *name)
{
    const struct image_recipe *recipe;
    CHECK_OK(image_recipe_find(name, &recipe));
    return recipe;
}

static struct record cut(const struct image_recipe *recipe, const struct image_pixels *in,
                         const struct augment_key *key, struct arena *a)
{
    const uint32_t n = image_recipe_pictures(recipe, in->width, in->height);
    const uint64_t n_bytes = image_recipe_picture_bytes(recipe) * n;
    uint8_t *rgb = arena_alloc(a, n_bytes, 64);
    image_recipe_cut(recipe, in, key, a, rgb);
    return (struct record){recipe->side, n * recipe->side, n_bytes, rgb};
}

static struct record values(const struct image_recipe *recipe, const struct image_pixels *in,
                            struct arena *a)
{
    const struct record r = cut(recipe, in, &(struct augment_key){0}, a);
    float *out = ARENA_ARRAY(a, float, r.n_bytes);
    image_recipe_normalise(recipe, r.bytes, r.height / r.width, out);
    return (struct record){r.width, r.height, r.n_bytes * sizeof *out, out};
}

static struct record choice(const struct image_recipe *recipe, const struct image_pixels *in,
                            const struct augment_key *key, struct arena *a)
{
    const struct augment_choice c = augment_choose(&recipe->augment, key, in->width, in->height);
    float *out = ARENA_ARRAY(a, float, 5);
    const float all[5] = {c.box.left, c.box.top, c.box.right, c.box.bottom, c.flip ? 1.0F : 0.0F};
    memcpy(out, all, sizeof all);
    return (struct record){5, 1, sizeof all, out};
}

static struct record grid(const struct image_pixels *in, struct arena *a)
{
    const struct tiles_grid g = tiles_choose(in->width, in->height, TILES_PICTURES_LIMIT);
    uint32_t *out = ARENA_ARRAY(a, uint32_t, 3);
    out[0] = g.columns;
    out[1] = g.rows;
    out[2] = g.n_pictures;
    return (struct record){3, 1, 12, out};
}

static struct record run(const char *op, const struct image_pixels *in, struct arena *a)
{
    char name[64];
    struct resize_part part = {0};
    struct resize_box box;
    struct augment_key key = {0};
    if (strcmp(op, "pixels") == 0) return of_pixels(in);
    if (strcmp(op, "grid") == 0) return grid(in, a);
    const bool is_old = strncmp(op, "old-", 4) == 0;
    if (sscanf(op + 4 * is_old, "resize %" SCNu32 " %" SCNu32 " %f %f %f %f", &part.width,
               &part.height, &box.left, &box.top, &box.right, &box.bottom) == 6) {
        part.columns = part.width;
        part.rows = part.height;
        part.order = is_old ? RESIZE_ROWS_FIRST : RESIZE_PILLOW_13;
        const struct image_pixels out = resize_bicubic_part(in, &box, &part, a);
        return of_pixels(&out);
    }
    const int n = sscanf(op, "%*s %63s %" SCNu64 " %" SCNu64, name, &key.seed, &key.position);
    CHECK(n >= 1);
    if (strncmp(op, "values ", 7) == 0) return values(recipe_named(name), in, a);
    if (strncmp(op, "cut ", 4) == 0) return cut(recipe_named(name), in, &key, a);
    CHECK(strncmp(op, "choice ", 7) == 0);
    return choice(recipe_named(name), in, &key, a);
}

static void put(const struct record *r)
{
    fwrite(&r->width, 4, 1, stdout);
    fwrite(&r->height, 4, 1, stdout);
    fwrite(&r->n_bytes, 8, 1, stdout);
    fwrite(r->bytes, 1, r->n_bytes, stdout);
}

static void dump_line(char *line, struct arena *a)
{
    char *rest = line;
    const char *path = strsep(&rest, "\t");
    struct span file;
    struct image_pixels pixels;
    CHECK_OK(file_read(path, FILE_LIMIT, a, &file));
    const enum err e = image_decode(file, &image_limits_default, a, &pixels);
    for (const char *op = strsep(&rest, "\t"); op != NULL; op = strsep(&rest, "\t")) {
        const struct record bad = {0, 0, strlen(err_line()), err_line()};
        const struct record r = e == OK ? run(op, &pixels, a) : bad;
        put(&r);
    }
    fflush(stdout);
}

static void dump(void)
{
    static char line[LINE_BYTES];
    struct arena a;
    arena_init(&a, "dump");
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        dump_line(line, &a);
        arena_reset(&a);
    }
    arena_fini(&a);
}

static size_t read_all(struct arena *a, struct span *files)
{
    static char line[LINE_BYTES];
    size_t n = 0;
    while (n < FILES && fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        CHECK_OK(file_read(line, FILE_LIMIT, a, &files[n++]));
    }
    return n;
}

struct timed {
    bool decodes;
    const char *op; // NULL = only decodes
};

static uint64_t time_image(const struct timed *t, struct span file, struct arena *a)
{
    struct image_pixels pixels;
    const uint64_t start = clock_now_ns();
    CHECK_OK(image_decode(file, &image_limits_default, a, &pixels));
    const uint64_t decoded = clock_now_ns();
    if (t->op) run(t->op, &pixels, a);
    const uint64_t ns = clock_now_ns() - (t->decodes ? start : decoded);
    arena_reset(a);
    return ns;
}

// A line an image: the least of its rounds, which is what others on the machine disturb least.
static void time_rounds(unsigned long rounds, const char *op)
{
    static struct span files[FILES];
    struct arena all, a;
    arena_init(&all, "files");
    arena_init(&a, "image");
    const size_t n = read_all(&all, files);
    struct timed t = {.decodes = true, .op = NULL};
    if (strcmp(op, "decode") != 0) {
        t.decodes = op[0] == '+';
        t.op = op + t.decodes;
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t least = UINT64_MAX;
        for (unsigned long round = 0; round < rounds; round++) {
            const uint64_t ns = time_image(&t, files[i], &a);
            if (ns < least) least = ns;
        }
        printf("%" PRIu64 "\n", least);
    }
    arena_fini(&a);
    arena_fini(&all);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "dump") == 0)
        dump();
    else if (argc == 4 && strcmp(argv[1], "time") == 0)
        time_rounds(strtoul(argv[2], NULL, 10), argv[3]);
    else
        return 64;
    return 0;
}
