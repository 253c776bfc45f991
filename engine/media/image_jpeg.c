#include "media/image_jpeg.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#include "core/buffer.h"
#include "core/error.h"
#include "core/memory.h"
#include "media/exif.h"

enum {
    CHANNELS = 4,
    OPAQUE = 255,
    MOST_SCANS = 64,           /* a scan of a few bytes walks over the whole picture; encoders write a dozen */
    BYTES_A_PIXEL = 16,        /* coefficients of four components at full size take 8 */
    BYTES_BESIDE = 64 << 20,   /* thin pictures are padded to whole blocks of up to 32 pixels */
    MOST_MARKER = 0xffff
};

/* All that lives across libjpeg's jumps is in here, not in locals that a jump would leave undefined. */
typedef struct decoder {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf jump;
    vt_context *ctx;
    const unsigned char *data;
    size_t size;
    const vt__image_limits *limits;
    int64_t width, height;      /* of the result */
    vt__exif_turn turn;
    unsigned char *row, *pixels; /* owned */
    int code;                   /* libjpeg's message code of what ended the work */
    char message[JMSG_LENGTH_MAX];
} decoder;

/* ---- what libjpeg calls ---- */

static _Noreturn void give_up(j_common_ptr jpeg, int code) {
    decoder *d = jpeg->client_data;
    d->code = code;
    jpeg->err->format_message(jpeg, d->message);
    longjmp(d->jump, 1);
}

static void on_error(j_common_ptr jpeg) { give_up(jpeg, jpeg->err->msg_code); }

/* Level -1 warns of damage. What says nothing about the pixels is let pass: odd version numbers, bytes between markers. */
static void on_message(j_common_ptr jpeg, int level) {
    int code = jpeg->err->msg_code;
    if (level >= 0 || code == JWRN_ADOBE_XFORM || code == JWRN_JFIF_MAJOR || code == JWRN_EXTRANEOUS_DATA) return;
    give_up(jpeg, code);
}

static void on_output(j_common_ptr jpeg) { (void)jpeg; }

static void on_progress(j_common_ptr jpeg) {
    decoder *d = jpeg->client_data;
    if (d->jpeg.input_scan_number <= MOST_SCANS) return;
    jpeg->err->msg_code = JERR_BAD_PROGRESSION;
    give_up(jpeg, JERR_BAD_PROGRESSION);
}

/* ---- decoding; each of these may be left by a jump ---- */

static void read_head(decoder *d) {
    jpeg_create_decompress(&d->jpeg);
    d->jpeg.progress = &d->progress;
    jpeg_mem_src(&d->jpeg, d->data, (unsigned long)d->size);
    if (d->limits->upright) jpeg_save_markers(&d->jpeg, JPEG_APP0 + 1, MOST_MARKER);
    (void)jpeg_read_header(&d->jpeg, TRUE);
}

static int orientation(const decoder *d) {
    for (jpeg_saved_marker_ptr m = d->jpeg.marker_list; m; m = m->next) {
        int turn = m->marker == JPEG_APP0 + 1 ? vt__exif_orientation(m->data, m->data_length) : 0;
        if (turn) return turn;
    }
    return 1;
}

/* A row of the file to its places in the result. Adobe's CMYK is stored as what is left of the paper's white. */
static void place_row(decoder *d, int64_t y) {
    const unsigned char *from = d->row;
    unsigned char *to = d->pixels + vt__exif_place(&d->turn, 0, y) * CHANNELS;
    const int64_t step = (vt__exif_place(&d->turn, 1, y) - vt__exif_place(&d->turn, 0, y)) * CHANNELS;
    const int is_cmyk = d->jpeg.out_color_space == JCS_CMYK, flip = is_cmyk && !d->jpeg.saw_Adobe_marker ? OPAQUE : 0;
    for (JDIMENSION x = 0; x < d->jpeg.output_width; x++) {
        for (int c = 0; c < CHANNELS - 1; c++) to[c] = is_cmyk ? (unsigned char)(((from[c] ^ flip) * (from[3] ^ flip) + OPAQUE / 2) / OPAQUE) : from[c];
        to[CHANNELS - 1] = OPAQUE;
        from += is_cmyk ? 4 : 3;
        if (x + 1 < d->jpeg.output_width) to += step;
    }
}

