// From a folder of images, most with captions, to batches: the dataset gives back each file and its
// size, rules for texts drop none, and an epoch of rows holds each picture once.

#include "base/hash.h"
#include "datad/batch.h"
#include "datad/batch_images.h"
#include "datad/setting.h"
#include "shard/dataset/dataset_images.h"
#include "tests/shard/format/corpus.h"
#include "tests/shard/image/image_made.h"

enum { IMAGES = 40, T = 96, TOKENS = 16, PLACEHOLDER = 255 };

static const char *write_folder(struct arena *a, struct span files[IMAGES])
{
    const char *folder = corpus_folder(a, "images");
    for (uint32_t i = 0; i < IMAGES; i++) {
        const uint32_t width = 20 + 7 * i, height = 10 + 31 * (i % 5);
        const uint8_t *samples = image_made_samples(a, width, height, 3, i);
        files[i] = image_made_jpeg(a, width, height, 3, i % 2, samples);
        corpus_put(a, folder, arena_printf(a, "%02u.jpg", i), (const char *)files[i].data,
                   files[i].n_bytes);
        const char *caption = i % 8 == 3 ? "" : "a caption of some words";
        if (i % 8 != 5) corpus_put(a, folder, arena_printf(a, "%02u.txt", i), caption, 0);
    }
    return folder;
}

static const char *build(struct arena *a, const char *in, const char *name, uint64_t bin_tokens,
                         const char *profile)
{
    struct dataset_build_result result;
    const char *out = arena_printf(a, "%s/%s", corpus_root(a), name);
    char *inputs[] = {arena_strdup(a, in)};
    struct dataset_build_options options = corpus_options(out, inputs, 1);
    options.bin_tokens = bin_tokens;
    options.judge.filter.profile = profile;
    options.dedup = "document";
    options.shard_tokens = 3 * bin_tokens;
    CHECK_OK(dataset_build(&options, a, &result));
    return out;
}

static void check_dataset(struct arena *a, const char *path, const struct span files[IMAGES])
{
    struct dataset *d;
    struct dataset_images *images;
    CHECK_OK(dataset_open(path, a, &d));
    CHECK_OK(dataset_images_open(d, a, &images));
    CHECK(images != NULL && dataset_info(d)->n_shards > 1);
    uint64_t document = 0;
    for (uint64_t bin = 0; bin < dataset_info(d)->n_bins; bin++) {
        struct dataset_image *list;
        size_t n;
        CHECK_OK(dataset_images_read(images, bin, a, &list, &n));
        CHECK_EQ(n, dataset_bin(d, bin).n_documents);
        for (size_t i = 0; i < n; i++, document++) {
            struct span file;
            struct image_info info;
            CHECK_EQ(list[i].document, i);
            CHECK_EQ(list[i].offset, 0);
            CHECK_OK(dataset_images_file(images, bin, i, a, &file));
            CHECK(file.n_bytes == files[document].n_bytes);
            CHECK(memcmp(file.data, files[document].data, file.n_bytes) == 0);
            CHECK_OK(image_header(file, &image_limits_default, &info));
            CHECK(list[i].width == info.width && list[i].height == info.height);
        }
    }
    CHECK_EQ(document, IMAGES);
    dataset_close(d);
}

// Of the squashed picture of a file, normalised.
static uint64_t hash_picture(const struct image_recipe *recipe, struct span file)
{
    struct arena a;
    arena_init(&a, "picture");
    struct image_pixels pixels;
    const size_t n_values = image_recipe_picture_bytes(recipe);
    uint8_t *rgb = arena_alloc(&a, n_values, 1);
    float *values = ARENA_ARRAY(&a, float, n_values);
    CHECK_OK(image_decode(file, &image_limits_default, &a, &pixels));
    image_recipe_cut(recipe, &pixels, NULL, &a, rgb);
    image_recipe_normalise(recipe, rgb, 1, values);
    const uint64_t hash = hash_xxh3(values, n_values * sizeof *values, 0);
    arena_fini(&a);
    return hash;
}

static struct stream *open_stream(struct arena *a, struct setting *s, struct bins **bins)
{
    const struct bins_options options = {s->sources, s->n_sources, 1, 2, 1 << 20};
    const struct stream_request request = {SPLIT_TRAIN, T, 3};
    struct stream *stream;
    CHECK_OK(bins_open(&options, a, bins));
    CHECK_OK(stream_open(&s->rule, &request, *bins, a, &stream));
    return stream;
}

// One epoch of best-fit rows: documents are shorter than T, so no picture is cut.
static void check_epoch(struct arena *a, const char *path, const struct span files[IMAGES])
{
    struct datad_config config = {.socket = "run/socket", .n_sources = 1, .window_bins = 2};
    config.sources[0] = (struct datad_source){"images", path, 1, NULL};
    config.packing = PACK_BEST_FIT;
    config.tables = corpus_folder(a, "tables");
    config.images = "siglip-224";
    config.images_tokens = TOKENS;
    config.images_placeholder = PLACEHOLDER;
    config.images_pixels = 1;
    struct setting setting;
    struct bins *bins;
    CHECK_OK(setting_open(&config, a, &setting));
    struct stream *stream = open_stream(a, &setting, &bins);
    const struct batch_shape shape = {.T = T, .lane_rows = 1, .step_lanes = 1};
    struct batch_layout layout;
    CHECK_OK(batch_layout_build(&shape, "", &layout));
    CHECK_OK(batch_images_layout(&setting.rule.images, &shape, "", &layout));
    uint8_t *slot = arena_alloc(a, layout.slot_bytes, 64);
    const struct image_recipe *recipe = setting.rule.images.recipe;
    const size_t n_bytes = image_recipe_picture_bytes(recipe) * sizeof(float);
    int n_seen[IMAGES] = {0};
    uint64_t hashes[IMAGES];
    for (size_t k = 0; k < IMAGES; k++)
        hashes[k] = hash_picture(recipe, files[k]);
    for (uint64_t row = 0; row < stream_info(stream)->n_rows; row++) {
        struct batch_header h;
        batch_assemble(stream, &shape, &layout, row, 0, slot);
        CHECK_OK(batch_header_decode(slot, &h));
        CHECK_EQ(h.err, OK);
        for (uint64_t i = 0; i < h.counts[6]; i++) {
            const uint64_t tile =
                hash_xxh3(slot + layout.fields[5].offset + i * n_bytes, n_bytes, 0);
            for (size_t k = 0; k < IMAGES; k++)
                n_seen[k] += hashes[k] == tile;
        }
    }
    for (size_t k = 0; k < IMAGES; k++)
        CHECK_EQ(n_seen[k], 1);
    stream_close(stream);
    bins_close(bins);
    setting_close(&setting);
}

static void check_none(struct arena *a)
{
    struct dataset *d;
    struct dataset_images *images;
    const char *folder = corpus_folder(a, "texts");
    corpus_put(a, folder, "a.txt", "no image at all", 0);
    CHECK_OK(dataset_open(build(a, folder, "plain", 100, "none"), a, &d));
    CHECK_OK(dataset_images_open(d, a, &images));
    CHECK(images == NULL);
    dataset_close(d);
}

int main(void)
{
    struct arena a;
    arena_init(&a, "test");
    struct span files[IMAGES];
    const char *path = build(&a, write_folder(&a, files), "dataset", 150, "fineweb");
    check_dataset(&a, path, files);
    check_epoch(&a, path, files);
    check_none(&a);
    corpus_clean(&a);
    arena_fini(&a);
    return 0;
}
