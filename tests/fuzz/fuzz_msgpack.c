/* MessagePack and JSON, translated into each other. The first byte chooses which one the rest is. What our check accepts, msgpack-c unpacks to
 * the last byte, where it is not too deep for its stack of 32. */
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#include "venturi/context.h"
#include "venturi/format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(int holds) {
    if (!holds) abort();
}

static void check_unpacker(const uint8_t *data, size_t size) {
    enum { UNPACKER_DEPTH = 32 };
    msgpack_unpacked u;
    size_t used = 0;
    msgpack_unpacked_init(&u);
    if (msgpack_unpack_next(&u, (const char *)data, size, &used) == MSGPACK_UNPACK_SUCCESS) need(used == size);
    else need(size > UNPACKER_DEPTH);
    msgpack_unpacked_destroy(&u);
}

/* What JSON was made of can be made again, byte for byte. */
static void check_round_trip(vt_context *ctx, const void *packed, size_t size, uint32_t flags) {
    vt_buffer *text, *again;
    vt_status st = vt_json_from_msgpack(ctx, packed, size, flags, &text);
    need((st == VT_OK) == (text != NULL));
    if (st != VT_OK) return;
    st = vt_json_to_msgpack(ctx, vt_buffer_data(text), vt_buffer_size(text), &again);
    /* MessagePack may repeat a key, or hold a number that JSON has no room for. */
    if (st == VT_OK) need(vt_msgpack_check(vt_buffer_data(again), vt_buffer_size(again)) == VT_OK);
    else need(st == VT_ERR_FORMAT || st == VT_ERR_LIMIT);
    vt_buffer_release(again);
    vt_buffer_release(text);
}

static void check_json(vt_context *ctx, const char *text, size_t len) {
    vt_buffer *packed, *back, *again;
    vt_status st = vt_json_to_msgpack(ctx, text, len, &packed);
    need(st == VT_OK || st == VT_ERR_FORMAT || st == VT_ERR_LIMIT);
    if (st != VT_OK) return;
    need(vt_msgpack_check(vt_buffer_data(packed), vt_buffer_size(packed)) == VT_OK);
    need(vt_json_from_msgpack(ctx, vt_buffer_data(packed), vt_buffer_size(packed), 0, &back) == VT_OK);
    need(vt_json_to_msgpack(ctx, vt_buffer_data(back), vt_buffer_size(back), &again) == VT_OK);
    need(vt_buffer_size(again) == vt_buffer_size(packed) && !memcmp(vt_buffer_data(again), vt_buffer_data(packed), vt_buffer_size(packed)));
    vt_buffer_release(again);
    vt_buffer_release(back);
    vt_buffer_release(packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    vt_context *ctx;
    if (size < 1 || size > 100000) return 0;
    if (vt_context_create(NULL, &ctx) != VT_OK) return 0;
    if (data[0] % 2) {
        check_json(ctx, (const char *)data + 1, size - 1);
    } else {
        vt_status st = vt_msgpack_check(data + 1, size - 1);
        need(st == VT_OK || st == VT_ERR_FORMAT || st == VT_ERR_LIMIT);
        vt_buffer *text;
        if (st == VT_OK) {
            check_round_trip(ctx, data + 1, size - 1, data[0] & 2 ? VT_JSON_INDENT : 0);
            check_unpacker(data + 1, size - 1);
        } else need(vt_json_from_msgpack(ctx, data + 1, size - 1, 0, &text) == st);
    }
    vt_context_release(ctx);
    return 0;
}
