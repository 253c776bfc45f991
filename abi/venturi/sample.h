/* Copyright (c) 2026 The Venturi authors. MIT licence.
 *
 * Token samplers: a chain of stages that narrows a row of logits and draws one token. Stages run in the order in which they were
 * added; ties go to the lower id, so that a result depends on nothing else. A grammar bars what it cannot go on with before the first
 * stage. Not here: diffusion samplers (vt_solver, to come).
 *
 * A chain may remember tokens (penalties, DRY, mirostat, a grammar): vt_session_next and vt_session_generate tell it of each token that
 * they append. Whoever draws with vt_sampler_sample calls vt_sampler_accept for each token that is taken.
 * Softmax is computed in float32 with the maximum subtracted; sums of it in float64. No chain leaves an empty set. */
#ifndef VENTURI_SAMPLE_H
#define VENTURI_SAMPLE_H

#include "venturi/types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct vt_sampler_options {
    uint32_t struct_size; /* set by VT_STRUCT_INIT */
    uint32_t flags;       /* reserved, must be 0 */
    uint64_t seed;        /* with `sequence` and the number of draws so far decides every draw (Philox4x32-10) */
    uint32_t sequence;    /* stream number: sequences of one batch differ in it */
    uint32_t reserved;    /* must be 0 */
} vt_sampler_options;

/** New chain without stages: it takes the largest logit (greedy). Errors: VT_ERR_INVALID, VT_ERR_NOMEM. One user at a time. */
VT_API VT_MUST_USE vt_status vt_sampler_create(vt_context *ctx, const vt_sampler_options *opt, vt_sampler **out);
VT_API vt_sampler *vt_sampler_retain(vt_sampler *sampler);
VT_API void vt_sampler_release(vt_sampler *sampler);

/* Each stage keeps at least one token. Errors: VT_ERR_INVALID (value out of range, NaN), VT_ERR_NOMEM. */

/** Logits divided by t > 0, and the token is drawn from the distribution; t = 0: the largest logit is taken. */
VT_API VT_MUST_USE vt_status vt_sampler_add_temperature(vt_sampler *sampler, double t);
/** The k >= 1 largest. */
VT_API VT_MUST_USE vt_status vt_sampler_add_top_k(vt_sampler *sampler, int64_t k);
/** The smallest set of most probable tokens whose probability reaches p in (0, 1]. Source: Holtzman et al. 2020, section 3.1. */
VT_API VT_MUST_USE vt_status vt_sampler_add_top_p(vt_sampler *sampler, double p);
/** Tokens at least p times as probable as the most probable one; p in [0, 1]. Source: Nguyen et al. 2024, section 3. */
VT_API VT_MUST_USE vt_status vt_sampler_add_min_p(vt_sampler *sampler, double p);

/** The smallest set of tokens whose information is nearest to the entropy and whose probability exceeds p in (0, 1]. Source: Meister et al. 2023. */
VT_API VT_MUST_USE vt_status vt_sampler_add_typical(vt_sampler *sampler, double p);
/** Logits within n > 0 standard deviations of the largest. Source: Tang et al. 2024. */
VT_API VT_MUST_USE vt_status vt_sampler_add_top_n_sigma(vt_sampler *sampler, double n);
/** With the given probability all tokens of probability >= threshold but the least likely of them are dropped; both in [0, 1]. */
VT_API VT_MUST_USE vt_status vt_sampler_add_xtc(vt_sampler *sampler, double probability, double threshold);
/** Temperature by entropy: lo + (hi - lo) (H / ln n)^exponent over the n tokens that are left, lo = max(0, t - delta), hi = t + delta. */
VT_API VT_MUST_USE vt_status vt_sampler_add_dynamic_temperature(vt_sampler *sampler, double t, double delta, double exponent);
/** Mirostat 2: drops tokens of more than mu bits of surprise; each accepted draw moves mu by eta (tau - surprise), from 2 tau on. It is the last
 *  stage: adding another after it is VT_ERR_STATE. Source: Basu et al. 2021. */
VT_API VT_MUST_USE vt_status vt_sampler_add_mirostat(vt_sampler *sampler, double tau, double eta);

/** Logits of the tokens among the last n accepted, 1 <= n <= 2^20: positive ones are divided by `repeat` > 0, others multiplied with it; then
 *  frequency times their number, and presence, are taken off. 1, 0, 0 change nothing. */
