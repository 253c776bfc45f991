#include "document/cutter.h"

#include <string.h>

#include "core/error.h"
#include "core/memory.h"

/* White space is never written when it is met but kept as due (`lines`, `gap`) until text follows. That is how blocks that open and close
 * around nothing, trailing spaces and empty paragraphs leave no trace. */

void vt__cutter_init(vt__cutter *c, vt_context *ctx) { *c = (vt__cutter){.ctx = ctx, .strings.ctx = ctx, .heading.ctx = ctx}; }

void vt__cutter_free(vt__cutter *c) {
    vt__bytes_free(&c->strings);
    vt__bytes_free(&c->heading);
    vt__free(c->ctx, c->cuts);
    vt__cutter_init(c, c->ctx);
}

/* Length of the white space at text[0..len), 0 if there is none. The no-break space is one: it is layout, not meaning. */
static size_t space_at(const char *text, size_t len) {
    char b = text[0];
    if (b == ' ' || (b >= '\t' && b <= '\r')) return 1;
    return len >= 2 && (unsigned char)b == 0xC2 && (unsigned char)text[1] == 0xA0 ? 2 : 0;
}

static int64_t trimmed(const vt__bytes *b, int64_t from, int64_t to) {
    while (to > from && (b->data[to - 1] == ' ' || (b->data[to - 1] >= '\t' && b->data[to - 1] <= '\r'))) to--;
    return to;
}

/* Where text goes now, with what is due before it written; *out_start is where that text began. */
static vt__bytes *target(vt__cutter *c) {
    /* In a heading every separation is one space: a title is one line. */
    vt__bytes *to = c->in_heading ? &c->heading : &c->strings;
    int64_t start = c->in_heading ? 0 : c->text;
    if (c->lines > 0) {
        to->len = trimmed(to, start, to->len);
        if (to->len > start && c->in_heading) vt__bytes_append_byte(to, ' ');
        for (int i = 0; to->len > start && !c->in_heading && i < c->lines; i++) vt__bytes_append_byte(to, '\n');
    } else if (c->gap && to->len > start) {
        vt__bytes_append_byte(to, c->in_heading ? ' ' : c->gap);
    }
    c->lines = 0;
    c->gap = 0;
    return to;
}

void vt__cutter_text(vt__cutter *c, const char *text, size_t len) {
    for (size_t i = 0; i < len;) {
        size_t space = space_at(text + i, len - i);
        if (space) {
            vt__cutter_gap(c, ' ');
            i += space;
            continue;
        }
        size_t end = i + 1;
        while (end < len && !space_at(text + end, len - end)) end++;
        vt__bytes_append(target(c), text + i, end - i);
        i = end;
    }
}

void vt__cutter_verbatim(vt__cutter *c, const char *text, size_t len) {
    if (c->in_heading) {
        vt__cutter_text(c, text, len);
        return;
    }
    /* Line ends of all kinds become '\n'. */
    for (size_t i = 0; i < len;) {
        size_t end = i;
        while (end < len && text[end] != '\r') end++;
        if (end > i) vt__bytes_append(target(c), text + i, end - i);
        i = end + 1;
        if (end < len && (i == len || text[i] != '\n')) vt__bytes_append_byte(target(c), '\n');
    }
}

void vt__cutter_lines(vt__cutter *c, int lines) {
    if (lines > c->lines) c->lines = lines;
}

void vt__cutter_gap(vt__cutter *c, char gap) {
    if (c->gap != '\t') c->gap = gap;
}

/* Puts a NUL behind the string that ends the strings, which is at [start, len), trimmed; its length. */
static int64_t end_string(vt__cutter *c, int64_t start) {
    int64_t end = c->strings.failed ? start : trimmed(&c->strings, start, c->strings.len);
    if (!c->strings.failed) c->strings.len = end;
    vt__bytes_append_byte(&c->strings, '\0');
    return end - start;
}

static void end_section(vt__cutter *c) {
    int64_t text_len = end_string(c, c->text);
    c->lines = 0;
    c->gap = 0;
    if (c->level == 0 && text_len == 0) return; /* nothing stands before the first heading */
    if (vt__reserve(c->ctx, (void **)&c->cuts, &c->cap_cuts, c->n_cuts + 1, sizeof *c->cuts)) {
        c->failed = 1;
        return;
    }
    c->cuts[c->n_cuts++] = (vt__cut){.level = c->level, .title = c->title, .title_len = c->title_len, .text = c->text, .text_len = text_len};
}

void vt__cutter_heading_begin(vt__cutter *c) {
    c->in_heading = 1;
    c->heading.len = 0;
    c->lines = 0;
    c->gap = 0;
}

void vt__cutter_heading_end(vt__cutter *c, int32_t level) {
    c->in_heading = 0;
    c->lines = 0;
    c->gap = 0;
    if (c->heading.failed) c->failed = 1;
    if (c->failed || c->heading.len == 0) {
        vt__cutter_lines(c, 2);
        return;
    }
    end_section(c);
    c->level = level;
    c->title = c->strings.len;
    vt__bytes_append(&c->strings, c->heading.data, (size_t)c->heading.len);
    c->title_len = end_string(c, c->title);
    c->text = c->strings.len;
}

vt_status vt__cutter_finish(vt__cutter *c) {
    if (c->in_heading) vt__cutter_heading_end(c, 6);
    end_section(c);
    if (c->failed || c->strings.failed) return vt__fail_nomem("sections", (size_t)c->strings.len);
    return VT_OK;
}
