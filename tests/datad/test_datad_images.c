// Images in batches: rows hold exactly the placeholders that sizes promise, each with its picture's
// pixels, by walking the documents once more; the same through a server, in any order, over deaths.

#include "base/hash.h"
#include "base/rng.h"
#include "datad/batch.h"
#include "datad/batch_images.h"
#include "shard/image/tiles.h"
#include "tests/datad/spawned.h"
#include "tests/shard/image/image_made.h"

enum { FILES = 6, BIN_IMAGES = 64, TOKENS = 3, PLACEHOLDER = MADE_VOCABULARY, ROWS = 60 };

static struct span files[FILES];
static struct image_pixels decoded[FILES]; // rgb NULL = cannot be decoded
static struct image_info sizes[FILES];

// Images of the made source "web", by bin; image i of a bin is file i % FILES.
static struct {
    struct source_image images[BIN_IMAGES];
    size_t n;
} placed_in[16];

static void make_files(struct arena *a)
{
    static const uint32_t shapes[FILES][2] = {{30, 20}, {300, 200}, {500, 180},
                                              {1, 90},  {240, 460}, {64, 64}};
    for (size_t i = 0; i < FILES; i++) {
        const uint32_t width = shapes[i][0], height = shapes[i][1];
        const uint8_t *samples = image_made_samples(a, width, height, 3, i);
        const struct image_made_png kind = {PNG_COLOR_TYPE_RGB, 8, false, false};
        files[i] = i % 2 ? image_made_jpeg(a, width, height, 3, false, samples)
                         : image_made_png(a, width, height, &kind, samples, (size_t)width * 3);
        CHECK_OK(image_header(files[i], &image_limits_default, &sizes[i]));
    }
    files[5].n_bytes -= 20; // cut short: its header is fine, its pixels cannot be had
    for (size_t i = 0; i < FILES; i++)
        if (i != 5) CHECK_OK(image_decode(files[i], &image_limits_default, a, &decoded[i]));
}

static void place_images(const struct source *s, uint64_t seed)
{
    const struct made *m = s->context;
    for (uint64_t bin = 0; bin < s->n_bins; bin++)
        for (uint64_t d = 0; d < m->bins[bin].n_documents; d++) {
            const uint64_t draw = rng_u64(seed, bin, d);
            for (uint64_t k = 0; k < draw % 8 / 6 + draw % 16 / 15; k++) {
                const size_t n = placed_in[bin].n;
                if (n == BIN_IMAGES) return;
                const struct image_info *size = &sizes[n % FILES];
                const uint32_t length = m->bins[bin].lengths[d];
                const uint32_t offset = length == 0 ? 0 : (uint32_t)((draw >> 8) % length);
                placed_in[bin].images[n] =
                    (struct source_image){d, offset, size->width, size->height};
                placed_in[bin].n++;
            }
        }
}

static enum err read_images(const void *context, uint64_t bin, struct arena *a,
                            struct source_image **out, size_t *n)
{
    (void)context;
    *n = placed_in[bin].n;
    *out = ARENA_ARRAY(a, struct source_image, *n);
    memcpy(*out, placed_in[bin].images, *n * sizeof **out);
    return OK;
}

static enum err read_image(const void *context, uint64_t bin, uint64_t image, struct arena *a,
                           struct span *out)
{
    (void)context;
    (void)a;
    CHECK(image < placed_in[bin].n);
    *out = files[image % FILES];
    return OK;
}

// The rule, with images in the first source of two.
static struct images_rule give_images(struct spawned *s, const char *recipe)
{
    struct images_rule rule = {.tokens = TOKENS, .placeholder = PLACEHOLDER};
    CHECK_OK(image_recipe_find(recipe, &rule.recipe));
    for (size_t i = 0; i < 2; i++)
        s->sources[i].vocabulary = MADE_VOCABULARY + 1;
    s->sources[0].read_images = read_images;
    s->sources[0].read_image = read_image;
    return rule;
}

// A token of a document with its placeholders.
struct expected_token {
    uint32_t token;
    size_t image, picture, number; // of a placeholder
};

static size_t expand(const struct made *m, uint64_t bin, uint64_t document,
                     const struct images_rule *rule, bool with_images, struct expected_token *out)
{
    const struct made_bin *b = &m->bins[bin];
    const uint32_t *tokens = b->tokens;
    for (uint64_t d = 0; d < document; d++)
        tokens += b->lengths[d];
    size_t n = 0;
    for (uint32_t at = 0; at <= b->lengths[document]; at++) {
        for (size_t i = 0; with_images && i < placed_in[bin].n; i++) {
            const struct source_image *image = &placed_in[bin].images[i];
            if (image->document != document || image->offset != at) continue;
            const uint32_t pictures =
                image_recipe_pictures(rule->recipe, image->width, image->height);
            for (uint32_t k = 0; k < pictures * TOKENS; k++)
                out[n++] = (struct expected_token){PLACEHOLDER, i, k / TOKENS, k % TOKENS};
        }
        if (at < b->lengths[document]) out[n++] = (struct expected_token){tokens[at], 0, 0, 0};
    }
    return n;
}

