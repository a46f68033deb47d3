// Headers and pixels of files of every kind; files that are cut, damaged, or claim too much.

#include "base/file.h"
#include "shard/image/image.h"
#include "tests/shard/image/image_made.h"

enum { WIDTH = 37, HEIGHT = 23 };

static const struct image_limits *const LIMITS = &image_limits_default;

static void check_header(struct span file, enum image_format format, uint32_t channels, bool alpha)
{
    struct image_info info;
    CHECK_OK(image_header(file, LIMITS, &info));
    CHECK_EQ(info.format, format);
    CHECK_EQ(info.width, WIDTH);
    CHECK_EQ(info.height, HEIGHT);
    CHECK_EQ(info.channels, channels);
    CHECK_EQ(info.has_alpha, alpha);
}

static void test_headers(const struct span files[IMAGE_MADE_FILES])
{
    static const struct {
        enum image_format format;
        uint32_t channels;
        bool alpha;
    } expected[IMAGE_MADE_FILES] = {
        {IMAGE_PNG, 1, false},  {IMAGE_PNG, 1, true},   {IMAGE_PNG, 1, false},
        {IMAGE_PNG, 1, false},  {IMAGE_PNG, 2, true},   {IMAGE_PNG, 3, false},
        {IMAGE_PNG, 3, true},   {IMAGE_PNG, 3, false},  {IMAGE_PNG, 3, false},
        {IMAGE_PNG, 4, true},   {IMAGE_JPEG, 1, false}, {IMAGE_JPEG, 3, false},
        {IMAGE_JPEG, 3, false}, {IMAGE_JPEG, 4, false}, {IMAGE_WEBP, 3, false},
        {IMAGE_WEBP, 4, true},  {IMAGE_WEBP, 4, true}};
    for (size_t i = 0; i < IMAGE_MADE_FILES; i++)
        check_header(files[i], expected[i].format, expected[i].channels, expected[i].alpha);
}

// Sample number i of packed samples of bits bits.
static uint32_t sample(const uint8_t *row, uint32_t i, int bits)
{
    if (bits == 16) return (uint32_t)row[2 * i] << 8 | row[2 * i + 1];
    const uint32_t at = i * (uint32_t)bits;
    return (uint32_t)row[at / 8] >> (8 - bits - (int)(at % 8)) & ((1U << bits) - 1);
}

static uint8_t expected_value(const struct image_made_png *kind, const uint8_t *row, uint32_t x,
                              uint32_t c)
{
    const uint32_t channels = kind->colour == PNG_COLOR_TYPE_GRAY_ALPHA  ? 2
                              : kind->colour == PNG_COLOR_TYPE_RGB       ? 3
                              : kind->colour == PNG_COLOR_TYPE_RGB_ALPHA ? 4
                                                                         : 1;
    const uint32_t v = sample(row, x * channels + (channels > 2 ? c : 0), kind->bits);
    if (kind->colour == PNG_COLOR_TYPE_PALETTE)
        return (uint8_t)(c == 0 ? v : c == 1 ? 255 - v : 7 * v);
    if (kind->bits == 16 && kind->colour == PNG_COLOR_TYPE_GRAY)
        return (uint8_t)(v > 255 ? 255 : v);
    return (uint8_t)(kind->bits == 16 ? v >> 8 : v * 255 / ((1U << kind->bits) - 1));
}

static void test_png(const struct image_made_png *kind, struct arena *a)
{
    const uint8_t *samples = image_made_samples(a, WIDTH, HEIGHT, 8, 3);
    const size_t row_bytes = WIDTH * 8;
    const struct span file = image_made_png(a, WIDTH, HEIGHT, kind, samples, row_bytes);
    struct image_pixels pixels;
    CHECK_OK(image_decode(file, LIMITS, a, &pixels));
    CHECK(pixels.width == WIDTH && pixels.height == HEIGHT);
    for (uint32_t y = 0; y < HEIGHT; y++)
        for (uint32_t x = 0; x < WIDTH; x++)
            for (uint32_t c = 0; c < 3; c++)
                CHECK_EQ(pixels.rgb[(y * WIDTH + x) * 3 + c],
                         expected_value(kind, samples + y * row_bytes, x, c));
    arena_reset(a);
}

