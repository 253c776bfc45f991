/* Objects and arrays. Properties come in the order of the schema, so that the grammar grows with their number and not with that of their subsets. */
#include "core/error.h"
#include "core/memory.h"
#include "core/sort.h"
#include "grammar/schema_internal.h"

/* ---- objects ---- */

typedef struct property {
    const char *name;
    size_t len;
    vt__value schema; /* none: any value */
    int required;
} property;

typedef struct properties {
    vt__schema *s;
    property *list; /* [n] */
    int64_t n, cap;
    vt__map names;    /* entry i is list[i] */
    vt__value rest; /* the schema of other properties; none: there are none of them */
    int rest_is_any;
} properties;

static vt_status add_property(properties *p, vt__msgpack_item name, vt__value schema) {
    void *list = p->list;
    int64_t i = vt__map_add(&p->names, name.data, name.size, 0);
    if (i >= 0 && i < p->n) {
        int shown = name.size < 80 ? (int)name.size : 80;
        return vt__fail(VT_ERR_UNSUPPORTED, "schema: property '%.*s' stands in more than one part of 'allOf'", shown, (const char *)name.data);
    }
    if (i < 0 || vt__reserve(p->s->ctx, &list, &p->cap, p->n + 1, sizeof *p->list)) return vt__fail_nomem("schema", sizeof *p->list);
    p->list = list;
    p->list[p->n++] = (property){(const char *)name.data, name.size, schema, 0};
    return VT_OK;
}

static vt_status read_listed(properties *p, const vt__keys *k) {
    vt__value at;
    vt__msgpack_item item = vt__value_item(k->of[VT__KEY_PROPERTIES], &at);
    vt_status st = VT_OK;
    if (!k->of[VT__KEY_PROPERTIES].at) return VT_OK;
    if (item.kind != VT__MSGPACK_MAP) return vt__fail(VT_ERR_FORMAT, "schema: 'properties' must be an object");
    for (uint64_t i = 0; i < item.u && st == VT_OK; i++, at = vt__value_after(at)) {
        vt__msgpack_item name = vt__value_item(at, &at);
        st = add_property(p, name, at);
    }
    return st;
}

/* A required property that is not listed is one of the others, which the schema must allow. */
static vt_status read_required(properties *p, const vt__keys *k) {
    vt__value at, rest = k->of[VT__KEY_ADDITIONAL];
    vt__msgpack_item item = vt__value_item(k->of[VT__KEY_REQUIRED], &at), other = vt__value_item(rest, NULL);
    int refused = rest.at && other.kind == VT__MSGPACK_BOOL && !other.i;
    vt_status st = VT_OK;
    if (!k->of[VT__KEY_REQUIRED].at) return VT_OK;
    if (item.kind != VT__MSGPACK_ARRAY) return vt__fail(VT_ERR_FORMAT, "schema: 'required' must be a list of names");
    for (uint64_t i = 0; i < item.u && st == VT_OK; i++) {
        vt__msgpack_item name = vt__value_item(at, &at);
        if (name.kind != VT__MSGPACK_STR) return vt__fail(VT_ERR_FORMAT, "schema: 'required' must be a list of names");
        int64_t found = vt__map_find(&p->names, name.data, name.size);
        if (found < 0 && refused)
            return vt__fail(VT_ERR_FORMAT, "schema: property '%.*s' is required and not allowed", name.size < 80 ? (int)name.size : 80, (const char *)name.data);
        if (found < 0) {
            st = add_property(p, name, rest);
            found = p->n - 1;
        }
        if (st == VT_OK) p->list[found].required = 1;
    }
    return st;
}

/* "name": value */
static vt_status write_member(properties *p, vt__bytes *out, const property *x) {
    vt_buffer *text = NULL;
    vt__schema *s = p->s;
    vt__value name = {NULL, s->root.end};
    /* The name as a value of its own, which becomes JSON text. */
    unsigned char head[5] = {0xDB, (unsigned char)(x->len >> 24), (unsigned char)(x->len >> 16), (unsigned char)(x->len >> 8), (unsigned char)x->len};
    vt__bytes packed;
    vt__bytes_init(&packed, s->ctx);
    vt__bytes_append(&packed, head, sizeof head);
    vt__bytes_append(&packed, x->name, x->len);
    vt_status st = vt__bytes_finish(&packed, "schema", &text);
    if (st != VT_OK) return st;
    name.at = vt__buffer_data(text);
    name.end = name.at + vt__buffer_size(text);
    st = vt__schema_json(s, out, name);
    vt__buffer_release(text);
    if (st != VT_OK) return st;
    vt__schema_text(out, " \":\" ws ");
    if (x->schema.at) return vt__schema_rule(s, out, x->schema);
    vt__schema_text(out, "value");
    return VT_OK;
}

