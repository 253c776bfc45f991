/* Copyright (c) 2026 The Venturi authors. MIT licence.
 *
 * Where the time of a context's calls goes, stage by stage: totals for a table, spans for a time line. The library keeps the clock, so
 * that every host sees the same stages; while the profile is off, each costs the read of one flag.
 *
 *     vt_profile_start(ctx, NULL);   ... calls ...   vt_profile_stop(ctx);   vt_profile_get_stage(ctx, VT_STAGE_DECODE, &stage);
 */
#ifndef VENTURI_PROFILE_H
#define VENTURI_PROFILE_H

#include "venturi/types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct vt_profile_options {
    uint32_t struct_size; /* set by VT_STRUCT_INIT */
    uint32_t flags;       /* reserved, must be 0 */
    int64_t max_spans;    /* spans to keep, 32 bytes each, taken now: none is allocated later; 0: totals only */
} vt_profile_options;

/** Sets all totals to zero and starts the clocks of all stages (VT_STAGE_* of types.h) in this context. May be called again at any time.
 *  Errors: VT_ERR_INVALID, VT_ERR_NOMEM (then everything is as before). Threads: any, also beside running calls: a stage that began before is left out. */
VT_API VT_MUST_USE vt_status vt_profile_start(vt_context *ctx, const vt_profile_options *opt);
/** Stops the clocks; totals and spans stay until the next start. A stage that is running still counts when it ends. Threads: any. */
VT_API void vt_profile_stop(vt_context *ctx);

typedef struct vt_profile_stage {
    uint32_t struct_size; /* set by the caller; only so many bytes are written */
    uint32_t reserved;
    const char *name;     /* "load", "tokenize", "prefill", "decode", "sample"; static */
    int64_t count;        /* spans */
    int64_t n_tokens;     /* made, computed or drawn in them */
    int64_t duration_ns;  /* their sum; spans of several threads add up */
} vt_profile_stage;

/** Totals of stage 0 <= stage < VT_STAGE_COUNT. Errors: VT_ERR_INVALID. Threads: any, also while clocks run. */
VT_API VT_MUST_USE vt_status vt_profile_get_stage(const vt_context *ctx, int32_t stage, vt_profile_stage *out);

typedef struct vt_profile_span {
    uint32_t struct_size; /* set by the caller; only so many bytes are written */
    int32_t stage;        /* VT_STAGE_* */
    int64_t begin_ns;     /* after vt_profile_start */
    int64_t duration_ns;
    int64_t n_tokens;
} vt_profile_span;

/** Spans kept, in the order in which they ended, and how many more there were than max_spans. Threads: any; a start in
 *  between begins a new list. */
VT_API int64_t vt_profile_span_count(const vt_context *ctx);
VT_API int64_t vt_profile_span_lost(const vt_context *ctx);
/** Span i of [0, count). Errors: VT_ERR_INVALID. */
VT_API VT_MUST_USE vt_status vt_profile_get_span(const vt_context *ctx, int64_t i, vt_profile_span *out);

#ifdef __cplusplus
}
#endif
#endif