static void test_pngs(struct arena *a)
{
    static const int kinds[][2] = {{PNG_COLOR_TYPE_GRAY, 1},        {PNG_COLOR_TYPE_GRAY, 2},
                                   {PNG_COLOR_TYPE_GRAY, 4},        {PNG_COLOR_TYPE_GRAY, 8},
                                   {PNG_COLOR_TYPE_GRAY, 16},       {PNG_COLOR_TYPE_PALETTE, 1},
                                   {PNG_COLOR_TYPE_PALETTE, 2},     {PNG_COLOR_TYPE_PALETTE, 4},
                                   {PNG_COLOR_TYPE_PALETTE, 8},     {PNG_COLOR_TYPE_GRAY_ALPHA, 8},
                                   {PNG_COLOR_TYPE_GRAY_ALPHA, 16}, {PNG_COLOR_TYPE_RGB, 8},
                                   {PNG_COLOR_TYPE_RGB, 16},        {PNG_COLOR_TYPE_RGB_ALPHA, 8},
                                   {PNG_COLOR_TYPE_RGB_ALPHA, 16}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        for (int interlaced = 0; interlaced < 2; interlaced++)
            test_png(&(struct image_made_png){kinds[i][0], kinds[i][1], interlaced, false}, a);
}

static void test_lossless_webp(struct arena *a)
{
    const uint8_t *samples = image_made_samples(a, WIDTH, HEIGHT, 3, 4);
    struct image_pixels pixels;
    CHECK_OK(image_decode(image_made_webp(a, WIDTH, HEIGHT, 3, true, samples), LIMITS, a, &pixels));
    CHECK(memcmp(pixels.rgb, samples, WIDTH * HEIGHT * 3) == 0);
}

// A flat colour survives JPEG within a little; CMYK (ink, inverted as Adobe writes it) does too.
static void test_jpeg_colours(struct arena *a)
{
    static const uint8_t ink[4] = {255, 128, 0, 200}, light[3] = {200, 100, 0};
    uint8_t *samples = arena_alloc(a, WIDTH * HEIGHT * 4, 1);
    for (size_t i = 0; i < (size_t)WIDTH * HEIGHT; i++)
        memcpy(samples + 4 * i, ink, 4);
    struct image_pixels pixels;
    const struct span file = image_made_jpeg(a, WIDTH, HEIGHT, 4, false, samples);
    CHECK_OK(image_decode(file, LIMITS, a, &pixels));
    for (size_t i = 0; i < (size_t)WIDTH * HEIGHT * 3; i++)
        CHECK(abs(pixels.rgb[i] - light[i % 3]) <= 3);
}

// Every proper beginning of a file is refused; its header, if it is known, is that of the file.
static void test_cut(struct span file, struct arena *a)
{
    struct image_info whole, info;
    CHECK_OK(image_header(file, LIMITS, &whole));
    for (size_t n = 0; n < file.n_bytes; n++) {
        // A copy of its own, so that a sanitizer sees reads behind its end.
        uint8_t *copy = arena_alloc(a, n, 1);
        memcpy(copy, file.data, n);
        const struct span cut = {copy, n};
        struct image_pixels pixels = {0};
        CHECK_ERR(image_decode(cut, LIMITS, a, &pixels), ERR_DATA);
        CHECK(pixels.rgb == NULL);
        if (image_header(cut, LIMITS, &info) == OK)
            CHECK(info.width == whole.width && info.height == whole.height);
        arena_reset(a);
    }
}

// Damage ends in pixels of the size that the header says, or in an error.
static void test_damage(struct span file, uint64_t key, struct arena *a)
{
    for (uint64_t number = 0; number < 200; number++) {
        uint8_t *copy = arena_alloc(a, file.n_bytes, 1);
        memcpy(copy, file.data, file.n_bytes);
        const uint64_t n_changes = 1 + rng_u64(key, number, 0) % 4;
        for (uint64_t i = 1; i <= n_changes; i++) {
            const uint64_t draw = rng_u64(key, number, i);
            copy[(draw >> 8) % file.n_bytes] = (uint8_t)draw;
        }
        const struct span damaged = {copy, file.n_bytes};
        const struct image_limits limits = {1 << 20, 1 << 20, 4096};
        struct image_info info;
        struct image_pixels pixels;
        const enum err e = image_decode(damaged, &limits, a, &pixels);
        CHECK(e == OK || e == ERR_DATA);
        if (e == OK) {
            CHECK_OK(image_header(damaged, &limits, &info));
            CHECK(pixels.width == info.width && pixels.height == info.height);
        }
        arena_reset(a);
    }
}

// A JPEG that is cut and closed by a marker decodes with made-up pixels in other hands.
static void test_closed_jpeg(struct arena *a)
{
    const uint8_t *samples = image_made_samples(a, 64, 64, 3, 5);
    struct span file = image_made_jpeg(a, 64, 64, 3, false, samples);
    uint8_t *copy = arena_alloc(a, file.n_bytes, 1);
    const size_t n = file.n_bytes * 3 / 4;
    memcpy(copy, file.data, n);
    copy[n - 2] = 0xff;
    copy[n - 1] = 0xd9;
    struct image_pixels pixels;
    CHECK_ERR(image_decode((struct span){copy, n}, LIMITS, a, &pixels), ERR_DATA);
    CHECK_LINE("JPEG: Corrupt JPEG data: premature end of data segment");
}

static void refuse(struct span file, const struct image_limits *limits, const char *line)
{
    struct arena a;
    arena_init(&a, "refused");
    struct image_pixels pixels;
    CHECK_ERR(image_decode(file, limits, &a, &pixels), ERR_DATA);
    CHECK_LINE(line);
    CHECK_EQ(a.used_bytes, 0);
    arena_fini(&a);
}

static void test_bombs(struct arena *a)
{
    static const uint8_t jpeg[] = {0xff, 0xd8, 0xff, 0xc0, 0, 17, 8, 0xff, 0xdc, 0xff, 0xdc,
                                   3,    1,    0x11, 0,    2, 17, 0, 3,    17,   0};
    refuse((struct span){jpeg, sizeof jpeg}, LIMITS,
           "JPEG of 65500x65500 pixels: an image has at most 89478485");
    // A PNG's claim of 2^31 - 1 a side, its checksum right.
    static const uint8_t png[] = {
        0x89, 'P',  'N',  'G',  '\r', '\n', 0x1a, '\n', 0,    0,   0,   13, 'I', 'H', 'D',
        'R',  0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 8,   2,   0,  0,   0,   0x9b,
        0xab, 0x9c, 0x31, 0,    0,    0,    0,    'I',  'D',  'A', 'T', 0,  0,   0,   0};
    refuse((struct span){png, sizeof png}, LIMITS,
           "PNG of 2147483647x2147483647 pixels: a side has at most 65500");
    const uint8_t *samples = image_made_samples(a, WIDTH, HEIGHT, 3, 6);
    const struct span webp = image_made_webp(a, WIDTH, HEIGHT, 3, false, samples);
    const struct image_limits small = {1 << 20, WIDTH * HEIGHT - 1, WIDTH};
    refuse(webp, &small, "WebP of 37x23 pixels: an image has at most 850");
    const struct image_limits short_limit = {webp.n_bytes - 1, 1 << 20, WIDTH};
    struct image_info info;
    CHECK_ERR(image_header(webp, &short_limit, &info), ERR_DATA);
    refuse((struct span){(const uint8_t *)"GIF89a", 6}, LIMITS, "not a JPEG, PNG or WebP image");
    refuse((struct span){NULL, 0}, LIMITS, "not a JPEG, PNG or WebP image");
}

// test_image --corpus FOLDER: the files, for a fuzzer to begin with.
static void write_corpus(const char *folder, const struct span files[IMAGE_MADE_FILES],
                         struct arena *a)
{
    CHECK_OK(file_make_folders(folder));
    for (size_t i = 0; i < IMAGE_MADE_FILES; i++) {
        const char *path = arena_printf(a, "%s/made-%zu", folder, i);
        CHECK_OK(file_replace(path, files[i].data, files[i].n_bytes));
    }
}

int main(int argc, char **argv)
{
    const uint64_t seed = check_seed(argc, argv);
    struct arena files_arena, a;
    arena_init(&files_arena, "files");
    arena_init(&a, "test");
    struct span files[IMAGE_MADE_FILES];
    image_made_all(&files_arena, WIDTH, HEIGHT, seed, files);
    if (argc == 3 && strcmp(argv[1], "--corpus") == 0) {
        write_corpus(argv[2], files, &a);
        return 0;
    }
    test_headers(files);
    test_pngs(&a);
    test_lossless_webp(&a);
    test_jpeg_colours(&a);
    test_closed_jpeg(&a);
    test_bombs(&a);
    for (size_t i = 0; i < IMAGE_MADE_FILES; i++) {
        test_cut(files[i], &a);
        test_damage(files[i], seed + i, &a);
    }
    arena_fini(&a);
    arena_fini(&files_arena);
    return 0;
}