static vt_status allocate(decoder *d) {
    size_t row = (size_t)d->jpeg.output_width * (size_t)d->jpeg.output_components, size = (size_t)(d->width * d->height) * CHANNELS;
    d->row = vt__alloc(d->ctx, row);
    d->pixels = vt__alloc(d->ctx, size + 1);
    return d->row && d->pixels ? VT_OK : vt__fail_nomem("jpeg", size + row);
}

/* The smallest of the sizes that blocks of 8 pixels come in for less work, and that is large enough. */
static unsigned divisor(const decoder *d) {
    const int64_t least = d->limits->least, width = d->jpeg.image_width, height = d->jpeg.image_height;
    unsigned by = least > 0 ? 8 : 1;
    while (by > 1 && ((width + by - 1) / by < least || (height + by - 1) / by < least)) by /= 2;
    return by;
}

static vt_status begin(decoder *d) {
    struct jpeg_decompress_struct *jpeg = &d->jpeg;
    read_head(d);
    int64_t width = jpeg->image_width, height = jpeg->image_height;
    vt_status st = vt__image_check("jpeg", width, height, d->limits);
    if (st != VT_OK) return st;
    jpeg->mem->max_memory_to_use = (long)(width * height) * BYTES_A_PIXEL + BYTES_BESIDE;
    jpeg->out_color_space = jpeg->num_components == 4 ? JCS_CMYK : JCS_RGB;
    jpeg->dct_method = JDCT_ISLOW; /* the exact one: the same pixels with and without SIMD */
    jpeg->scale_num = 1;
    jpeg->scale_denom = divisor(d);
    (void)jpeg_start_decompress(jpeg);
    vt__exif_turn_make(&d->turn, orientation(d), jpeg->output_width, jpeg->output_height);
    d->width = d->turn.width;
    d->height = d->turn.height;
    return VT_OK;
}

static vt_status decode(decoder *d) {
    struct jpeg_decompress_struct *jpeg = &d->jpeg;
    vt_status st = begin(d);
    if (st != VT_OK) return st;
    if (jpeg->output_components != (jpeg->out_color_space == JCS_CMYK ? 4 : 3)) return vt__fail(VT_ERR_FORMAT, "jpeg: %d channels", jpeg->output_components);
    st = allocate(d);
    for (int64_t y = 0; st == VT_OK && y < jpeg->output_height; y++) {
        (void)jpeg_read_scanlines(jpeg, &d->row, 1);
        place_row(d, y);
    }
    if (st == VT_OK) (void)jpeg_finish_decompress(jpeg);
    return st;
}

static vt_status status_of(const decoder *d) {
    switch (d->code) {
    case JERR_OUT_OF_MEMORY: return vt__fail_nomem("jpeg", 0);
    case JERR_NO_BACKING_STORE: return vt__fail(VT_ERR_LIMIT, "jpeg: more memory than %d bytes a pixel", BYTES_A_PIXEL);
    case JERR_BAD_PRECISION: case JERR_SOF_UNSUPPORTED: case JERR_CONVERSION_NOTIMPL: return vt__fail(VT_ERR_UNSUPPORTED, "jpeg: %s", d->message);
    default: return vt__fail(VT_ERR_FORMAT, "jpeg: %s", d->message);
    }
}

/* The one place that a jump comes back to. */
static vt_status guarded(decoder *d) {
    if (setjmp(d->jump)) return status_of(d);
    return decode(d);
}

vt_status vt__image_decode_jpeg(vt_context *ctx, const unsigned char *data, size_t size, const vt__image_limits *limits, int64_t *out_width,
                                int64_t *out_height, vt_buffer **out) {
    decoder d = {.ctx = ctx, .data = data, .size = size, .limits = limits};

    *out = NULL;
    d.jpeg.err = jpeg_std_error(&d.errors);
    d.jpeg.client_data = &d;
    d.errors.error_exit = on_error;
    d.errors.emit_message = on_message;
    d.errors.output_message = on_output;
    d.progress.progress_monitor = on_progress;
    vt_status st = guarded(&d);
    jpeg_destroy_decompress(&d.jpeg);
    vt__free(ctx, d.row);
    if (st != VT_OK) {
        vt__free(ctx, d.pixels);
        return st;
    }
    st = vt__buffer_take(ctx, d.pixels, (size_t)(d.width * d.height) * CHANNELS, out);
    if (st != VT_OK) return st;
    *out_width = d.width;
    *out_height = d.height;
    return VT_OK;
}
