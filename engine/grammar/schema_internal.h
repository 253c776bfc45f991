/* What the files of the schema compiler share. Each schema becomes a rule r<N>; schemas that wait for their rule to be written are a queue, so
 * that nothing recurses, and one that was met before ($ref) is its rule. */
#ifndef VENTURI_GRAMMAR_SCHEMA_INTERNAL_H
#define VENTURI_GRAMMAR_SCHEMA_INTERNAL_H

#include "core/buffer.h"
#include "core/hash.h"
#include "grammar/value.h"

enum { VT__SCHEMA_SIZE = 1 << 18, VT__SCHEMA_PARTS = 16 };

typedef struct vt__schema {
    vt_context *ctx;
    vt__value root;
    vt__map rules;   /* of offsets of schemas in the document: entry i is rule i */
    vt__bytes out;   /* the grammar */
    vt__bytes later; /* rules that belong to the one being written, and come behind it */
    int64_t rule;    /* being written */
} vt__schema;

/* Keywords that constrain; the order is that of the table in schema.c. */
enum {
    VT__KEY_REF, VT__KEY_CONST, VT__KEY_ENUM, VT__KEY_ANY_OF, VT__KEY_ONE_OF, VT__KEY_ALL_OF, VT__KEY_TYPE,
    VT__KEY_PROPERTIES, VT__KEY_REQUIRED, VT__KEY_ADDITIONAL,
    VT__KEY_ITEMS, VT__KEY_PREFIX_ITEMS, VT__KEY_MIN_ITEMS, VT__KEY_MAX_ITEMS,
    VT__KEY_MIN_LENGTH, VT__KEY_MAX_LENGTH, VT__KEY_PATTERN, VT__KEY_FORMAT,
    VT__KEY_MINIMUM, VT__KEY_MAXIMUM, VT__KEY_EXCLUSIVE_MINIMUM, VT__KEY_EXCLUSIVE_MAXIMUM,
    VT__N_KEYS
};
typedef struct vt__keys {
    vt__value of[VT__N_KEYS]; /* at NULL: the schema lacks it */
} vt__keys;

const char *vt__key_name(int key);
/* Errors: UNSUPPORTED: a keyword that is not known. */
vt_status vt__schema_keys(vt__value schema, vt__keys *out);
/* A schema's meaning behind $ref, which stands alone. Errors: NOT_FOUND, UNSUPPORTED. */
vt_status vt__schema_resolve(const vt__schema *s, vt__value *schema);

/* ---- writing: failing to append is found at the end ---- */

void vt__schema_text(vt__bytes *out, const char *text);
void vt__schema_number(vt__bytes *out, int64_t n);
void vt__schema_literal(vt__bytes *out, const char *text, size_t len); /* quoted and escaped */
vt_status vt__schema_json(vt__schema *s, vt__bytes *out, vt__value v); /* a value, as a literal of its JSON text */
vt_status vt__schema_rule(vt__schema *s, vt__bytes *out, vt__value schema); /* the name of its rule */
/* {least,most}, most -1: no end. */
void vt__schema_repeat(vt__bytes *out, int64_t least, int64_t most);
/* A count that is not negative, dflt if there is none. Errors: FORMAT. */
vt_status vt__schema_count(vt__value v, const char *what, int64_t dflt, int64_t *out);

vt_status vt__schema_object(vt__schema *s, const vt__keys *parts, int n_parts); /* schema_object.c */
vt_status vt__schema_array(vt__schema *s, const vt__keys *keys);
vt_status vt__schema_string(vt__schema *s, const vt__keys *keys); /* schema_scalar.c */
vt_status vt__schema_integer(vt__schema *s, const vt__keys *keys);
/* A regular expression as what may stand between a JSON string's quotes. Errors: FORMAT, UNSUPPORTED. regex.c */
vt_status vt__schema_regex(vt__bytes *out, const char *regex, size_t len);
/* UNSUPPORTED unless no value can satisfy two of the schemas. schema_oneof.c */
vt_status vt__schema_exclusive(vt__schema *s, vt__value list);

#endif
