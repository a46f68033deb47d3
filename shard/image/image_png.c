// PNG: the header (and whether a tRNS chunk makes colours transparent) by walking the chunks to the
// first pixels, the pixels by libpng. Palettes are looked up here, as Pillow does: an index beyond
// the palette is a grey of that value.
//
// libpng reports errors by longjmp. All that may jump is called in decode_rows, which holds no
// variable that it needs after the jump.

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <png.h>
#include <zlib.h>

#include "shard/image/image_codec.h"

enum {
    SIGNATURE_BYTES = 8,
    CHUNK_BYTES = 12, // length, name, crc32
    HEADER_BYTES = 13,
    TEXT_BYTES = 120
};

enum { GRAY = 0, COLOUR = 2, PALETTE = 3, GRAY_ALPHA = 4, COLOUR_ALPHA = 6 };

static bool png_begins(struct span file)
{
    static const uint8_t signature[SIGNATURE_BYTES] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    return file.n_bytes >= SIGNATURE_BYTES && memcmp(file.data, signature, SIGNATURE_BYTES) == 0;
}

static uint32_t read_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static bool is_depth_of(uint8_t depth, uint8_t colour)
{
    switch (colour) {
    case GRAY:
        return depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16;
    case PALETTE:
        return depth == 1 || depth == 2 || depth == 4 || depth == 8;
    case COLOUR:
    case GRAY_ALPHA:
    case COLOUR_ALPHA:
        return depth == 8 || depth == 16;
    default:
        return false;
    }
}

static uint32_t channels_of(uint8_t colour)
{
    switch (colour) {
    case GRAY:
        return 1;
    case GRAY_ALPHA:
        return 2;
    case COLOUR_ALPHA:
        return 4;
    default:
        return 3;
    }
}

// The chunk at *at; moves *at behind it. Its crc32 is not checked.
static enum err next_chunk(struct span file, size_t *at, const uint8_t **chunk, uint32_t *n_bytes)
{
    if (file.n_bytes - *at < CHUNK_BYTES) return fail(ERR_DATA, "PNG: cut short before its pixels");
    *n_bytes = read_u32(file.data + *at);
    *chunk = file.data + *at + 4;
    if (*n_bytes > file.n_bytes - *at - CHUNK_BYTES)
        return fail(ERR_DATA, "PNG: cut short before its pixels");
    *at += CHUNK_BYTES + *n_bytes;
    return OK;
}

static enum err read_ihdr(const uint8_t *chunk, uint32_t n_bytes, struct image_info *out)
{
    if (n_bytes != HEADER_BYTES || memcmp(chunk, "IHDR", 4) != 0)
        return fail(ERR_DATA, "PNG: does not begin with its header");
    if (crc32(0, chunk, 4 + HEADER_BYTES) != read_u32(chunk + 4 + HEADER_BYTES))
        return fail(ERR_DATA, "PNG: header of another checksum");
    const uint8_t *at = chunk + 4;
    const uint8_t depth = at[8], colour = at[9];
    if (!is_depth_of(depth, colour))
        return fail(ERR_DATA, "PNG: %d bits of colour type %d", depth, colour);
    out->width = read_u32(at);
    out->height = read_u32(at + 4);
    out->channels = channels_of(colour);
    out->has_alpha = colour == GRAY_ALPHA || colour == COLOUR_ALPHA;
    return OK;
}

static enum err png_header(struct span file, struct image_info *out)
{
    size_t at = SIGNATURE_BYTES;
    const uint8_t *chunk;
    uint32_t n_bytes;
    TRY(next_chunk(file, &at, &chunk, &n_bytes));
    TRY(read_ihdr(chunk, n_bytes, out));
    for (;;) {
        // The first chunk of pixels need not be whole for its header to be known.
        if (file.n_bytes - at >= 8 && memcmp(file.data + at + 4, "IDAT", 4) == 0) return OK;
        TRY(next_chunk(file, &at, &chunk, &n_bytes));
        if (memcmp(chunk, "tRNS", 4) == 0) out->has_alpha = true;
        if (memcmp(chunk, "IEND", 4) == 0) return fail(ERR_DATA, "PNG: no pixels");
    }
}

struct decoder {
    png_structp png;
    png_infop info;
    struct span rest;
    uint8_t colour;
    uint8_t sample_bytes; // as libpng gives them: 2 of 16-bit files, else 1
    bool interlaced;
    uint8_t palette[256][3];
    char text[TEXT_BYTES];
};

