/* Copyright (c) 2026 The Venturi authors. MIT licence.
 *
 * The context (allocator, threads, log), and what every other call leans on: error messages, versions,
 * cancel tokens, buffers and counter-based random numbers. Not here: anything that computes. */
#ifndef VENTURI_CONTEXT_H
#define VENTURI_CONTEXT_H

#include "venturi/types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct vt_context_options {
    uint32_t struct_size;  /* set by VT_STRUCT_INIT */
    uint32_t flags;        /* reserved, must be 0 */
    vt_alloc_fn alloc;     /* NULL: malloc */
    void *alloc_user;      /* first argument of alloc */
    vt_log_fn log;         /* NULL: silent */
    void *log_user;        /* first argument of log */
    int32_t log_level;     /* VT_LOG_*: the most talkative level that is passed on; 0: VT_LOG_WARN */
    int32_t n_threads;     /* threads that work for this context, the caller's included; 0: one a CPU; at most 256 */
    uint64_t memory_limit; /* bytes alive at one time, mapped files not counted; 0: none */
} vt_context_options;

/**
 * New context with reference count 1. Starts no thread until the first parallel work.
 *
 * opt   NULL: all defaults.
 * Errors:  VT_ERR_INVALID, VT_ERR_UNSUPPORTED (an option of a later release), VT_ERR_NOMEM.
 * Threads: any; a context may be used by many threads at once.
 */
VT_API VT_MUST_USE vt_status vt_context_create(const vt_context_options *opt, vt_context **out);
VT_API vt_context *vt_context_retain(vt_context *ctx);
/** The last release (children count) joins the threads. After a fork the child may use and release contexts as well, if no call was under way
 *  in another thread; where the parent has done parallel work before, the child's work runs on the calling thread. */
VT_API void vt_context_release(vt_context *ctx);

/** Threads that parallel work uses, the caller's included. */
VT_API int32_t vt_context_threads(const vt_context *ctx);
/** Bytes alive now, and the most at one time. Mapped files do not count. */
VT_API uint64_t vt_context_memory(const vt_context *ctx);
VT_API uint64_t vt_context_memory_peak(const vt_context *ctx);

/** Message of the last failing call on this thread, with the values given and allowed; never NULL. Borrowed until the next one. */
VT_API const char *vt_error_message(void);
/** "VT_ERR_NOMEM" and so on; "VT_ERR_?" for an unknown code. Static. */
VT_API const char *vt_status_name(vt_status status);
/** Release, "MAJOR.MINOR.PATCH". Static. */
VT_API const char *vt_version(void);
/** Changes only when something that a compiled host relies on breaks; the soname's number. */
VT_API int32_t vt_abi_version(void);
/** Instruction set of the kernels in use: "ref", "avx2", "avx512", "avx512vnni", "avx512bf16". Static. VT_ISA in the environment lowers it. */
VT_API const char *vt_isa(void);

/* ---- cancel tokens: raised from any thread, polled by long work ---- */

/** New token, not raised, with reference count 1. Errors: VT_ERR_INVALID, VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_cancel_create(vt_context *ctx, vt_cancel **out);
VT_API vt_cancel *vt_cancel_retain(vt_cancel *cancel);
VT_API void vt_cancel_release(vt_cancel *cancel);
/** Safe from any thread and from a signal handler. */
VT_API void vt_cancel_raise(vt_cancel *cancel);
VT_API void vt_cancel_reset(vt_cancel *cancel);
/** 1 when raised; 0 also for NULL. */
VT_API int32_t vt_cancel_is_raised(const vt_cancel *cancel);

/* ---- buffers: immutable after creation, shareable between threads ---- */

/** Borrowed until the last release; never NULL for a buffer, also when its size is 0; a NUL byte follows the last one. */
VT_API const void *vt_buffer_data(const vt_buffer *buffer);
/** Bytes, the closing NUL not counted; 0 for NULL. */
VT_API size_t vt_buffer_size(const vt_buffer *buffer);
VT_API vt_buffer *vt_buffer_retain(vt_buffer *buffer);
VT_API void vt_buffer_release(vt_buffer *buffer);

/** 64-bit hash of bytes (XXH3): the same on every machine and in every release; for noticing changes, not against forgers.
 *  data may be NULL when size is 0. */
VT_API uint64_t vt_hash(const void *data, size_t size);

/* ---- random numbers: Philox4x32-10, a pure function of (seed, stream, position) ----
 * Word j of a stream is lane j%4 of block j/4; counter (block lo, block hi, stream, 0), key (seed lo, seed hi).
 * The same numbers on every machine and for any number of threads. Source: Salmon et al. 2011, section 3. */

/** n words from position `first`. out: [n] uint32, caller's memory. Errors: VT_ERR_INVALID. */
VT_API VT_MUST_USE vt_status vt_random_words(uint64_t seed, uint32_t stream, uint64_t first, uint32_t *out, int64_t n);
/** n numbers in [0, 1), (word >> 8) * 2^-24 of words first.. out: [n] float64. Errors: VT_ERR_INVALID. */
VT_API VT_MUST_USE vt_status vt_random_uniform(uint64_t seed, uint32_t stream, uint64_t first, double *out, int64_t n);
/** n standard normal numbers by Box-Muller from the word pairs (2i, 2i+1): numbers 2i and 2i+1. out: [n] float64. Errors: VT_ERR_INVALID. */
VT_API VT_MUST_USE vt_status vt_random_normal(uint64_t seed, uint32_t stream, uint64_t first, double *out, int64_t n);

#ifdef __cplusplus
}
#endif
#endif
