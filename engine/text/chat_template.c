/* The grammar, over tags; between them nothing that would be printed:
 *
 *     [if not add_generation_prompt is defined; set add_generation_prompt = false; endif]
 *     for message in messages
 *         [if loop.first and messages[0]['role'] != 'system'; LITERAL; endif]
 *         '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n'
 *     endfor
 *     [if add_generation_prompt; '<|im_start|>assistant\n'; endif]
 *
 * Everything else, a filter or one more condition say, means that the template does something that we would get wrong. */
#include "text/chat_template.h"

#include <string.h>

#include "core/error.h"

/* Stand for the role and the content in what a turn prints; literals may not contain them. */
enum { ROLE = 1, CONTENT = 2 };
#define TURN "<|im_start|>\1\n\2<|im_end|>\n"
#define PROMPT "<|im_start|>assistant\n"

typedef struct cursor {
    const char *p, *end;
    char after; /* how the tag before p ended: '%' block, '}' output, '-' with everything behind it stripped, 0 at the start */
} cursor;

static int is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
static int is_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

static void skip_space(cursor *c) {
    while (c->p < c->end && is_space(*c->p)) c->p++;
}

/* Takes one token of an expression: a name or an operator. */
static int token(cursor *c, const char *want) {
    size_t n = strlen(want);
    skip_space(c);
    if ((size_t)(c->end - c->p) < n || memcmp(c->p, want, n) != 0) return 0;
    if (is_name(want[n - 1]) && c->p + n < c->end && is_name(c->p[n])) return 0;
    c->p += n;
    return 1;
}

/* Takes several, separated by single spaces in `want`; all or nothing. */
static int tokens(cursor *c, const char *want) {
    cursor at = *c;
    char word[40];
    while (*want) {
        size_t n = strcspn(want, " ");
        memcpy(word, want, n);
        word[n] = '\0';
        if (!token(&at, word)) return 0;
        want += n + (want[n] == ' ');
    }
    *c = at;
    return 1;
}

/* Takes a string literal and appends what it means. */
static int literal(cursor *c, vt__bytes *out) {
    static const char from[] = "ntr\\'\"", to[] = "\n\t\r\\'\"";
    skip_space(c);
    if (c->p == c->end || (*c->p != '\'' && *c->p != '"')) return 0;
    char quote = *c->p++;
    for (; c->p < c->end && *c->p != quote; c->p++) {
        char byte = *c->p;
        if (byte == ROLE || byte == CONTENT || byte == '\0') return 0;
        if (byte == '\\') {
            const char *found = ++c->p < c->end && *c->p ? strchr(from, *c->p) : NULL;
            if (!found) return 0;
            byte = to[found - from];
        }
        vt__bytes_append_byte(out, byte);
    }
    if (c->p == c->end) return 0;
    c->p++;
    return 1;
}

/* Takes OBJECT['name'], OBJECT["name"] or OBJECT.name. */
static int member(cursor *c, const char *object, const char *name) {
    cursor at = *c;
    char quoted[16];
    size_t n = strlen(name);
    if (!tokens(&at, object)) return 0;
    quoted[0] = '\'';
    memcpy(quoted + 1, name, n);
    quoted[n + 1] = '\'';
    quoted[n + 2] = '\0';
    int found = token(&at, ".") ? token(&at, name) : 0;
    if (!found && token(&at, "[")) {
        found = token(&at, quoted);
        quoted[0] = quoted[n + 1] = '"';
        found = (found || token(&at, quoted)) && token(&at, "]");
    }
    if (found) *c = at;
    return found;
}

/* Goes to the next tag if what lies before it prints nothing. trim_blocks and lstrip_blocks are on, as everywhere in this field: a newline
 * right after a block goes, and so does blank space between the start of a line and a block. */
static int reach(cursor *c, const char *tag) {
    const char *p = c->p;
    while (p < c->end && is_space(*p)) p++;
    if (c->end - p < 2 || memcmp(p, tag, 2) != 0) return 0;
    int stripped = c->after == '-' || (c->end - p > 2 && p[2] == '-');
    if (!stripped && c->after == '%') c->p += c->p < p && *c->p == '\n';
    if (!stripped && tag[1] == '%' && (c->after == 0 || c->after == '%')) {
        while (c->p < p && (*c->p == ' ' || *c->p == '\t')) c->p++;
    }
    if (!stripped && c->p < p) return 0;
    c->p = p + 2;
    if (c->p < c->end && *c->p == '-') c->p++;
    return 1;
}