static uint64_t n_lost; // images of all batches assembled

struct made_batch {
    struct batch_layout layout;
    struct batch_header header;
    uint8_t *slot;
    size_t n_tiles; // that check_rows has seen
};

static const int32_t *numbers(const struct made_batch *b, size_t array)
{
    return (const int32_t *)(const void *)(b->slot + b->layout.fields[array].offset);
}

enum { TOKENS_FIELD = 0, MASK_FIELD = 2, TILES = 5, FIRST = 6, OFFSET = 7, COUNT = 8 };

static void check_pixels(const struct made_batch *b, const struct images_rule *rule, size_t tile,
                         const struct expected_token *t)
{
    static uint8_t cut[TILES_PICTURES_LIMIT * 224 * 224 * 3], planes[224 * 224 * 3];
    const size_t n_bytes = image_recipe_picture_bytes(rule->recipe);
    const struct image_pixels *pixels = &decoded[t->image % FILES];
    struct arena a;
    arena_init(&a, "picture");
    memset(cut, 0, sizeof cut);
    if (pixels->rgb != NULL) image_recipe_cut(rule->recipe, pixels, NULL, &a, cut);
    image_recipe_planes(rule->recipe, cut + t->picture * n_bytes, 1, planes);
    CHECK(memcmp(b->slot + b->layout.fields[TILES].offset + tile * n_bytes, planes, n_bytes) == 0);
    arena_fini(&a);
}

// The placeholder at place of the lane's tokens begins a picture there, or goes on with it.
static void check_placeholder(struct made_batch *b, const struct images_rule *rule, size_t place,
                              const struct expected_token *t, bool begins)
{
    const size_t tile = begins ? b->n_tiles++ : b->n_tiles - 1;
    CHECK(tile < b->layout.fields[FIRST].capacity);
    if (begins) {
        CHECK_EQ(numbers(b, FIRST)[tile], place);
        CHECK_EQ(numbers(b, OFFSET)[tile], t->number);
        check_pixels(b, rule, tile, t);
    }
    const size_t end = (size_t)(numbers(b, FIRST)[tile] + numbers(b, COUNT)[tile]);
    CHECK(place < end);
    if (t[1].token != PLACEHOLDER || t->number == TOKENS - 1) CHECK(place + 1 == end);
}

static void check_row(struct stream *stream, const struct spawned *s, struct made_batch *b,
                      const struct images_rule *rule, uint64_t position, uint64_t row, uint64_t T)
{
    static struct expected_token expected[4096];
    struct arena a;
    arena_init(&a, "row");
    struct stream_document *documents;
    size_t n;
    CHECK_OK(stream_documents(stream, position, &a, &documents, &n));
    const size_t limit = b->n_tiles + pack_row_pictures(rule->row_capacity, TOKENS, T);
    for (size_t i = 0; i < n; i++) {
        const struct stream_document *d = &documents[i];
        const struct made *m = s->sources[d->source].context;
        uint64_t bin = 0;
        while (bin + 1 < m->n_bins && m->bins[bin + 1].first_document <= d->document)
            bin++;
        const size_t length = expand(m, bin, d->document - m->bins[bin].first_document, rule,
                                     d->source == 0, expected);
        CHECK(d->offset + d->n_tokens <= length);
        for (uint64_t k = 0; k < d->n_tokens; k++) {
            const struct expected_token *t = &expected[d->offset + k];
            const size_t place = row * T + d->at + k;
            CHECK_EQ(numbers(b, TOKENS_FIELD)[place], t->token);
            const bool has_target = d->offset + k + 1 < length;
            const float mask = ((const float *)(const void *)numbers(b, MASK_FIELD))[place];
            CHECK(mask == (has_target && t[1].token != PLACEHOLDER ? 1.0F : 0.0F));
            if (t->token == PLACEHOLDER)
                check_placeholder(b, rule, place, t, k == 0 || t->number == 0);
        }
    }
    CHECK(b->n_tiles <= limit);
    arena_fini(&a);
}

