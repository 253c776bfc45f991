#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/splitter.h"

#include <pcre2.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "text/tokenizer_internal.h"
#include "text/utf8.h"

/* White_Space of Unicode, for use in a class. pcre2's own \s takes U+180E too, which is none. */
#define WS "\\t-\\r\\x{85}\\p{Z}"
/* Inner rule of GPT-2: a run of space keeps its last character back for the word behind it. */
#define GPT2 "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^" WS "\\p{L}\\p{N}]+|[" WS "]+(?![^" WS "])|[" WS "]+"
/* "Every digit alone, then GPT-2 on what is between" in one expression: a digit ends what is between, as the end of the text does, so
 * that space before a digit keeps nothing back. */
#define SMOLLM "\\p{N}|'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?[^" WS "\\p{L}\\p{N}]+|[" WS "]+(?![^" WS "\\p{N}])|[" WS "]+"

static const struct {
    const char *pre, *pattern;
} known[] = {
    {"gpt-2", GPT2},        {"smollm", SMOLLM},    {"starcoder", SMOLLM}, {"refact", SMOLLM},
    {"command-r", SMOLLM},  {"codeshell", SMOLLM}, {"exaone", SMOLLM},
};

enum {
    MATCH_LIMIT = 1000000, /* backtracking steps for one piece; the patterns need a handful */
    HEAP_LIMIT = 64 << 10  /* KiB that the interpreter may use for one piece */
};

struct vt__splitter {
    vt_context *ctx;
    atomic_int failed; /* an allocation did: tells "no memory" from "no machine code on this system" */
    pcre2_general_context *general;
    pcre2_match_context *limits;
    pcre2_code *code;
    int jit;
};

struct vt__split_run {
    const vt__splitter *splitter;
    pcre2_match_data *match;
    const char *text;
    size_t len, pos;
    size_t run_begin, run_end; /* the stretch of valid UTF-8 around pos: what pcre2 is shown */
};

static void *regex_alloc(size_t size, void *user) {
    vt__splitter *s = user;
    void *p = vt__alloc(s->ctx, size);
    if (!p) atomic_store(&s->failed, 1);
    return p;
}

static void regex_free(void *p, void *user) { vt__free(((vt__splitter *)user)->ctx, p); }

static const char *find_pattern(vt__span pre) {
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strlen(known[i].pre) == pre.len && memcmp(known[i].pre, pre.data, pre.len) == 0) return known[i].pattern;
    return NULL;
}

static vt_status refuse(const char *name, vt__span pre) {
    char shown[VT__SHOWN];
    if (pre.len == 0) return vt__fail(VT_ERR_UNSUPPORTED, "%s: no pre-tokenizer is named, and the default one is not supported", name);
    return vt__fail(VT_ERR_UNSUPPORTED, "%s: pre-tokenizer '%s' is not supported; gpt-2 and smollm (starcoder, refact, command-r, codeshell, exaone) are",
                    name, vt__span_show(pre, shown));
}

vt_status vt__splitter_create(vt_context *ctx, const char *name, vt__span pre, vt__splitter **out) {
    const char *pattern = find_pattern(pre);
    int error = 0;
    PCRE2_SIZE at = 0;

    *out = NULL;
    if (!pattern) return refuse(name, pre);
    vt__splitter *s = vt__calloc(ctx, sizeof *s);
    if (!s) return vt__fail_nomem("tokenizer", sizeof *s);
    s->ctx = ctx;
    atomic_init(&s->failed, 0);
    s->general = pcre2_general_context_create(regex_alloc, regex_free, s);
    if (s->general) s->limits = pcre2_match_context_create(s->general);
    pcre2_compile_context *compile = s->limits ? pcre2_compile_context_create(s->general) : NULL;
    if (compile) {
        s->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_UTF, &error, &at, compile);
        pcre2_compile_context_free(compile);
    }
    if (s->code) {
        (void)pcre2_set_match_limit(s->limits, MATCH_LIMIT);
        (void)pcre2_set_heap_limit(s->limits, HEAP_LIMIT);
        s->jit = pcre2_jit_compile(s->code, PCRE2_JIT_COMPLETE) == 0; /* without it the interpreter does the same, slower */
    }
    if (!s->code || atomic_load(&s->failed)) {
        int nomem = atomic_load(&s->failed);
        vt__splitter_destroy(ctx, s);
        if (nomem) return vt__fail_nomem("tokenizer", 0);
        return vt__fail(VT_ERR_INTERNAL, "tokenizer: pcre2 error %d at %zu of pattern %s", error, (size_t)at, pattern);
    }
    *out = s;
    return VT_OK;
}

