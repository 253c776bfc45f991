/* Copyright (c) 2026 The Venturi authors. MIT licence.
 *
 * Scripts: a Lua 5.4 state in a sandbox, with the whole library as `require "venturi"`. Any host calls any Lua function with MessagePack
 * values. The interpreter is a module of its own (libventuri_lua.so), loaded at the first create, so that a host's own Lua is not touched. */
#ifndef VENTURI_SCRIPT_H
#define VENTURI_SCRIPT_H

#include "venturi/types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct vt_script_options {
    uint32_t struct_size;       /* set by VT_STRUCT_INIT */
    uint32_t flags;             /* VT_SCRIPT_* */
    uint64_t memory_limit;      /* bytes of Lua objects and of tensors together; 0: 256 MiB */
    uint64_t instruction_limit; /* virtual machine instructions of a load or call, work inside library functions counted in like units; 0: no limit */
    int64_t time_limit_ms;      /* wall clock of a load or call, model runs that it starts included; 0: no limit */
    vt_cancel *cancel;          /* ends a running call; retained; may be NULL */
    vt_folder *folder;          /* what the script may read as `vt.folder()`; retained; NULL: nothing */
    vt_progress_fn print;       /* receives each line that the script prints as message (fraction -1); non-zero cancels; NULL: print is silent */
    void *print_user;
} vt_script_options;

enum {
    VT_SCRIPT_ALLOW_MODELS = 1, /* may open models, tokenizers and indexes by path */
    VT_SCRIPT_ALLOW_WRITE = 2   /* may create and commit index files by path */
};

/** New state with reference count 1. Errors: VT_ERR_INVALID, VT_ERR_UNSUPPORTED (the Lua module is missing, or belongs to another copy of the
 *  library), VT_ERR_NOMEM. One user at a time; it may be a different thread each time. */
VT_API VT_MUST_USE vt_status vt_script_create(vt_context *ctx, const vt_script_options *opt, vt_script **out);
VT_API vt_script *vt_script_retain(vt_script *script);
VT_API void vt_script_release(vt_script *script);

/** Compiles source text (never bytecode) and runs it. Functions that it makes global, or returns in a table, can be called. name is for messages, and
 *  what the text returns is `require`d by it without folder and ".lua". One call at a time: VT_ERR_STATE from inside a callback of the same script.
 *  Errors: VT_ERR_FORMAT (syntax, with line), VT_ERR_LIMIT (instructions or time), VT_ERR_CANCELLED, VT_ERR_NOMEM (memory limit too), the code of a
 *  failed library call, else VT_ERR_STATE for an error raised by the script; the message carries its text and position. */
VT_API VT_MUST_USE vt_status vt_script_load(vt_script *script, const char *name, const char *text, size_t len);

/**
 * Calls a function by name.
 *
 * function  NUL-terminated; dots reach into tables ("rag.ask").
 * args      one MessagePack array of the arguments, or NULL with size 0 for none. Checked before it is read: depth 64, counts within the bytes.
 * out       one MessagePack array of the results; NULL if not wanted.
 * Errors:  VT_ERR_NOT_FOUND (no such function), VT_ERR_FORMAT (args), VT_ERR_UNSUPPORTED (a result that has no MessagePack form, or an argument that
 *          has none in Lua: extensions, integers over 2^63-1), VT_ERR_LIMIT (a result nested deeper than 64), and those of load.
 * A script that hit a limit can be called again: limits count anew.
 */
VT_API VT_MUST_USE vt_status vt_script_call(vt_script *script, const char *function, const void *args, size_t size, vt_buffer **out);

/** Bytes of Lua objects and of tensors alive; what the script has dropped counts until it is collected, at the latest when it is needed. */
VT_API uint64_t vt_script_memory(const vt_script *script);

#ifdef __cplusplus
}
#endif
#endif
