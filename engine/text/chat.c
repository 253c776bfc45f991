/* Messages as ChatML, if that is what the model's template says. */
#include <string.h>

#include "core/error.h"
#include "text/chat_template.h"
#include "text/tokenizer_internal.h"

enum { MAX_ROLE = 64, PASSES = 8 };

static void append_text(vt__bytes *b, const char *text) { vt__bytes_append(b, text, strlen(text)); }

/* A role is a word, so that it cannot bring a turn of its own. */
static vt_status check_role(const char *role, int64_t i) {
    size_t n = role ? strlen(role) : 0;
    int ok = n > 0 && n <= MAX_ROLE;
    for (size_t k = 0; ok && k < n; k++) ok = (role[k] >= 'a' && role[k] <= 'z') || (role[k] >= 'A' && role[k] <= 'Z') || role[k] == '_' || role[k] == '-';
    return ok ? VT_OK : vt__fail(VT_ERR_INVALID, "chat: role of message %lld must be 1 to %d letters, '_' or '-'", (long long)i, MAX_ROLE);
}

/* Copies text with a space after the first character of every special token in it. *found: how many there were. */
static vt_status take_apart(const vt_tokenizer *tok, const char *text, size_t len, vt__bytes *out, int64_t *found) {
    vt__special_hits hits = {0};
    size_t at = 0;
    vt_status st = vt__specials_find(tok, VT__CLASS_SPECIAL, text, len, &hits);
    if (st == VT_OK) {
        for (int64_t i = 0; i < hits.n; i++) {
            size_t cut = hits.hit[i].begin + 1;
            while (cut < len && ((unsigned char)text[cut] & 0xC0u) == 0x80u) cut++;
            vt__bytes_append(out, text + at, cut - at);
            vt__bytes_append_byte(out, ' ');
            at = cut;
        }
        vt__bytes_append(out, text + at, len - at);
        *found = hits.n;
        if (out->failed) st = vt__fail_nomem("chat", len);
    }
    vt__free(tok->ctx, hits.hit);
    return st;
}

/* Text that is quoted, a retrieved document say, must not end a turn or begin one: the special tokens in it are taken apart. A space may in
 * turn make another one of an odd vocabulary, hence the passes. */
static vt_status append_content(const vt_tokenizer *tok, vt__bytes *out, const char *content, size_t len) {
    vt__bytes text[2];
    int64_t found = 1;
    vt_status st = VT_OK;

    vt__bytes_init(&text[0], tok->ctx);
    vt__bytes_init(&text[1], tok->ctx);
    for (int pass = 0; pass < PASSES && found > 0 && st == VT_OK; pass++) {
        vt__bytes *to = &text[pass % 2];
        to->len = 0;
        st = take_apart(tok, content, len, to, &found);
        if (st != VT_OK || found == 0) break;
        content = to->data;
        len = (size_t)to->len;
    }
    if (st == VT_OK && found > 0)
        st = vt__fail(VT_ERR_INVALID, "chat: a message contains a special token of the model that a space does not take apart");
    if (st == VT_OK) vt__bytes_append(out, content, len);
    vt__bytes_free(&text[0]);
    vt__bytes_free(&text[1]);
    return st;
}

static vt_status render(const vt_tokenizer *tok, const vt__chatml *form, const vt__chat_message *messages, int64_t n, int add_prompt, vt__bytes *out) {
    for (int64_t i = 0; i < n; i++) {
        vt_status st = check_role(messages[i].role, i);
        if (st != VT_OK) return st;
        if (i == 0 && strcmp(messages[0].role, "system") != 0) vt__bytes_append(out, form->system.data, (size_t)form->system.len);
        append_text(out, "<|im_start|>");
        append_text(out, messages[i].role);
        append_text(out, "\n");
        st = append_content(tok, out, messages[i].content, messages[i].content_len);
        if (st != VT_OK) return st;
        append_text(out, "<|im_end|>\n");
    }
    if (add_prompt && form->has_prompt) append_text(out, "<|im_start|>assistant\n");
    return VT_OK;
}

vt_status vt__chat_render(const vt_tokenizer *tok, const vt__chat_message *messages, int64_t n, int add_prompt, vt_buffer **out) {
    vt__chatml form;
    vt__bytes text;

    *out = NULL;
    if (!tok->chat_template) return vt__fail(VT_ERR_UNSUPPORTED, "chat: the model has no chat template");
    vt__bytes_init(&text, tok->ctx);
    vt_status st = vt__chatml_parse(tok->ctx, tok->chat_template, tok->chat_template_len, &form);
    if (st == VT_OK) st = render(tok, &form, messages, n, add_prompt, &text);
    vt__bytes_free(&form.system);
    if (st != VT_OK) {
        vt__bytes_free(&text);
        return st;
    }
    return vt__bytes_finish(&text, "chat", out);
}

const char *vt__chat_template(const vt_tokenizer *tok, size_t *out_len) {
    *out_len = tok->chat_template ? tok->chat_template_len : 0;
    return tok->chat_template;
}

vt_status vt__chat_plain(const vt_tokenizer *tok, const char *text, size_t len, vt_buffer **out) {
    vt__bytes plain;

    *out = NULL;
    vt__bytes_init(&plain, tok->ctx);
    vt_status st = append_content(tok, &plain, text, len);
    if (st == VT_OK) return vt__bytes_finish(&plain, "chat", out);
    vt__bytes_free(&plain);
    return st;
}