void vt__splitter_destroy(vt_context *ctx, vt__splitter *splitter) {
    if (!splitter) return;
    pcre2_code_free(splitter->code);
    pcre2_match_context_free(splitter->limits);
    pcre2_general_context_free(splitter->general);
    vt__free(ctx, splitter);
}

vt_status vt__split_run_create(vt_context *ctx, const vt__splitter *splitter, vt__split_run **out) {
    vt__split_run *run = *out = vt__calloc(ctx, sizeof *run);
    if (!run) return vt__fail_nomem("tokenizer", sizeof *run);
    run->splitter = splitter;
    run->match = pcre2_match_data_create(1, splitter->general);
    if (run->match) return VT_OK;
    vt__split_run_destroy(ctx, run);
    *out = NULL;
    return vt__fail_nomem("tokenizer", 0);
}

void vt__split_run_destroy(vt_context *ctx, vt__split_run *run) {
    if (!run) return;
    pcre2_match_data_free(run->match);
    vt__free(ctx, run);
}

void vt__split_begin(vt__split_run *run, const char *text, size_t len) {
    run->text = text;
    run->len = len;
    run->pos = run->run_begin = run->run_end = 0;
}

/* What the pattern does at pos: the pcre2 result, range in the match data relative to run_begin. */
static int match(const vt__split_run *run) {
    const vt__splitter *s = run->splitter;
    PCRE2_SPTR subject = (PCRE2_SPTR)run->text + run->run_begin;
    size_t len = run->run_end - run->run_begin, at = run->pos - run->run_begin;
    if (s->jit) {
        int rc = pcre2_jit_match(s->code, subject, len, at, 0, run->match, s->limits);
        if (rc != PCRE2_ERROR_JIT_STACKLIMIT) return rc;
    }
    return pcre2_match(s->code, subject, len, at, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, run->match, s->limits);
}

vt_status vt__split_next(vt__split_run *run, vt__span *out) {
    size_t begin = run->pos, end = begin + 1; /* a byte that is not UTF-8 */

    *out = (vt__span){.data = run->text, .len = 0};
    if (begin == run->len) return VT_OK;
    if (begin == run->run_end) {
        run->run_begin = begin;
        run->run_end = begin + vt__utf8_valid(run->text + begin, run->len - begin);
    }
    if (run->run_end > begin) {
        int rc = match(run);
        const PCRE2_SIZE *range = pcre2_get_ovector_pointer(run->match);
        end = run->run_end; /* no match: the rest is one piece */
        if (rc == PCRE2_ERROR_NOMEMORY) return vt__fail_nomem("tokenizer", 0);
        if (rc < 0 && rc != PCRE2_ERROR_NOMATCH)
            return vt__fail(VT_ERR_LIMIT, "tokenizer: the pre-tokenizer gave up at byte %zu (pcre2 error %d)", begin, rc);
        if (rc > 0) end = run->run_begin + (range[0] > begin - run->run_begin ? range[0] : range[1]);
    }
    if (begin == run->run_end) run->run_begin = run->run_end = end;
    *out = (vt__span){.data = run->text + begin, .len = end - begin};
    run->pos = end;
    return VT_OK;
}