/* Rules k<rule>-<n>: names that are none of the listed ones. One rule for each beginning of a listed name: it goes on differently, or along, or
 * stops where no listed name stops. Names that need an escape are never written, so they need not be told apart. */
typedef struct beginning {
    int64_t from, to; /* of order[]: names that begin so */
    size_t depth;     /* bytes */
} beginning;

static int by_name(const void *user, int64_t a, int64_t b) {
    const property *list = user;
    size_t n = list[a].len < list[b].len ? list[a].len : list[b].len;
    int c = n ? memcmp(list[a].name, list[b].name, n) : 0;
    return c ? c < 0 : list[a].len < list[b].len;
}

static size_t char_size(char c) { return (unsigned char)c < 0x80 ? 1 : (unsigned char)c < 0xE0 ? 2 : (unsigned char)c < 0xF0 ? 3 : 4; }

static int is_plain(const char *c) { return (unsigned char)*c >= 0x20 && *c != '"' && *c != '\\'; }

static void write_key_name(properties *p, vt__bytes *out, int64_t n) {
    vt__schema_text(out, "k");
    vt__schema_number(out, p->s->rule);
    vt__schema_text(out, "-");
    vt__schema_number(out, n);
}

/* A character of a class: '-', '^', ']' and '[' are escaped. */
static void write_class_char(vt__bytes *out, const char *c, size_t n) {
    if (n == 1 && strchr("-^][", *c)) vt__bytes_append_byte(out, '\\');
    vt__bytes_append(out, c, n);
}

static vt_status write_beginning(properties *p, const int64_t *order, beginning b, beginning *queue, int64_t *n_queue, int64_t number) {
    vt__bytes *out = &p->s->later, others;
    int stops = 0;
    vt__bytes_init(&others, p->s->ctx);
    write_key_name(p, out, number);
    vt__schema_text(out, " ::= ");
    for (int64_t i = b.from; i < b.to;) {
        const property *x = &p->list[order[i]];
        if (x->len == b.depth) {
            stops = 1;
            i++;
            continue;
        }
        const char *c = x->name + b.depth;
        size_t n = char_size(*c);
        int64_t end = i + 1;
        while (end < b.to && p->list[order[end]].len >= b.depth + n && memcmp(p->list[order[end]].name + b.depth, c, n) == 0) end++;
        if (is_plain(c)) {
            vt__schema_literal(out, c, n);
            vt__schema_text(out, " ");
            write_key_name(p, out, *n_queue);
            vt__schema_text(out, " | ");
            write_class_char(&others, c, n);
            queue[(*n_queue)++] = (beginning){i, end, b.depth + n};
        }
        i = end;
    }
    vt__schema_text(out, "[^\"\\\\\\x00-\\x1F");
    if (others.len > 0) vt__bytes_append(out, others.data, (size_t)others.len);
    vt__schema_text(out, stops ? "] plain*\n" : "] plain* | \"\"\n");
    int failed = others.failed;
    vt__bytes_free(&others);
    return failed ? vt__fail_nomem("schema", 0) : VT_OK;
}

static vt_status write_other_names(properties *p) {
    int64_t *order = vt__calloc2(p->s->ctx, p->n, 1, sizeof *order), most = 1, n_queue = 0;
    for (int64_t i = 0; i < p->n; i++) most += (int64_t)p->list[i].len;
    beginning *queue = vt__calloc2(p->s->ctx, most, 1, sizeof *queue);
    vt_status st = order && queue ? VT_OK : vt__fail_nomem("schema", (size_t)most * sizeof *queue);
    for (int64_t i = 0; st == VT_OK && i < p->n; i++) order[i] = i;
    if (st == VT_OK && vt__sort(p->s->ctx, order, p->n, by_name, p->list)) st = vt__fail_nomem("schema", 0);
    if (st == VT_OK) queue[n_queue++] = (beginning){0, p->n, 0};
    for (int64_t i = 0; i < n_queue && st == VT_OK; i++) st = write_beginning(p, order, queue[i], queue, &n_queue, i);
    vt__free(p->s->ctx, order);
    vt__free(p->s->ctx, queue);
    return st;
}

/* Other properties, as many as wanted, each behind a comma. */
static vt_status write_others(properties *p, vt__bytes *out, int first) {
    if (!p->rest.at && !p->rest_is_any) return VT_OK;
    vt__schema_text(out, first ? "o" : " (\",\" ws o");
    vt__schema_number(out, p->s->rule);
    if (!first) vt__schema_text(out, ")*");
    return VT_OK;
}

