#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/splitter.h"

#include <pcre2.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "text/tokenizer_internal.h"
#include "text/utf8.h"

/* White_Space of Unicode, for use in a class, and the same without line ends. pcre2's own \s takes U+180E too, which is none. */
#define WS "\\t-\\r\\x{85}\\p{Z}"
#define BLANK "\\t\\x{B}\\x{C}\\x{85}\\p{Z}"
/* Inner rule of GPT-2: a run of space keeps its last character back for the word behind it. */
#define SPACES "[" WS "]+(?![^" WS "])|[" WS "]+"
#define GPT2 "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^" WS "\\p{L}\\p{N}]+|" SPACES
/* "Every digit alone, then GPT-2 on what is between" in one expression: a digit ends what is between, as the end of the text does, so
 * that space before a digit keeps nothing back. */
#define SMOLLM "\\p{N}|'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?[^" WS "\\p{L}\\p{N}]+|[" WS "]+(?![^" WS "\\p{N}])|[" WS "]+"
/* Llama 3's rule and its kin: `letters` make words, `digits` a number. "\s*[\r\n]+", space up to the last line end of a run, is written so that
 * nothing is tried twice. */
#define LLAMA3(letters, digits)                                                                                                           \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?[" letters "]+|" digits "| ?[^" WS letters "\\p{N}]+[\\r\\n]*|(?:[" BLANK "]*+[\\r\\n]++)++|" SPACES
#define QWEN2 LLAMA3("\\p{L}", "\\p{N}")
#define TRIPLES "[0-9][0-9][0-9]"

enum { MOST_STAGES = 5 };

/* Each pattern cuts the pieces that the one before has left. */
typedef struct rule {
    const char *pre;
    int llama3;
    const char *pattern[MOST_STAGES];
} rule;

static const rule known[] = {
    {"", 0, {"[\\p{P}$+<=>^~|]+", GPT2, "\\p{N}+", TRIPLES}},
    {"default", 0, {"[\\p{P}$+<=>^~|]+", GPT2, "\\p{N}+", TRIPLES}},
    {"gpt-2", 0, {GPT2}},
    {"phi-2", 0, {GPT2}},
    {"mpt", 0, {GPT2}},
    {"olmo", 0, {GPT2}},
    {"smollm", 0, {SMOLLM}},
    {"starcoder", 0, {SMOLLM}},
    {"refact", 0, {SMOLLM}},
    {"command-r", 0, {SMOLLM}},
    {"codeshell", 0, {SMOLLM}},
    {"exaone", 0, {SMOLLM}},
    {"llama-bpe", 1, {LLAMA3("\\p{L}", "\\p{N}{1,3}")}},
    {"llama3", 1, {LLAMA3("\\p{L}", "\\p{N}{1,3}")}},
    {"llama-v3", 1, {LLAMA3("\\p{L}", "\\p{N}{1,3}")}},
    {"falcon3", 1, {LLAMA3("\\p{L}", "\\p{N}{1,3}")}},
    {"smaug-bpe", 0, {LLAMA3("\\p{L}", "\\p{N}{1,3}")}},
    {"dbrx", 0, {LLAMA3("\\p{L}", "\\p{N}{1,3}")}},
    {"qwen2", 0, {QWEN2}},
    {"deepseek-r1-qwen", 0, {QWEN2}},
    {"stablelm2", 0, {QWEN2}},
    {"qwen35", 0, {LLAMA3("\\p{L}\\p{M}", "\\p{N}")}},
    {"falcon", 0, {"[\\p{P}$+<=>^~|`]+", GPT2, TRIPLES}},
    {"deepseek-coder", 0,
     {"[\\r\\n]", "[" WS "]?\\p{L}+", "[" WS "]?\\p{P}+", "[\\x{4E00}-\\x{9FA5}\\x{800}-\\x{4E00}\\x{AC00}-\\x{D7FF}]+", "\\p{N}"}},
};

enum {
    MATCH_LIMIT = INT32_MAX, /* steps for one piece: no pattern goes back over what it has read, so they are as many as the piece is long */
    HEAP_LIMIT = 64 << 10    /* KiB that the interpreter may use for one piece */
};

struct vt__splitter {
    vt_context *ctx;
    atomic_int failed; /* an allocation did: tells "no memory" from "no machine code on this system" */
    pcre2_general_context *general;
    pcre2_match_context *limits;
    const rule *rule;
    pcre2_code *code[MOST_STAGES]; /* [n_stages] */
    int jit[MOST_STAGES];
    int n_stages;
};

struct vt__split_run {
    const vt__splitter *splitter;
    pcre2_match_data *match;
    const char *text;
    size_t len, pos;
    size_t begin[MOST_STAGES + 1], end[MOST_STAGES + 1]; /* the piece of each stage around pos; 0: a stretch of valid UTF-8. Each in the one before */
};

static void *regex_alloc(size_t size, void *user) {
    vt__splitter *s = user;
    void *p = vt__alloc(s->ctx, size);
    if (!p) atomic_store(&s->failed, 1);
    return p;
}

static void regex_free(void *p, void *user) { vt__free(((vt__splitter *)user)->ctx, p); }

static const rule *find_rule(vt__span pre) {
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strlen(known[i].pre) == pre.len && memcmp(known[i].pre, pre.data, pre.len) == 0) return &known[i];
    return NULL;
}