static int close_tag(cursor *c, const char *tag) {
    skip_space(c);
    c->after = tag[0];
    if (c->p < c->end && *c->p == '-') {
        c->p++;
        c->after = '-';
    }
    if (c->end - c->p < 2 || memcmp(c->p, tag, 2) != 0) return 0;
    c->p += 2;
    return 1;
}

/* {% WORDS %}, all or nothing. */
static int block(cursor *c, const char *words) {
    cursor at = *c;
    if (!reach(&at, "{%") || !tokens(&at, words) || !close_tag(&at, "%}")) return 0;
    *c = at;
    return 1;
}

/* One or more {{ ... }}: what they print, one after the other. */
static int outputs(cursor *c, vt__bytes *out) {
    int any = 0;
    for (;; any = 1) {
        cursor at = *c;
        if (!reach(&at, "{{")) return any;
        do {
            if (member(&at, "message", "role")) vt__bytes_append_byte(out, ROLE);
            else if (member(&at, "message", "content")) vt__bytes_append_byte(out, CONTENT);
            else if (!literal(&at, out)) return 0;
        } while (token(&at, "+"));
        if (!close_tag(&at, "}}")) return 0;
        *c = at;
    }
}

static int equals(const vt__bytes *b, const char *text) { return b->len == (int64_t)strlen(text) && memcmp(b->data, text, strlen(text)) == 0; }

/* A whole turn of the system, printed when the messages bring none. */
static int system_turn(cursor *c, vt__bytes *out) {
    static const char head[] = "<|im_start|>system\n", tail[] = "<|im_end|>\n";
    cursor at = *c;
    if (!reach(&at, "{%") || !tokens(&at, "if loop . first and") || !member(&at, "messages [ 0 ]", "role") || !token(&at, "!=") ||
        !(token(&at, "'system'") || token(&at, "\"system\"")) || !close_tag(&at, "%}"))
        return 0;
    if (!outputs(&at, out) || !block(&at, "endif")) return 0;
    if (out->len < (int64_t)(sizeof head + sizeof tail - 2) || memcmp(out->data, head, sizeof head - 1) != 0) return 0;
    if (memcmp(out->data + out->len - (sizeof tail - 1), tail, sizeof tail - 1) != 0 || memchr(out->data, ROLE, (size_t)out->len) ||
        memchr(out->data, CONTENT, (size_t)out->len))
        return 0;
    *c = at;
    return 1;
}

static int at_end(cursor *c) {
    if (c->after == '-') skip_space(c);
    if (c->p < c->end && *c->p == '\n') c->p++; /* trimmed after a block, and at the end of any template */
    return c->p == c->end;
}

static int parse(cursor *c, vt__chatml *out, vt__bytes *turn, vt__bytes *prompt) {
    if (block(c, "if not add_generation_prompt is defined") &&
        !(block(c, "set add_generation_prompt = false") && block(c, "endif")))
        return 0;
    if (!block(c, "for message in messages")) return 0;
    if (!system_turn(c, &out->system)) out->system.len = 0; /* another kind of condition does not pass for a turn either */
    if (!outputs(c, turn) || !equals(turn, TURN) || !block(c, "endfor")) return 0;
    if (block(c, "if add_generation_prompt")) {
        if (!outputs(c, prompt) || !equals(prompt, PROMPT) || !block(c, "endif")) return 0;
        out->has_prompt = 1;
    }
    return at_end(c);
}

vt_status vt__chatml_parse(vt_context *ctx, const char *text, size_t len, vt__chatml *out) {
    cursor c = {.p = text, .end = text + len};
    vt__bytes turn, prompt;
    *out = (vt__chatml){0};
    vt__bytes_init(&out->system, ctx);
    vt__bytes_init(&turn, ctx);
    vt__bytes_init(&prompt, ctx);
    int ok = parse(&c, out, &turn, &prompt);
    int failed = out->system.failed || turn.failed || prompt.failed;
    vt__bytes_free(&turn);
    vt__bytes_free(&prompt);
    if (failed) return vt__fail_nomem("chat", 0);
    if (ok) return VT_OK;
    return vt__fail(VT_ERR_UNSUPPORTED, "chat: the model's chat template is not one of the known forms of ChatML (it differs at byte %zu of %zu)",
                    (size_t)(c.p - text), len);
}