static vt_status write_other_rule(properties *p) {
    vt__bytes *out = &p->s->later;
    vt__schema_text(out, "o");
    vt__schema_number(out, p->s->rule);
    vt__schema_text(out, " ::= \"\\\"\" ");
    write_key_name(p, out, 0);
    vt__schema_text(out, " \"\\\"\" \":\" ws ");
    vt_status st = VT_OK;
    if (p->rest_is_any) vt__schema_text(out, "value");
    else st = vt__schema_rule(p->s, out, p->rest);
    vt__schema_text(out, "\n");
    return st == VT_OK ? write_other_names(p) : st;
}

/* Before the first required property each one brings its comma behind it, from then on before it. */
static vt_status write_with_required(properties *p, int64_t first) {
    vt__bytes *out = &p->s->out;
    vt_status st = VT_OK;
    for (int64_t i = 0; i < p->n && st == VT_OK; i++) {
        int optional = !p->list[i].required;
        if (optional) vt__schema_text(out, "(");
        if (i > first) vt__schema_text(out, "\",\" ws ");
        st = write_member(p, out, &p->list[i]);
        if (i < first) vt__schema_text(out, " \",\" ws");
        vt__schema_text(out, optional ? ")? " : " ");
    }
    if (st == VT_OK) st = write_others(p, out, 0);
    vt__schema_text(out, " ws");
    return st;
}

/* Any of them may be the first: t<rule>-<i> is what may follow property i - 1. */
static vt_status write_all_optional(properties *p) {
    vt__bytes *out = &p->s->out, *later = &p->s->later;
    vt_status st = VT_OK;
    int others = p->rest.at || p->rest_is_any;
    if (p->n == 0 && !others) return VT_OK;
    vt__schema_text(out, "((");
    for (int64_t i = 0; i <= p->n && st == VT_OK; i++) {
        if (i > 0 && (i < p->n || others)) vt__schema_text(out, " | ");
        if (i < p->n) st = write_member(p, out, &p->list[i]);
        else if (others) st = write_others(p, out, 1);
        if (i == p->n && !others) break;
        vt__schema_text(out, " t");
        vt__schema_number(out, p->s->rule);
        vt__schema_text(out, "-");
        vt__schema_number(out, i < p->n ? i + 1 : p->n);
    }
    vt__schema_text(out, ") ws)?");
    for (int64_t i = 1; i <= p->n + (p->n == 0) && st == VT_OK; i++) {
        int64_t number = p->n == 0 ? 0 : i;
        vt__schema_text(later, "t");
        vt__schema_number(later, p->s->rule);
        vt__schema_text(later, "-");
        vt__schema_number(later, number);
        vt__schema_text(later, " ::= ");
        if (number < p->n) {
            vt__schema_text(later, "(\",\" ws ");
            st = write_member(p, later, &p->list[number]);
            vt__schema_text(later, ")? t");
            vt__schema_number(later, p->s->rule);
            vt__schema_text(later, "-");
            vt__schema_number(later, number + 1);
        } else {
            vt__schema_text(later, "\"\"");
            st = write_others(p, later, 0);
        }
        vt__schema_text(later, "\n");
    }
    return st;
}

static vt_status write_object(properties *p) {
    vt__bytes *out = &p->s->out;
    int64_t first = 0;
    while (first < p->n && !p->list[first].required) first++;
    vt__schema_text(out, "\"{\" ws ");
    vt_status st = first < p->n ? write_with_required(p, first) : write_all_optional(p);
    vt__schema_text(out, " \"}\"");
    if (st == VT_OK && (p->rest.at || p->rest_is_any)) st = write_other_rule(p);
    return st;
}

/* Without a word about properties every object will do; with one, others come only where they are asked for. */
static vt_status read_rest(properties *p, const vt__keys *k) {
    vt__value rest = k->of[VT__KEY_ADDITIONAL];
    vt__msgpack_item item = vt__value_item(rest, NULL);
    if (!rest.at) return VT_OK;
    if (item.kind == VT__MSGPACK_BOOL) p->rest_is_any = item.i != 0;
    else if (item.kind == VT__MSGPACK_MAP) p->rest = rest;
    else return vt__fail(VT_ERR_FORMAT, "schema: 'additionalProperties' must be a schema");
    return VT_OK;
}

