// JPEG: the header by walking the markers to the frame's, the pixels by libjpeg-turbo with its
// defaults (slow integer DCT, smooth chroma upsampling), as Pillow does.
//
// libjpeg reports errors by longjmp. All that may jump is called in decode_rows, which holds no
// variable that it needs after the jump; the struct with the library's state is its caller's.

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "shard/image/image_codec.h"

enum {
    SOI = 0xd8,
    EOI = 0xd9,
    SOS = 0xda,
    SCANS_LIMIT = 100,      // a progressive file of many scans is a bomb in time
    FRAME_BYTES = 6,        // precision, height, width, components
    MEMORY_BYTES = 16 << 20 // beyond the pixels: tables, and whole blocks of thin images
};

static bool jpeg_begins(struct span file)
{
    return file.n_bytes >= 3 && file.data[0] == 0xff && file.data[1] == SOI && file.data[2] == 0xff;
}

static bool is_frame(uint8_t marker)
{
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

// SOF0-2 Huffman, SOF9-10 arithmetic coding; the rest is lossless or hierarchical.
static bool is_frame_read(uint8_t marker)
{
    return marker <= 0xc2 || marker == 0xc9 || marker == 0xca;
}

static enum err read_frame(const uint8_t *at, struct image_info *out)
{
    if (at[0] != 8) return fail(ERR_DATA, "JPEG: %d bits a sample; 8 are read", at[0]);
    out->height = (uint32_t)at[1] << 8 | at[2];
    out->width = (uint32_t)at[3] << 8 | at[4];
    out->channels = at[5];
    if (out->channels != 1 && out->channels != 3 && out->channels != 4)
        return fail(ERR_DATA, "JPEG: %d components; 1, 3 or 4 are read", at[5]);
    return OK;
}

// Finds the next marker at *at, moves *at behind it. Fill bytes 0xff may stand before it.
static enum err next_marker(struct span file, size_t *at, uint8_t *marker)
{
    if (*at < file.n_bytes && file.data[*at] != 0xff)
        return fail(ERR_DATA, "JPEG: no marker at byte %zu", *at);
    while (*at < file.n_bytes && file.data[*at] == 0xff)
        (*at)++;
    if (*at >= file.n_bytes) return fail(ERR_DATA, "JPEG: cut short before its frame");
    *marker = file.data[(*at)++];
    return OK;
}

static enum err jpeg_header(struct span file, struct image_info *out)
{
    for (size_t at = 2;;) {
        uint8_t marker;
        TRY(next_marker(file, &at, &marker));
        if (marker == 0x01) continue; // TEM has no length
        if (marker == SOI || marker == EOI || marker == SOS || marker < 0xc0 ||
            (marker >= 0xd0 && marker <= 0xd7))
            return fail(ERR_DATA, "JPEG: marker 0x%02x before its frame", marker);
        if (file.n_bytes - at < 2) return fail(ERR_DATA, "JPEG: cut short before its frame");
        const size_t length = (size_t)file.data[at] << 8 | file.data[at + 1];
        if (length < 2) return fail(ERR_DATA, "JPEG: segment of %zu bytes", length);
        if (length > file.n_bytes - at) return fail(ERR_DATA, "JPEG: cut short before its frame");
        if (is_frame(marker)) {
            if (!is_frame_read(marker))
                return fail(ERR_DATA, "JPEG: lossless and hierarchical are not read");
            if (length < 2 + FRAME_BYTES) return fail(ERR_DATA, "JPEG: frame too short");
            return read_frame(file.data + at + 2, out);
        }
        at += length;
    }
}

struct decoder {
    struct jpeg_decompress_struct jpeg; // first: the library's callbacks get its address
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    jmp_buf out;
    char text[JMSG_LENGTH_MAX];
};

static struct decoder *decoder_of(j_common_ptr jpeg)
{
    return (struct decoder *)(void *)jpeg;
}

static void on_error(j_common_ptr jpeg)
{
    struct decoder *d = decoder_of(jpeg);
    jpeg->err->format_message(jpeg, d->text);
    longjmp(d->out, 1);
}

static void stop(j_common_ptr jpeg, const char *why)
{
    struct decoder *d = decoder_of(jpeg);
    snprintf(d->text, sizeof d->text, "%s", why);
    longjmp(d->out, 1);
}

// The library repairs damage with made-up pixels and a warning (level -1). Those warnings are
// errors here; the others (odd bytes between markers, an unknown JFIF version) lose no pixel.
static void on_message(j_common_ptr jpeg, int level)
{
    if (level >= 0) return;
    switch (jpeg->err->msg_code) {
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_JFIF_MAJOR:
    case JWRN_ADOBE_XFORM:
    case JWRN_BOGUS_ICC:
    case JWRN_BOGUS_PROGRESSION:
        return;
    default:
        on_error(jpeg);
    }
}

static void on_no_message(j_common_ptr jpeg)
{
    (void)jpeg;
}

static void on_scan(j_common_ptr jpeg)
{
    if (((j_decompress_ptr)jpeg)->input_scan_number > SCANS_LIMIT) stop(jpeg, "too many scans");
}

static void source_init(j_decompress_ptr jpeg)
{
    (void)jpeg;
}

static boolean source_fill(j_decompress_ptr jpeg)
{
    stop((j_common_ptr)jpeg, "cut short");
    return FALSE;
}

static void source_skip(j_decompress_ptr jpeg, long n_bytes)
{
    if (n_bytes <= 0) return;
    if ((size_t)n_bytes > jpeg->src->bytes_in_buffer) stop((j_common_ptr)jpeg, "cut short");
    jpeg->src->next_input_byte += n_bytes;
    jpeg->src->bytes_in_buffer -= (size_t)n_bytes;
}

static void decoder_open(struct decoder *d, struct span file, const struct image_info *info)
{
    jpeg_create_decompress(&d->jpeg);
    d->source = (struct jpeg_source_mgr){.next_input_byte = file.data,
                                         .bytes_in_buffer = file.n_bytes,
                                         .init_source = source_init,
                                         .fill_input_buffer = source_fill,
                                         .skip_input_data = source_skip,
                                         .resync_to_restart = jpeg_resync_to_restart,
                                         .term_source = source_init};
    d->jpeg.src = &d->source;
    d->progress.progress_monitor = on_scan;
    d->jpeg.progress = &d->progress;
    d->jpeg.mem->max_memory_to_use =
        (long)info->width * info->height * IMAGE_DECODE_BYTES_A_PIXEL + MEMORY_BYTES;
}

// Pillow takes every file of four components as Adobe's inverted CMYK. a * b / 255, rounded.
static void cmyk_to_rgb(const uint8_t *in, uint32_t width, uint8_t *out)
{
    for (uint32_t x = 0; x < width; x++, in += 4, out += 3)
        for (int c = 0; c < 3; c++) {
            const uint32_t light = in[3];
            const uint32_t product = (255U - in[c]) * light + 128;
            const uint32_t ink = (product + (product >> 8)) >> 8;
            out[c] = (uint8_t)(light - ink);
        }
}

static void gray_to_rgb(const uint8_t *in, uint32_t width, uint8_t *out)
{
    for (uint32_t x = 0; x < width; x++)
        memset(out + (size_t)x * 3, in[x], 3);
}

static void put_row(const uint8_t *in, const struct image_info *info, uint8_t *out)
{
    if (info->channels == 4)
        cmyk_to_rgb(in, info->width, out);
    else
        gray_to_rgb(in, info->width, out);
}

// Whole or false with d->text. line has room for a row of 4 channels.
static bool decode_rows(struct decoder *d, struct span file, const struct image_info *info,
                        uint8_t *line, uint8_t *rgb)
{
    if (setjmp(d->out)) return false;
    decoder_open(d, file, info);
    jpeg_read_header(&d->jpeg, TRUE);
    if (d->jpeg.image_width != info->width || d->jpeg.image_height != info->height ||
        (uint32_t)d->jpeg.num_components != info->channels)
        stop((j_common_ptr)&d->jpeg, "two frames of different size");
    d->jpeg.out_color_space = info->channels == 1   ? JCS_GRAYSCALE
                              : info->channels == 3 ? JCS_RGB
                                                    : JCS_CMYK;
    jpeg_start_decompress(&d->jpeg);
    while (d->jpeg.output_scanline < d->jpeg.output_height) {
        uint8_t *out = rgb + (size_t)d->jpeg.output_scanline * info->width * 3;
        uint8_t *row = info->channels == 3 ? out : line;
        jpeg_read_scanlines(&d->jpeg, &row, 1);
        if (info->channels != 3) put_row(line, info, out);
    }
    jpeg_finish_decompress(&d->jpeg);
    return true;
}

static enum err jpeg_decode(struct span file, const struct image_info *info, struct arena *a,
                            struct image_pixels *out)
{
    struct decoder d;
    memset(&d, 0, sizeof d);
    d.jpeg.err = jpeg_std_error(&d.errors);
    d.errors.error_exit = on_error;
    d.errors.emit_message = on_message;
    d.errors.output_message = on_no_message;
    uint8_t *line = arena_alloc(a, (size_t)info->width * 4, 64);
    const bool whole = decode_rows(&d, file, info, line, out->rgb);
    jpeg_destroy_decompress(&d.jpeg);
    if (!whole) return fail(ERR_DATA, "JPEG: %s", d.text);
    return OK;
}

const struct image_codec image_codec_jpeg = {IMAGE_JPEG, jpeg_begins, jpeg_header, jpeg_decode};
