/* Small JPEG files of every kind, by libjpeg's own encoder. */
#ifndef VENTURI_JPEG_BUILD_H
#define VENTURI_JPEG_BUILD_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

typedef struct jpeg_build {
    const char *name;
    J_COLOR_SPACE in, stored; /* of the samples given; of the file */
    int channels;
    int progressive, restart, orientation; /* orientation 0: no Exif */
    int no_adobe;
} jpeg_build;

/* Exif with an orientation and a tag before it, in either byte order. */
static inline unsigned jpeg_exif(unsigned char *to, int orientation, int big) {
    static const unsigned char little_tiff[] = {'E', 'x', 'i', 'f', 0, 0, 'I', 'I', 42, 0, 8, 0, 0, 0, 2, 0, 0x0f, 1, 2, 0, 1, 0, 0, 0, 'x', 0, 0, 0,
                                                0x12, 1, 3, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    static const unsigned char big_tiff[] = {'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8, 0, 2, 1, 0x0f, 0, 2, 0, 0, 0, 1, 'x', 0, 0, 0,
                                             1, 0x12, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0};
    memcpy(to, big ? big_tiff : little_tiff, sizeof big_tiff);
    to[big ? 37 : 36] = (unsigned char)orientation;
    return sizeof big_tiff;
}

/* samples: [height, width, channels]. The result is the caller's to free. */
static inline unsigned char *jpeg_make(const jpeg_build *b, int width, int height, const unsigned char *samples, size_t *size) {
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr errors;
    unsigned char *data = NULL, exif[64];
    unsigned long n = 0;

    c.err = jpeg_std_error(&errors); /* exits on an error: a fault of the test's */
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &data, &n);
    c.image_width = (JDIMENSION)width;
    c.image_height = (JDIMENSION)height;
    c.input_components = b->channels;
    c.in_color_space = b->in;
    jpeg_set_defaults(&c);
    jpeg_set_colorspace(&c, b->stored);
    jpeg_set_quality(&c, 100, TRUE);
    for (int i = 0; i < c.num_components; i++) c.comp_info[i].h_samp_factor = c.comp_info[i].v_samp_factor = 1;
    c.restart_interval = (unsigned)b->restart;
    if (b->no_adobe) c.write_Adobe_marker = FALSE;
    if (b->progressive) jpeg_simple_progression(&c);
    jpeg_start_compress(&c, TRUE);
    if (b->orientation) jpeg_write_marker(&c, JPEG_APP0 + 1, exif, jpeg_exif(exif, b->orientation, b->orientation & 1));
    for (int y = 0; y < height; y++) {
        JSAMPROW row = (JSAMPROW)(uintptr_t)(samples + (size_t)y * (size_t)width * (size_t)b->channels);
        (void)jpeg_write_scanlines(&c, &row, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    *size = n;
    return data;
}

#endif