static void assemble(struct stream *stream, const struct batch_shape *shape, uint64_t step,
                     uint64_t lane, struct made_batch *out, struct arena *a)
{
    CHECK_OK(batch_layout_build(shape, "", &out->layout));
    CHECK_OK(batch_images_layout(stream_images_rule(stream), shape, "", &out->layout));
    out->slot = arena_alloc(a, out->layout.slot_bytes, 64);
    memset(out->slot, 77, out->layout.slot_bytes); // as a slot that was used before
    const struct batch_outcome made =
        batch_assemble(stream, shape, &out->layout, step, lane, out->slot);
    n_lost += made.n_lost_images;
    CHECK_OK(batch_header_decode(out->slot, &out->header));
    CHECK_EQ(out->header.err, OK);
    out->n_tiles = 0;
}

static uint64_t hash_arrays(const struct made_batch *b)
{
    uint64_t h = 0;
    for (size_t i = 0; i < b->layout.n_fields; i++) {
        const struct batch_field *f = &b->layout.fields[i];
        CHECK(b->header.counts[i] <= f->capacity);
        h = hash_xxh3(b->slot + f->offset, b->header.counts[i] * batch_dtype_bytes(f->dtype), h);
    }
    return h;
}

// The source as it is without placeholders, for check_row.
static struct stream *open_stream(struct spawned *placed, enum pack_rule packing, uint64_t T,
                                  uint64_t seed, struct bins **bins, struct arena *a)
{
    const struct bins_options options = {placed->sources, 2, 1, 3, 1 << 20};
    CHECK_OK(bins_open(&options, a, bins));
    struct stream_rule rule = placed->options.service.rule;
    rule.packing = packing;
    const struct stream_request request = {SPLIT_TRAIN, T, seed};
    struct stream *stream;
    CHECK_OK(stream_open(&rule, &request, *bins, a, &stream));
    return stream;
}

// Lanes of 1, 2 and 3 rows over the same rows, each against the documents.
static size_t check_stream(struct spawned *placed, const struct spawned *bare,
                           enum pack_rule packing, uint64_t T)
{
    struct arena a, slots;
    struct bins *bins;
    arena_init(&a, "stream");
    arena_init(&slots, "slots");
    struct stream *stream = open_stream(placed, packing, T, 5, &bins, &a);
    const struct images_rule *rule = stream_images_rule(stream);
    size_t n_tiles = 0;
    for (uint64_t lane_rows = 1; lane_rows <= 3; lane_rows++) {
        const struct batch_shape shape = {.T = T, .lane_rows = lane_rows, .step_lanes = 1};
        for (uint64_t step = 0; step < ROWS / lane_rows / lane_rows; step++) {
            struct made_batch b;
            assemble(stream, &shape, step, 0, &b, &slots);
            for (uint64_t row = 0; row < lane_rows; row++)
                check_row(stream, bare, &b, rule, step * lane_rows + row, row, T);
            CHECK_EQ(b.header.counts[FIRST], b.n_tiles);
            CHECK_EQ(b.header.counts[TILES], b.n_tiles * image_recipe_picture_bytes(rule->recipe));
            n_tiles += b.n_tiles;
            arena_reset(&slots);
        }
    }
    stream_close(stream);
    bins_close(bins);
    arena_fini(&slots);
    arena_fini(&a);
    return n_tiles;
}

// Each seed draws its own crops, the same each time.
static void check_drawn(struct spawned *s)
{
    struct arena a;
    arena_init(&a, "drawn");
    uint64_t hash[3];
    const uint64_t seeds[3] = {5, 5, 6};
    for (size_t i = 0; i < 3; i++) {
        struct bins *bins;
        struct stream *stream = open_stream(s, PACK_CONCAT, 48, seeds[i], &bins, &a);
        const struct batch_shape shape = {.T = 48, .lane_rows = 8, .step_lanes = 1};
        struct made_batch b;
        assemble(stream, &shape, 0, 0, &b, &a);
        CHECK(b.header.counts[FIRST] > 0);
        hash[i] = hash_arrays(&b);
        stream_close(stream);
        bins_close(bins);
    }
    CHECK(hash[0] == hash[1] && hash[0] != hash[2]);
    arena_fini(&a);
}

// Pictures come with the texts' arrays that are wanted, or not at all.
static void check_wanted(struct spawned *s)
{
    struct arena a;
    struct client *all, *some, *none;
    struct client_options o = spawned_client(s);
    arena_init(&a, "wanted");
    spawned_start(s);
    CHECK_OK(client_open(&o, &a, &all));
    o.arrays = "tokens,tiles";
    CHECK_OK(client_open(&o, &a, &some));
    o.arrays = "tokens";
    CHECK_OK(client_open(&o, &a, &none));
    for (uint64_t lane = 0; lane < o.step_lanes; lane++) {
        struct batch x, y, z;
        CHECK_OK(client_request(all, 0, lane));
        CHECK_OK(client_request(some, 0, lane));
        CHECK_OK(client_request(none, 0, lane));
        CHECK_OK(client_wait(all, 0, lane, &x));
        CHECK_OK(client_wait(some, 0, lane, &y));
        CHECK_OK(client_wait(none, 0, lane, &z));
        CHECK(x.n_arrays == 9 && y.n_arrays == 5 && z.n_arrays == 1);
        for (size_t i = 0; i < y.n_arrays; i++) {
            const struct batch_array *array = &y.arrays[i], *same = batch_array(&x, array->name);
            CHECK_EQ(array->count, same->count);
            CHECK(memcmp(array->data, same->data, array->count * batch_dtype_bytes(array->dtype)) ==
                  0);
        }
        client_release(all, &x);
        client_release(some, &y);
        client_release(none, &z);
    }
    client_close(all);
    client_close(some);
    client_close(none);
    (void)spawned_end(s, SIGKILL);
    arena_fini(&a);
}