vt_status vt__schema_object(vt__schema *s, const vt__keys *parts, int n_parts) {
    properties p = {.s = s};
    vt_status st = VT_OK;
    if (n_parts == 1 && !parts->of[VT__KEY_PROPERTIES].at && !parts->of[VT__KEY_REQUIRED].at && !parts->of[VT__KEY_ADDITIONAL].at) {
        vt__schema_text(&s->out, "object");
        return VT_OK;
    }
    vt__map_init(&p.names, s->ctx);
    for (int i = 0; i < n_parts && st == VT_OK; i++) st = read_listed(&p, &parts[i]);
    for (int i = 0; i < n_parts && st == VT_OK; i++) st = read_required(&p, &parts[i]);
    if (st == VT_OK && n_parts == 1) st = read_rest(&p, parts);
    if (st == VT_OK) st = write_object(&p);
    vt__map_free(&p.names);
    vt__free(s->ctx, p.list);
    return st;
}

/* ---- arrays ---- */

/* What items are behind the first n_prefix: of a schema (none: any value), or no more (0 is returned). */
static vt_status find_items(const vt__keys *k, int has_prefix, int64_t least, vt__value *schema, int *some) {
    vt__value items = k->of[VT__KEY_ITEMS];
    vt__msgpack_item item = vt__value_item(items, NULL);
    *schema = (vt__value){NULL, items.end};
    *some = !has_prefix || least > 0; /* none are needed behind a prefix: none are written */
    if (!items.at) return VT_OK;
    if (item.kind == VT__MSGPACK_ARRAY) return vt__fail(VT_ERR_UNSUPPORTED, "schema: 'items' as a list is not supported, 'prefixItems' is");
    *some = item.kind != VT__MSGPACK_BOOL || item.i != 0;
    if (item.kind == VT__MSGPACK_MAP) *schema = items;
    else if (item.kind != VT__MSGPACK_BOOL) return vt__fail(VT_ERR_FORMAT, "schema: 'items' must be a schema");
    return *some || least <= 0 ? VT_OK : vt__fail(VT_ERR_FORMAT, "schema: 'minItems' asks for more items than 'items' allows");
}

static vt_status write_item(vt__schema *s, vt__value schema) {
    if (schema.at) return vt__schema_rule(s, &s->out, schema);
    vt__schema_text(&s->out, "value");
    return VT_OK;
}

/* Items behind the prefix; n_written of it are there. */
static vt_status write_items(vt__schema *s, vt__value schema, int64_t n_written, int64_t least, int64_t most) {
    vt__bytes *out = &s->out;
    vt_status st = VT_OK;
    int64_t first = n_written == 0; /* the first of all has no comma */
    if (first) {
        vt__schema_text(out, least == 0 ? "(" : "");
        st = write_item(s, schema);
    }
    if (st == VT_OK && (most < 0 || most > first)) {
        vt__schema_text(out, " (\",\" ws ");
        st = write_item(s, schema);
        vt__schema_text(out, ")");
        vt__schema_repeat(out, least > first ? least - first : 0, most < 0 ? -1 : most - first);
    }
    vt__schema_text(out, first && least == 0 ? " ws)?" : " ws");
    return st;
}

vt_status vt__schema_array(vt__schema *s, const vt__keys *k) {
    vt__value at, schema;
    vt__msgpack_item item = vt__value_item(k->of[VT__KEY_PREFIX_ITEMS], &at);
    int64_t least, most, n_prefix = 0;
    int some = 0;
    vt_status st = vt__schema_count(k->of[VT__KEY_MIN_ITEMS], "minItems", 0, &least);
    if (st == VT_OK) st = vt__schema_count(k->of[VT__KEY_MAX_ITEMS], "maxItems", -1, &most);
    if (st != VT_OK) return st;
    if (most >= 0 && most < least) return vt__fail(VT_ERR_FORMAT, "schema: 'maxItems' is %lld, below 'minItems'", (long long)most);
    if (k->of[VT__KEY_PREFIX_ITEMS].at && item.kind != VT__MSGPACK_ARRAY) return vt__fail(VT_ERR_FORMAT, "schema: 'prefixItems' must be a list");
    vt__schema_text(&s->out, "\"[\" ws ");
    for (uint64_t i = 0; k->of[VT__KEY_PREFIX_ITEMS].at && i < item.u && (most < 0 || n_prefix < most) && st == VT_OK; i++, at = vt__value_after(at)) {
        if (n_prefix++ > 0) vt__schema_text(&s->out, " \",\" ws ");
        st = vt__schema_rule(s, &s->out, at);
    }
    least = least > n_prefix ? least - n_prefix : 0;
    if (most >= 0) most -= n_prefix;
    if (st == VT_OK) st = find_items(k, n_prefix > 0, least, &schema, &some);
    if (st == VT_OK && some && most != 0) st = write_items(s, schema, n_prefix, least, most);
    else if (n_prefix > 0) vt__schema_text(&s->out, " ws");
    vt__schema_text(&s->out, " \"]\"");
    return st;
}
