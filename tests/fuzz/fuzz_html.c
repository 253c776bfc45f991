/* Documents into sections, and their words. The first byte chooses the format. */
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "core/context.h"
#include "document/sections.h"
#include "text/words.h"

static void need(int holds) {
    if (!holds) abort();
}

/* What is handed out is UTF-8, as long as it says, and trimmed. */
static void check_text(const char *text, size_t len) {
    need(text && strlen(text) == len);
    for (size_t i = 0; i < len;) {
        utf8proc_int32_t c;
        utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text + i, (utf8proc_ssize_t)(len - i), &c);
        need(n > 0);
        i += (size_t)n;
    }
    need(len == 0 || !strchr(" \t\n\v\f\r", text[len - 1]));
}

static int check_word(void *user, const char *word, size_t len) {
    (void)user;
    need(len >= 1 && len <= VT__WORD_MAX);
    need(memchr(word, ' ', len) == NULL);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    vt_context *ctx;
    vt_sections *s;
    if (size < 1 || size > 200000) return 0;
    if (vt__context_create(&(vt__context_params){.n_threads = 1}, &ctx) != VT_OK) return 0;
    vt_status st = vt__sections_parse(ctx, data[0] % 3, (const char *)data + 1, size - 1, &s);
    need(st == VT_OK);
    if (st == VT_OK) {
        check_text(vt__sections_title(s), strlen(vt__sections_title(s)));
        for (int64_t i = 0; i < vt__sections_count(s); i++) {
            vt__section e = vt__sections_get(s, i);
            need(e.level >= 0 && e.level <= 6);
            need((e.level == 0) == (e.title_len == 0));
            need(memchr(e.title, '\n', e.title_len) == NULL);
            check_text(e.title, e.title_len);
            check_text(e.text, e.text_len);
            (void)vt__words_each(e.text, e.text_len, check_word, NULL);
        }
    }
    (void)vt__words_each((const char *)data + 1, size - 1, check_word, NULL);
    vt__sections_release(s);
    vt__context_release(ctx);
    return 0;
}
