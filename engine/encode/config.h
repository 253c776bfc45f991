/* Small JSON files of a model's folder: opened, bounded, asked for keys of their outermost object. */
#ifndef VENTURI_ENCODE_CONFIG_H
#define VENTURI_ENCODE_CONFIG_H

#include "formats/msgpack.h"

typedef struct vt__config {
    const char *name;  /* of the file, for messages: borrowed from the caller of open */
    vt_buffer *packed; /* the file's value as MessagePack */
    const unsigned char *data, *end;
} vt__config;

/* FOLDER/FILE; free with vt__config_path_free. */
vt_status vt__config_path(vt_context *ctx, const char *folder, const char *file, char **out);
void vt__config_path_free(vt_context *ctx, char *path);

/* Errors: NOT_FOUND, IO, FORMAT, LIMIT (over 64 MiB), NOMEM. */
vt_status vt__config_open(vt_context *ctx, const char *folder, const char *file, vt__config *out);
void vt__config_free(vt__config *c);

/* 0 where the key is absent or null. */
int vt__config_find(const vt__config *c, const char *key, vt__msgpack_item *out);
/* Errors: FORMAT (absent, no integer, out of range). */
vt_status vt__config_int(const vt__config *c, const char *key, int64_t min, int64_t max, int64_t *out);
/* A positive number; *out stays where the key is absent. */
vt_status vt__config_float(const vt__config *c, const char *key, double *out);
/* UNSUPPORTED, with key and value. */
vt_status vt__config_unknown(const vt__config *c, const char *key, const vt__msgpack_item *value);

#endif