VT_API VT_MUST_USE vt_status vt_sampler_add_penalties(vt_sampler *sampler, int64_t last_n, double repeat, double frequency, double presence);

typedef struct vt_dry_options {
    uint32_t struct_size;    /* set by VT_STRUCT_INIT */
    uint32_t flags;          /* reserved, must be 0 */
    double multiplier;       /* > 0; 0: 0.8 */
    double base;             /* >= 1; 0: 1.75 */
    int64_t allowed_length;  /* 0: 2 */
    int64_t last_n;          /* tokens looked back on; 0: 1024 */
    const int32_t *breakers; /* [n_breakers] tokens beyond which no repetition reaches; copied */
    int64_t n_breakers;
} vt_dry_options;

/** Don't repeat yourself: a token that would make the end of the text repeat L >= allowed_length tokens costs
 *  multiplier * base^(L - allowed_length). */
VT_API VT_MUST_USE vt_status vt_sampler_add_dry(vt_sampler *sampler, const vt_dry_options *opt);
/** Adds biases[i] to the logit of ids[i]; minus infinity bars it. Both [n], copied. Ids that a row does not have are passed over. A draw for which
 *  this bars every token fails with VT_ERR_NUMERIC. */
VT_API VT_MUST_USE vt_status vt_sampler_add_logit_bias(vt_sampler *sampler, const int32_t *ids, const float *biases, int64_t n);
/** Stages added from now on that narrow by probability (top-p, min-p, typical, top-n-sigma, XTC, mirostat) leave at least n >= 1 tokens, if
 *  there are so many. */
VT_API VT_MUST_USE vt_status vt_sampler_set_min_keep(vt_sampler *sampler, int64_t n);

/* ---- grammars: immutable, shareable between threads ---- */

/**
 * A grammar of the texts that may be written, from GBNF: rules `name ::= ...`, of which `root` is the whole text. In a rule: "literals", classes
 * [a-z] and [^...], . for any character, names, ( groups ), alternatives |, repetitions ? * + {m} {m,} {m,n}. Escapes \n \r \t \\ \" \[ \] \- \^
 * \xHH \uHHHH \UHHHHHHHH; comments from # to the end of the line. A rule ends with its line, except inside parentheses, after | and before |.
 *
 * Errors:  VT_ERR_INVALID, VT_ERR_FORMAT (line and column; a rule that is not defined, or begins with itself; a root that cannot end),
 *          VT_ERR_LIMIT (text over 1 MiB, 8192 rules, 64 parentheses deep, a graph over 2^19 nodes, or too entangled), VT_ERR_NOMEM.
 * Calls deeper than 512 rules inside each other are not followed: a text that needs them is none of the grammar's.
 */
VT_API VT_MUST_USE vt_status vt_grammar_create(vt_context *ctx, const char *gbnf, size_t len, vt_grammar **out);
/** The same from a JSON schema: vt_grammar_schema_to_gbnf, then vt_grammar_create. */
VT_API VT_MUST_USE vt_status vt_grammar_create_from_schema(vt_context *ctx, const char *schema, size_t len, vt_grammar **out);
VT_API vt_grammar *vt_grammar_retain(vt_grammar *grammar);
VT_API void vt_grammar_release(vt_grammar *grammar);
/**
 * GBNF text of a JSON schema (drafts 6 to 2020-12). Every text of the grammar is a JSON value that satisfies the schema; not every such value is a
 * text of the grammar: properties come in the schema's order, properties that it does not list are written only where additionalProperties asks
 * for them, numbers have at most 16 digits, space is at most one blank or a line break with an indent.
 *
 * Known: true and {}; type (also a list); properties, required, additionalProperties; items, prefixItems, minItems, maxItems; enum, const;
 * minLength, maxLength, pattern (a regular expression without assertions inside and back references), format date, time, date-time, uuid, ipv4;
 * minimum, maximum, exclusiveMinimum, exclusiveMaximum of integers; anyOf; oneOf whose members exclude each other; allOf of objects, or of one
 * member; $ref into the schema itself, also recursive. Annotations (title, description, default, examples, ...) are passed over.
 * Errors:  VT_ERR_INVALID, VT_ERR_FORMAT (no JSON; a keyword with a wrong value), VT_ERR_UNSUPPORTED (any other keyword, named),
 *          VT_ERR_NOT_FOUND ($ref), VT_ERR_LIMIT, VT_ERR_NOMEM.
 */
