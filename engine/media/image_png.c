#include "media/image_png.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include "core/buffer.h"
#include "core/error.h"
#include "core/memory.h"

enum { SIGNATURE = 8, CHANNELS = 4, MOST_CHUNK = 1 << 23 };

/* All that lives across libpng's jumps is in here, not in locals that a jump would leave undefined. */
typedef struct decoder {
    vt_context *ctx;
    const unsigned char *at, *end;
    const vt__image_limits *limits;
    png_structp png;
    png_infop info;
    png_uint_32 width, height;
    unsigned char *pixels; /* owned */
    size_t size;
    vt_status status;
    int out_of_memory; /* libpng goes on without some memory; the result would then depend on chance */
    char message[120];
} decoder;

/* ---- what libpng calls ---- */

static png_voidp allocate(png_structp png, png_alloc_size_t size) {
    decoder *d = png_get_mem_ptr(png);
    void *p = vt__alloc(d->ctx, size);
    if (!p) d->out_of_memory = 1;
    return p;
}

static void release(png_structp png, png_voidp ptr) {
    decoder *d = png_get_mem_ptr(png);
    vt__free(d->ctx, ptr);
}

static PNG_NORETURN void on_error(png_structp png, png_const_charp message) {
    decoder *d = png_get_error_ptr(png);
    (void)snprintf(d->message, sizeof d->message, "%s", message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

static void give_bytes(png_structp png, png_bytep to, size_t n) {
    decoder *d = png_get_io_ptr(png);
    if (n > (size_t)(d->end - d->at)) png_error(png, "the file ends early");
    memcpy(to, d->at, n);
    d->at += n;
}

/* ---- decoding; each of these may be left by a jump ---- */

static void set_up(decoder *d) {
    png_set_read_fn(d->png, d, give_bytes);
    png_set_user_limits(d->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* ours are checked below, with a message of ours */
    png_set_chunk_malloc_max(d->png, MOST_CHUNK);
    png_set_keep_unknown_chunks(d->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
}

static vt_status check_extents(decoder *d) {
    d->width = png_get_image_width(d->png, d->info);
    d->height = png_get_image_height(d->png, d->info);
    return vt__image_check("png", d->width, d->height, d->limits);
}

/* Whatever the file has becomes RGBA with eight bits. Result: passes over the rows. */
static int ask_for_rgba(decoder *d) {
    png_set_expand(d->png);
    png_set_scale_16(d->png);
    png_set_gray_to_rgb(d->png);
    png_set_add_alpha(d->png, 0xff, PNG_FILLER_AFTER);
    int n_passes = png_set_interlace_handling(d->png);
    png_read_update_info(d->png, d->info);
    if (png_get_rowbytes(d->png, d->info) != (size_t)d->width * CHANNELS) png_error(d->png, "rows of an unexpected size");
    return n_passes;
}

static vt_status decode(decoder *d) {
    set_up(d);
    png_read_info(d->png, d->info);
    vt_status st = check_extents(d);
    if (st != VT_OK) return st;
    int n_passes = ask_for_rgba(d);
    d->size = (size_t)d->width * d->height * CHANNELS; /* both below 2^31: no overflow */
    d->pixels = vt__alloc(d->ctx, d->size + 1);
    if (!d->pixels) return vt__fail_nomem("png", d->size);
    memset(d->pixels, 0, d->size);
    for (int pass = 0; pass < n_passes; pass++)
        for (size_t y = 0; y < d->height; y++) png_read_row(d->png, d->pixels + y * d->width * CHANNELS, NULL);
    png_read_end(d->png, NULL);
    return VT_OK;
}

/* The one place that a jump comes back to. */
static vt_status guarded(decoder *d) {
    if (setjmp(png_jmpbuf(d->png))) return vt__fail(VT_ERR_FORMAT, "png: %s", d->message);
    return decode(d);
}

vt_status vt__image_decode_png(vt_context *ctx, const unsigned char *data, size_t size, const vt__image_limits *limits, int64_t *out_width,
                               int64_t *out_height, vt_buffer **out) {
    decoder d = {.ctx = ctx, .at = data, .end = data + size, .limits = limits};

    *out = NULL;
    if (size < SIGNATURE || png_sig_cmp(data, 0, SIGNATURE) != 0) return vt__fail(VT_ERR_FORMAT, "png: not a PNG file (%zu bytes)", size);
    d.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &d, on_error, on_warning, &d, allocate, release);
    if (d.png) d.info = png_create_info_struct(d.png);
    vt_status st = d.info ? guarded(&d) : vt__fail_nomem("png", 0);
    if (st != VT_ERR_LIMIT && d.out_of_memory) st = vt__fail_nomem("png", d.size);
    if (d.png) png_destroy_read_struct(&d.png, &d.info, NULL);
    if (st == VT_OK) {
        st = vt__buffer_take(ctx, d.pixels, d.size, out);
        d.pixels = NULL;
    }
    vt__free(ctx, d.pixels);
    if (st != VT_OK) return st;
    *out_width = d.width;
    *out_height = d.height;
    return VT_OK;
}
