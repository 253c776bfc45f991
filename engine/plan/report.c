#include "plan/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/buffer.h"
#include "plan/cost.h"
#include "plan/graph_internal.h"

static void put(vt__bytes *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(vt__bytes *b, const char *fmt, ...) {
    char line[512];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    vt__bytes_append(b, line, n < 0 ? 0 : (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
}

/* Names of variables are the host's: what JSON does not take as it is is written by number. */
static void put_name(vt__bytes *b, const char *name) {
    vt__bytes_append_byte(b, '"');
    for (; *name; name++) {
        unsigned char c = (unsigned char)*name;
        if (c < 0x20 || c == '"' || c == '\\' || c >= 0x7f) put(b, "\\u%04x", c);
        else vt__bytes_append_byte(b, *name);
    }
    vt__bytes_append_byte(b, '"');
}

static void put_operands(vt__bytes *b, const char *name, const struct vt__operand *o, int32_t n) {
    char text[VT__SHAPE_TEXT];
    put(b, ",\"%s\":[", name);
    for (int32_t i = 0; i < n; i++) {
        if (o[i].value < 0) put(b, "%snull", i ? "," : "");
        else put(b, "%s{\"value\":%lld,\"shape\":\"%s\"}", i ? "," : "", (long long)o[i].value, vt__desc_text(&o[i].desc, text));
    }
    vt__bytes_append_byte(b, ']');
}

static void put_steps(vt__bytes *b, const vt_graph *g) {
    put(b, ",\"steps\":[");
    for (int64_t i = 0, unit = 0; i < g->p.n_steps; i++) {
        const struct vt__step *s = &g->p.steps[i];
        while (i >= g->units[unit].first + g->units[unit].n_steps) unit++;
        put(b, "%s\n{\"op\":\"%s\",\"unit\":%lld,\"flops\":%.0f,\"bytes\":%.0f", i ? "," : "", s->op->name, (long long)unit, vt__step_flops(&g->p, s), vt__step_bytes(&g->p, s));
        put_operands(b, "in", g->p.operands + s->operands, s->n_in);
        put_operands(b, "out", g->p.operands + s->operands + s->n_in, s->n_out);
        vt__bytes_append_byte(b, '}');
    }
    vt__bytes_append_byte(b, ']');
}

static void put_values(vt__bytes *b, const vt_graph *g) {
    static const char *const kinds[] = {"input", "kept", "temporary", "result"};
    int any = 0;
    put(b, ",\"values\":[");
    for (int64_t i = 0; i < g->p.n_values; i++) {
        const struct vt__value *v = &g->p.values[i];
        int has_place = g->layout.spans[i].size && !g->is_local[i];
        const struct vt__span *span = &g->layout.spans[i];
        if (g->first_use[i + 1] == g->first_use[i]) continue;
        put(b, "%s\n{\"value\":%lld,\"kind\":\"%s\",\"bytes\":%zu", any++ ? "," : "", (long long)i, kinds[v->kind], v->size);
        if (has_place) put(b, ",\"offset\":%zu,\"first\":%lld,\"last\":%lld", g->layout.offsets[i], (long long)span->first, (long long)span->last);
        if (v->is_written && v->kind == VT__VALUE_KEPT) put(b, ",\"written\":true");
        vt__bytes_append_byte(b, '}');
    }
    vt__bytes_append_byte(b, ']');
}

vt_status vt__graph_report(const vt_graph *g, vt_buffer **out) {
    const struct vt__graph_cost *c = &g->cost;
    vt__bytes b;
    vt__bytes_init(&b, g->p.ctx);
    put(&b, "{\"device\":\"%s\",\"flops\":%.0f,\"peak_bytes\":%llu,\"arena_bytes\":%llu,\"least_bytes\":%llu,\"scratch_bytes\":%llu", g->p.backend->name, c->flops,
        (unsigned long long)c->peak_bytes, (unsigned long long)c->arena_bytes, (unsigned long long)c->least_bytes, (unsigned long long)c->scratch_bytes);
    put(&b, ",\"result_bytes\":%llu,\"input_bytes\":%llu,\"kept_bytes\":%llu", (unsigned long long)c->result_bytes, (unsigned long long)c->input_bytes,
        (unsigned long long)c->kept_bytes);
    put_operands(&b, "inputs", g->p.inputs, g->p.n_inputs);
    put_operands(&b, "results", g->p.results, g->p.n_results);
    put(&b, ",\"variables\":{");
    for (int64_t i = 0; i < g->p.n_variables; i++) {
        if (i) vt__bytes_append_byte(&b, ',');
        put_name(&b, g->p.variables[i].name);
        put(&b, ":%.17g", g->p.variables[i].f);
    }
    vt__bytes_append_byte(&b, '}');
    put_steps(&b, g);
    put_values(&b, g);
    put(&b, "}\n");
    return vt__bytes_finish(&b, "graph", out);
}