static void on_error(png_structp png, png_const_charp text)
{
    struct decoder *d = png_get_error_ptr(png);
    snprintf(d->text, sizeof d->text, "%s", text);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static void on_read(png_structp png, png_bytep out, size_t n_bytes)
{
    struct decoder *d = png_get_io_ptr(png);
    if (n_bytes > d->rest.n_bytes) png_error(png, "cut short");
    memcpy(out, d->rest.data, n_bytes);
    d->rest.data += n_bytes;
    d->rest.n_bytes -= n_bytes;
}

static void fill_palette(struct decoder *d)
{
    for (int i = 0; i < 256; i++)
        memset(d->palette[i], i, 3);
    png_colorp colours;
    int n_colours = 0;
    if (!png_get_PLTE(d->png, d->info, &colours, &n_colours)) return;
    for (int i = 0; i < n_colours && i < 256; i++) {
        d->palette[i][0] = colours[i].red;
        d->palette[i][1] = colours[i].green;
        d->palette[i][2] = colours[i].blue;
    }
}

static size_t pixel_bytes(const struct decoder *d)
{
    return d->colour == PALETTE ? 1 : d->sample_bytes * (size_t)channels_of(d->colour);
}

// A row as libpng gives it (whole bytes a sample, 16 bits big-endian) to RGB.
static void put_row(const struct decoder *d, const uint8_t *in, uint32_t width, uint8_t *out)
{
    const size_t step = pixel_bytes(d), sample = d->sample_bytes;
    for (uint32_t x = 0; x < width; x++, in += step, out += 3) {
        if (d->colour == PALETTE)
            memcpy(out, d->palette[in[0]], 3);
        else if (d->colour == GRAY)
            memset(out, sample == 2 && in[0] ? 255 : in[sample - 1], 3);
        else if (d->colour == GRAY_ALPHA)
            memset(out, in[0], 3);
        else
            for (size_t c = 0; c < 3; c++)
                out[c] = in[c * sample];
    }
}

static void read_start(struct decoder *d, const struct image_info *info)
{
    png_set_read_fn(d->png, d, on_read);
    png_set_user_limits(d->png, info->width, info->height);
    png_set_benign_errors(d->png, 1);
    png_set_check_for_invalid_index(d->png, -1);
    // Neither texts nor profiles are kept, or even unpacked.
    png_set_keep_unknown_chunks(d->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_read_info(d->png, d->info);
    if (d->colour == PALETTE)
        png_set_packing(d->png);
    else if (d->colour == GRAY && d->sample_bytes == 1)
        png_set_expand_gray_1_2_4_to_8(d->png);
    fill_palette(d);
    png_set_interlace_handling(d->png);
    png_read_update_info(d->png, d->info);
    if (png_get_rowbytes(d->png, d->info) != info->width * pixel_bytes(d))
        png_error(d->png, "header contradicts itself");
}

// lines has room for a row, of an interlaced image for all rows (it comes in seven passes over
// them). Whole, or false with d->text.
static bool decode_rows(struct decoder *d, const struct image_info *info, uint8_t *lines,
                        uint8_t *rgb)
{
    if (setjmp(png_jmpbuf(d->png))) return false;
    read_start(d, info);
    const size_t row_bytes = info->width * pixel_bytes(d);
    const size_t stride = d->interlaced ? row_bytes : 0;
    for (int pass = 0; d->interlaced && pass < PNG_INTERLACE_ADAM7_PASSES - 1; pass++)
        for (uint32_t y = 0; y < info->height; y++)
            png_read_row(d->png, lines + y * stride, NULL);
    for (uint32_t y = 0; y < info->height; y++) {
        png_read_row(d->png, lines + y * stride, NULL);
        put_row(d, lines + y * stride, info->width, rgb + (size_t)y * info->width * 3);
    }
    png_read_end(d->png, NULL);
    return true;
}

static enum err png_decode(struct span file, const struct image_info *info, struct arena *a,
                           struct image_pixels *out)
{
    const uint8_t *header = file.data + SIGNATURE_BYTES + 8;
    struct decoder d = {.rest = file,
                        .colour = header[9],
                        .sample_bytes = header[8] == 16 ? 2 : 1,
                        .interlaced = header[12] != 0};
    d.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &d, on_error, on_warning);
    if (d.png == NULL) return fail(ERR_DATA, "PNG: library of another version");
    d.info = png_create_info_struct(d.png);
    const size_t row_bytes = info->width * pixel_bytes(&d);
    uint8_t *lines = arena_array(a, d.interlaced ? info->height : 1, row_bytes, 64);
    const bool whole = d.info != NULL && decode_rows(&d, info, lines, out->rgb);
    png_destroy_read_struct(&d.png, &d.info, NULL);
    if (!whole) return fail(ERR_DATA, "PNG: %s", d.text);
    return OK;
}

const struct image_codec image_codec_png = {IMAGE_PNG, png_begins, png_header, png_decode};
