/* Copyright (c) 2026 The Venturi authors. MIT licence.
 *
 * Floor of the house: status codes, dtypes, handle names, callback types, the struct initialiser.
 * Includes nothing of ours; every other header and every room may include it. */
#ifndef VENTURI_TYPES_H
#define VENTURI_TYPES_H

#include <stddef.h>
#include <stdint.h>

#define VT_API __attribute__((visibility("default")))
#define VT_MUST_USE __attribute__((warn_unused_result))

/* Sets struct_size; every other field starts at zero, which means "default". C only: from C++ and
 * from foreign languages zero the struct and set struct_size yourself. */
#define VT_STRUCT_INIT(T) { .struct_size = (uint32_t)sizeof(T) }

/* What every fallible call returns: VT_OK or one of the negative codes below. */
typedef int32_t vt_status;

/* Append only; the numbers are part of the ABI and are never reused. */
enum {
    VT_OK = 0,
    VT_ERR_NOMEM = -1,       /* the allocator, or a limit on memory, said no */
    VT_ERR_INVALID = -2,     /* a wrong argument */
    VT_ERR_SHAPE = -3,       /* a wrong or mismatching extent */
    VT_ERR_DTYPE = -4,       /* an element type that does not fit */
    VT_ERR_IO = -5,          /* the operating system failed a file operation */
    VT_ERR_FORMAT = -6,      /* bytes that are not what they claim to be */
    VT_ERR_NOT_FOUND = -7,   /* no such file, key, name or id */
    VT_ERR_UNSUPPORTED = -8, /* well formed, but not something this version does */
    VT_ERR_STATE = -9,       /* not possible in the object's present state */
    VT_ERR_LIMIT = -10,      /* a stated limit would be exceeded */
    VT_ERR_CANCELLED = -11,  /* the caller's token or progress callback said stop */
    VT_ERR_NUMERIC = -12,    /* NaN or infinity where a number is needed */
    VT_ERR_DEVICE = -13,     /* an accelerator failed */
    VT_ERR_CONFLICT = -14,   /* somebody else changed or holds the thing */
    VT_ERR_INTERNAL = -15    /* a bug of ours */
};

/* Element types. Where GGUF has a number for a type ours is the same; types of our own begin at 256.
 * The block types (Q…) are for weights only. Travels as int32_t. */
enum {
    VT_DTYPE_F32 = 0,
    VT_DTYPE_F16 = 1,
    VT_DTYPE_Q4_0 = 2,
    VT_DTYPE_Q4_1 = 3,
    /* 4 and 5 were GGUF types, removed */
    VT_DTYPE_Q5_0 = 6,
    VT_DTYPE_Q5_1 = 7,
    VT_DTYPE_Q8_0 = 8,
    VT_DTYPE_Q8_1 = 9,
    VT_DTYPE_Q2_K = 10,
    VT_DTYPE_Q3_K = 11,
    VT_DTYPE_Q4_K = 12,
    VT_DTYPE_Q5_K = 13,
    VT_DTYPE_Q6_K = 14,
    VT_DTYPE_Q8_K = 15,
    VT_DTYPE_I8 = 24,
    VT_DTYPE_I16 = 25,
    VT_DTYPE_I32 = 26,
    VT_DTYPE_I64 = 27,
    VT_DTYPE_F64 = 28,
    VT_DTYPE_BF16 = 30,
    VT_DTYPE_U8 = 256,
    VT_DTYPE_BOOL = 257,
    VT_DTYPE_C64 = 258,
    VT_DTYPE_C128 = 259,
    VT_DTYPE_U16 = 260
};

/* Opaque handles. vt_X_release(NULL) is fine everywhere; a child keeps its parents alive. */
typedef struct vt_context vt_context;     /* allocator, threads, log: one world */
typedef struct vt_cancel vt_cancel;       /* a flag that stops long work */
typedef struct vt_buffer vt_buffer;       /* bytes that the library hands out */
typedef struct vt_folder vt_folder;       /* a directory to read from, and nothing above it */
typedef struct vt_tokenizer vt_tokenizer; /* text to token ids and back */
typedef struct vt_decoder vt_decoder;     /* token ids to text, piece by piece */
typedef struct vt_sections vt_sections;   /* a document cut at its headings */
typedef struct vt_model vt_model;         /* immutable weights and their architecture */
typedef struct vt_kv vt_kv;               /* pool of key/value cache blocks */
typedef struct vt_session vt_session;     /* one sequence being decoded */
typedef struct vt_batch vt_batch;         /* sessions that are stepped together */
typedef struct vt_grammar vt_grammar;     /* texts that may be written */
typedef struct vt_sampler vt_sampler;     /* chain that picks a token from logits */
typedef struct vt_index vt_index;         /* durable search index */
typedef struct vt_hits vt_hits;           /* result of one search */
typedef struct vt_distance vt_distance;   /* distances between n objects */
typedef struct vt_clustering vt_clustering; /* a partition, and its medoids or centroids */
typedef struct vt_encoder vt_encoder;     /* text encoder: texts to vectors */
typedef struct vt_tensor vt_tensor;       /* n-dimensional array on a device, perhaps with a gradient */
typedef struct vt_graph vt_graph;         /* a captured run of operations, to be run again */
typedef struct vt_loader vt_loader;       /* batches of pictures that are made ahead of their use */
typedef struct vt_schedule vt_schedule;   /* signal and noise of a diffusion over its time */
typedef struct vt_solver vt_solver;       /* diffusion or flow being solved, step by step */
typedef struct vt_script vt_script;       /* a sandboxed Lua state */

/* Stages that a profile tells apart (profile.h). Travels as int32_t. */
enum {
    VT_STAGE_LOAD = 0,     /* opening a model; no tokens */
    VT_STAGE_TOKENIZE = 1, /* text to ids; tokens made */
    VT_STAGE_PREFILL = 2,  /* computing more than one token of a sequence; tokens computed */
    VT_STAGE_DECODE = 3,   /* computing one token, or one of each sequence of a batch */
    VT_STAGE_SAMPLE = 4,   /* drawing the next token from logits */
    VT_STAGE_COUNT = 5     /* grows */
};

/* Lua's contract: new_size 0 frees ptr and returns NULL; otherwise NULL means "no memory" and ptr is
 * still valid. Blocks are aligned as malloc aligns. Called from any thread of the context. */
typedef void *(*vt_alloc_fn)(void *user, void *ptr, size_t old_size, size_t new_size);

/* fraction in [0, 1], or negative where the end is not known; message UTF-8, never NULL, valid during the
 * call. Called on the thread that made the long call. A non-zero answer cancels it: VT_ERR_CANCELLED. */
typedef int32_t (*vt_progress_fn)(void *user, double fraction, const char *message);

/* One whole line without its newline; may come from any thread; must not call back into the context. */
typedef void (*vt_log_fn)(void *user, int32_t level, const char *line);

enum { VT_LOG_ERROR = 1, VT_LOG_WARN = 2, VT_LOG_INFO = 3, VT_LOG_DEBUG = 4 };

#endif