static vt_status refuse(const char *name, vt__span pre) {
    char shown[VT__SHOWN];
    return vt__fail(VT_ERR_UNSUPPORTED,
                    "%s: pre-tokenizer '%s' is not supported; default, gpt-2, smollm, llama-bpe, qwen2, qwen35, falcon, deepseek-coder and those that cut "
                    "alike (starcoder, refact, command-r, codeshell, exaone, phi-2, mpt, olmo, llama3, falcon3, smaug-bpe, dbrx, stablelm2, deepseek-r1-qwen) are",
                    name, vt__span_show(pre, shown));
}

/* 0, or a pcre2 error. */
static int compile_stage(vt__splitter *s, const char *pattern) {
    int error = 0;
    PCRE2_SIZE at = 0;
    pcre2_compile_context *compile = pcre2_compile_context_create(s->general);
    if (!compile) return PCRE2_ERROR_NOMEMORY;
    pcre2_code *code = s->code[s->n_stages] = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_UTF, &error, &at, compile);
    pcre2_compile_context_free(compile);
    if (!code) return error;
    s->jit[s->n_stages++] = pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) == 0; /* without it the interpreter does the same, slower */
    return 0;
}

vt_status vt__splitter_create(vt_context *ctx, const char *name, vt__span pre, vt__splitter **out) {
    const rule *r = find_rule(pre);
    int error = 0;

    *out = NULL;
    if (!r) return refuse(name, pre);
    vt__splitter *s = vt__calloc(ctx, sizeof *s);
    if (!s) return vt__fail_nomem("tokenizer", sizeof *s);
    s->ctx = ctx;
    s->rule = r;
    atomic_init(&s->failed, 0);
    s->general = pcre2_general_context_create(regex_alloc, regex_free, s);
    if (s->general) s->limits = pcre2_match_context_create(s->general);
    if (!s->limits) error = PCRE2_ERROR_NOMEMORY;
    for (int i = 0; i < MOST_STAGES && r->pattern[i] && error == 0; i++) error = compile_stage(s, r->pattern[i]);
    if (error != 0 || atomic_load(&s->failed)) {
        int nomem = atomic_load(&s->failed);
        vt__splitter_destroy(ctx, s);
        if (nomem) return vt__fail_nomem("tokenizer", 0);
        return vt__fail(VT_ERR_INTERNAL, "tokenizer: pcre2 error %d in a pattern of pre-tokenizer '%s'", error, r->pre);
    }
    (void)pcre2_set_match_limit(s->limits, MATCH_LIMIT);
    (void)pcre2_set_heap_limit(s->limits, HEAP_LIMIT);
    *out = s;
    return VT_OK;
}

int vt__splitter_is_llama3(const vt__splitter *splitter) { return splitter->rule->llama3; }

void vt__splitter_destroy(vt_context *ctx, vt__splitter *splitter) {
    if (!splitter) return;
    for (int i = 0; i < splitter->n_stages; i++) pcre2_code_free(splitter->code[i]);
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
    run->pos = 0;
    memset(run->begin, 0, sizeof run->begin);
    memset(run->end, 0, sizeof run->end);
}

/* What the pattern of a stage does at pos within the piece [begin, end): the pcre2 result, range in the match data relative to begin. */
static int match(const vt__split_run *run, int stage, size_t begin, size_t end) {
    const vt__splitter *s = run->splitter;
    PCRE2_SPTR subject = (PCRE2_SPTR)run->text + begin;
    size_t len = end - begin, at = run->pos - begin;
    if (s->jit[stage]) {
        int rc = pcre2_jit_match(s->code[stage], subject, len, at, 0, run->match, s->limits);
        if (rc != PCRE2_ERROR_JIT_STACKLIMIT) return rc;
    }
    return pcre2_match(s->code[stage], subject, len, at, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, run->match, s->limits);
}

/* Cuts the next piece of a stage out of the one before's: up to the end of a match that begins here, or up to the next match. */
static vt_status cut(vt__split_run *run, int stage) {
    size_t begin = run->begin[stage], end = run->end[stage], pos = run->pos;
    const PCRE2_SIZE *range = pcre2_get_ovector_pointer(run->match);
    int rc = match(run, stage, begin, end);
    if (rc == PCRE2_ERROR_NOMEMORY) return vt__fail_nomem("tokenizer", 0);
    if (rc < 0 && rc != PCRE2_ERROR_NOMATCH)
        return vt__fail(VT_ERR_LIMIT, "tokenizer: the pre-tokenizer gave up at byte %zu (pcre2 error %d)", pos, rc);
    run->begin[stage + 1] = pos;
    run->end[stage + 1] = end; /* no match: the rest is one piece */
    if (rc > 0) run->end[stage + 1] = begin + (range[0] > pos - begin ? range[0] : range[1]);
    return VT_OK;
}

vt_status vt__split_next(vt__split_run *run, vt__span *out) {
    size_t pos = run->pos;
    int n = run->splitter->n_stages;

    *out = (vt__span){.data = run->text, .len = 0};
    if (pos == run->len) return VT_OK;
    if (pos == run->end[0]) {
        size_t valid = vt__utf8_valid(run->text + pos, run->len - pos);
        run->begin[0] = pos;
        run->end[0] = pos + valid;
        if (valid == 0) { /* a byte that is not UTF-8 */
            for (int i = 0; i <= n; i++) run->end[i] = pos + 1;
            *out = (vt__span){.data = run->text + pos, .len = 1};
            run->pos = pos + 1;
            return VT_OK;
        }
    }
    for (int stage = 0; stage < n; stage++) {
        if (run->end[stage + 1] > pos) continue; /* still in this stage's piece */
        vt_status st = cut(run, stage);
        if (st != VT_OK) return st;
    }
    *out = (vt__span){.data = run->text + pos, .len = run->end[n] - pos};
    run->pos = run->end[n];
    return VT_OK;
}