// A client asks from the last batch to the first, and datad dies on the way.
static void check_served(struct spawned *s)
{
    enum { STEPS = 3, LANES = 6 };
    struct arena a;
    struct bins *bins;
    struct client *c;
    arena_init(&a, "served");
    struct stream *stream = open_stream(s, PACK_CONCAT, 48, 5, &bins, &a);
    const struct client_options o = spawned_client(s);
    const struct batch_shape shape = {
        .T = o.sequence, .lane_rows = o.lane_rows, .step_lanes = o.step_lanes};
    spawned_start(s);
    CHECK_OK(client_open(&o, &a, &c));
    for (uint64_t k = STEPS * LANES; k-- > 0;) {
        struct batch b;
        struct made_batch expected;
        CHECK_OK(client_request(c, k / LANES, k % LANES));
        if (k == LANES) {
            (void)spawned_end(s, SIGKILL);
            spawned_start(s);
        }
        CHECK_OK(client_wait(c, k / LANES, k % LANES, &b));
        assemble(stream, &shape, k / LANES, k % LANES, &expected, &a);
        uint64_t hash = 0;
        for (size_t i = 0; i < b.n_arrays; i++)
            hash = hash_xxh3(b.arrays[i].data,
                             b.arrays[i].count * batch_dtype_bytes(b.arrays[i].dtype), hash);
        CHECK(batch_array(&b, "tiles") != NULL && batch_array(&b, "tile_tokens") != NULL);
        CHECK(hash == hash_arrays(&expected));
        client_release(c, &b);
    }
    client_close(c);
    (void)spawned_end(s, SIGKILL);
    stream_close(stream);
    bins_close(bins);
    arena_fini(&a);
}

static void put_images(struct spawned *s, const struct images_rule *rule)
{
    for (size_t i = 0; i < 2; i++)
        CHECK_OK(source_images_put(rule, &s->arena, &s->sources[i]));
    s->options.service.rule.images = *rule;
}

int main(int argc, char **argv)
{
    const uint64_t seed = check_seed(argc, argv);
    struct arena a;
    arena_init(&a, "files");
    make_files(&a);
    struct spawned bare, tiles, few, crops;
    spawned_init(&bare, seed);
    spawned_init(&tiles, seed);
    spawned_init(&few, seed);
    spawned_init(&crops, seed);
    place_images(&bare.sources[0], seed);
    struct images_rule rule = give_images(&tiles, "tiles-224");
    put_images(&tiles, &rule);
    CHECK(check_stream(&tiles, &bare, PACK_CONCAT, 48) > 100);
    CHECK(check_stream(&tiles, &bare, PACK_BEST_FIT, 64) > 100);
    CHECK(check_stream(&tiles, &bare, PACK_CONCAT, 7) > 10);
    CHECK(check_stream(&tiles, &bare, PACK_BEST_FIT, 5) > 10);
    CHECK(n_lost > 0);
    check_served(&tiles);
    check_wanted(&tiles);
    rule = give_images(&few, "tiles-224");
    rule.row_capacity = 2;
    rule.max_pixels = 500 * 180 - 1; // files 2 and 4 are black too
    decoded[2].rgb = decoded[4].rgb = NULL;
    put_images(&few, &rule);
    CHECK(check_stream(&few, &bare, PACK_CONCAT, 48) > 50);
    CHECK(check_stream(&few, &bare, PACK_BEST_FIT, 64) > 50);
    rule = give_images(&crops, "crop-flip");
    put_images(&crops, &rule);
    check_drawn(&crops);
    struct images_rule outside = rule;
    outside.placeholder = MADE_VOCABULARY + 1;
    CHECK_ERR(source_images_put(&outside, &a, &bare.sources[0]), ERR_CONFIG);
    spawned_fini(&crops);
    spawned_fini(&few);
    spawned_fini(&tiles);
    spawned_fini(&bare);
    arena_fini(&a);
    return 0;
}