VT_API VT_MUST_USE vt_status vt_grammar_schema_to_gbnf(vt_context *ctx, const char *schema, size_t len, vt_buffer **out);

enum { VT_GRAMMAR_MISMATCH = 0, VT_GRAMMAR_BEGINNING = 1, VT_GRAMMAR_MATCH = 2 };
/** What a text is to the grammar: none of its texts begins so, one does, or it is one. Errors: VT_ERR_INVALID, VT_ERR_LIMIT (so ambiguous that more
 *  than 4096 readings are open at once), VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_grammar_check(vt_grammar *grammar, const char *text, size_t len, int32_t *out);

/**
 * From now on only tokens are drawn that the grammar can go on with; end-of-answer tokens exactly where it may end, and after one nothing else.
 * A code point may be written by several tokens. One grammar a chain (another: VT_ERR_STATE). Keeps references of both.
 * A draw for which no token of the vocabulary can follow fails with VT_ERR_STATE, one whose allowed tokens all have logits of minus infinity with
 * VT_ERR_NUMERIC, one under a grammar so ambiguous that finding those tokens takes seconds with VT_ERR_LIMIT; the sampler stays usable.
 * Cost:    the first grammar of a tokenizer sorts its vocabulary; each new state of a grammar walks it, repeated ones are remembered.
 */
VT_API VT_MUST_USE vt_status vt_sampler_add_grammar(vt_sampler *sampler, vt_tokenizer *tok, vt_grammar *grammar);

/* ---- use ---- */

/** Draws one token. logits: [n] float32, read only; minus infinity bars a token.
 *  Errors: VT_ERR_INVALID, VT_ERR_NUMERIC (NaN, plus infinity, or every token barred), VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_sampler_sample(vt_sampler *sampler, const float *logits, int64_t n, int32_t *out_id);
/** The set that the stages leave: ids and their logits, largest first (ties by id), as (int32 id, float32 logit) pairs in a buffer.
 *  Draws nothing. Errors: as vt_sampler_sample. */
VT_API VT_MUST_USE vt_status vt_sampler_filter(vt_sampler *sampler, const float *logits, int64_t n, vt_buffer **out);
/** Takes note of a token that became part of the answer: windows, mirostat, grammar. On failure the chain is as before. Errors: VT_ERR_INVALID (an
 *  id below 0, or a token that the grammar cannot go on with), VT_ERR_LIMIT, VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_sampler_accept(vt_sampler *sampler, int32_t id);
/** Takes note of tokens [n] before an answer, a prompt's for one: for the windows of penalties and DRY only. A grammar begins anew. n may be 0.
 *  Errors: VT_ERR_INVALID, VT_ERR_LIMIT, VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_sampler_observe(vt_sampler *sampler, const int32_t *ids, int64_t n);
/** Back to the first draw of the seed; windows, mirostat and grammar begin anew. */
VT_API void vt_sampler_reset(vt_sampler *sampler);
/** A second chain in the same state, for a sequence that forks. It draws what the first one would. Errors: VT_ERR_INVALID, VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_sampler_clone(const vt_sampler *sampler, vt_sampler **out);

enum {
    VT_LOGPROB_OFF = 0,
    VT_LOGPROB_ROW = 1,  /* of the softmax of the row as it was given: what the model says */
    VT_LOGPROB_CHAIN = 2 /* of the distribution that was drawn from: after all stages */
};
/** Each draw from now on keeps the log-probability (natural) of its token and of the n_top >= 0 most probable ones. Errors: VT_ERR_INVALID,
 *  VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_sampler_keep_log_probabilities(vt_sampler *sampler, int32_t of, int64_t n_top);
/** Those of the last draw: the drawn token first, then the most probable ones, best first (ties by id; the drawn one may be among them). ids, values:
 *  [cap] with cap >= 1, caller's memory; *out_n how many were written, at most 1 + n_top. Errors: VT_ERR_INVALID, VT_ERR_STATE (nothing kept yet). */
VT_API VT_MUST_USE vt_status vt_sampler_log_probabilities(const vt_sampler *sampler, int32_t *ids, float *values, int64_t cap, int64_t *out_n);

#ifdef __cplusplus
}
#endif
#endif
