/* Copyright (c) 2026 The Venturi authors. MIT licence.
 *
 * Text: tokenizers (text to ids and back, chat templates), and words for search.
 * Not here: documents (venturi/document.h), search (venturi/retrieve.h), models (venturi/llm.h). All text is UTF-8 with an explicit length. */
#ifndef VENTURI_TEXT_H
#define VENTURI_TEXT_H

#include "venturi/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- tokenizer: immutable, shareable between threads ---- */

/** Opens the vocabulary of a GGUF file (weights are not needed). Errors: VT_ERR_INVALID, VT_ERR_NOT_FOUND, VT_ERR_IO, VT_ERR_FORMAT,
 *  VT_ERR_UNSUPPORTED (tokenizer family or pre-tokenizer, named), VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_tokenizer_open(vt_context *ctx, const char *path, vt_tokenizer **out);
VT_API vt_tokenizer *vt_tokenizer_retain(vt_tokenizer *tok);
VT_API void vt_tokenizer_release(vt_tokenizer *tok);

enum {
    VT_TOKENIZE_SPECIAL = 1, /* encode: text such as "<|im_end|>" becomes its special token; decode: special tokens are written out */
    VT_TOKENIZE_ADD_BOS = 2, /* encode: put the beginning-of-sequence token ([CLS]) first, where the model's own rule asks for one */
    VT_TOKENIZE_ADD_EOS = 4, /* encode: put the end-of-sequence token ([SEP]) last, where the model's own rule asks for one */
    VT_TOKENIZE_CONTINUE = 8 /* text or ids go on from others: SentencePiece puts no space in front (encode), takes none away (decode) */
};

/**
 * Token ids of a text. Without VT_TOKENIZE_SPECIAL no text becomes a control token. A beginning-of-sequence token that the text itself begins
 * with is not put there twice, nor an end-of-sequence token that it ends with.
 *
 * What decode gives back, by family (vt_tokenizer_family):
 *   byte-level BPE      every byte, invalid UTF-8 too, but for bytes that the vocabulary has no token for: they are left out, as the model's
 *                       makers do (SmolLM2 lacks 21, among them 0x04 and 0xFF).
 *   SentencePiece BPE   the same where all bytes have tokens; U+2581 comes back as a space, which it stands for.
 *   unigram, WordPiece  not the text: both normalise (case, accents, runs of space), and characters outside the vocabulary are unknown.
 * Tokens that eat white space beside them (Phi-3's) do not give it back either.
 *
 * flags  VT_TOKENIZE_*.
 * out    buffer of int32 ids; vt_buffer_size / 4 of them.
 * Errors:  VT_ERR_INVALID, VT_ERR_LIMIT (text over 1 GiB), VT_ERR_NOMEM.
 * Cost:    O(len) words of a few tokens, O(len log len) at worst (BPE); O(len * longest token, at most 1024 bytes) (unigram, WordPiece).
 */
VT_API VT_MUST_USE vt_status vt_tokenizer_encode(const vt_tokenizer *tok, const char *text, size_t len, uint32_t flags, vt_buffer **out);

/** Text of ids, byte for byte (may end inside a code point). ids: [n] in [0, count). flags: VT_TOKENIZE_SPECIAL, VT_TOKENIZE_CONTINUE.
 *  A SentencePiece text begins with a space that encode put there: decode takes it away at the beginning, and behind special tokens that it
 *  writes out. Errors: VT_ERR_INVALID (an id out of range), VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_tokenizer_decode(const vt_tokenizer *tok, const int32_t *ids, int64_t n, uint32_t flags, vt_buffer **out);

/** Number of tokens. */
VT_API int64_t vt_tokenizer_count(const vt_tokenizer *tok);
/** Entry of the vocabulary as the file has it (byte-level alphabet, U+2581 for a space, "##"), NUL-terminated; NULL when id is out of range. Borrowed until release. */
VT_API const char *vt_tokenizer_token(const vt_tokenizer *tok, int32_t id);
/** Special ids; -1 where the model has none. WordPiece begins with [CLS] and ends with [SEP]. */
VT_API int32_t vt_tokenizer_bos(const vt_tokenizer *tok);
VT_API int32_t vt_tokenizer_eos(const vt_tokenizer *tok);

enum {
    VT_SPECIAL_BOS = 0,
    VT_SPECIAL_EOS = 1,
    VT_SPECIAL_UNK = 2,  /* stands for what the vocabulary lacks */
    VT_SPECIAL_SEP = 3,
    VT_SPECIAL_PAD = 4,
    VT_SPECIAL_CLS = 5,
    VT_SPECIAL_MASK = 6,
    VT_SPECIAL_EOT = 7,  /* end of turn */
    VT_SPECIAL_EOM = 8   /* end of message */
};
/** Id of a special token, VT_SPECIAL_*; -1 where the model has none. */
VT_API int32_t vt_tokenizer_special(const vt_tokenizer *tok, int32_t which);
/** "byte-level BPE", "SentencePiece BPE", "unigram" or "WordPiece"; "" for NULL. A constant. */
VT_API const char *vt_tokenizer_family(const vt_tokenizer *tok);
/** 1 when a model ends its answer with this token (end of sequence, of turn, of message). */
VT_API int32_t vt_tokenizer_is_eog(const vt_tokenizer *tok, int32_t id);

/* ---- decoder: ids to text as they come; one user at a time ---- */

/** flags: VT_TOKENIZE_SPECIAL; VT_TOKENIZE_CONTINUE where the ids go on from a prompt. Errors: VT_ERR_INVALID, VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_decoder_create(vt_tokenizer *tok, uint32_t flags, vt_decoder **out);
VT_API void vt_decoder_release(vt_decoder *dec);
/** Adds one id and lends the text that became complete: whole code points only; the longest beginning of a code point that is broken off, and any
 *  other bad byte, come out as one U+FFFD. *out_text borrowed until the next call on dec; *out_len may be 0.
 *  Errors: VT_ERR_INVALID, VT_ERR_NOMEM; the id was not taken then. */
VT_API VT_MUST_USE vt_status vt_decoder_push(vt_decoder *dec, int32_t id, const char **out_text, size_t *out_len);
/** Stop strings, in place of those set before: texts [n], n <= 64, NUL-terminated UTF-8 of 1 to 1024 bytes, copied. Text that one of them may begin
 *  with is held back until it is clear; the string itself and what follows are never lent. They may lie across tokens. Errors: VT_ERR_INVALID,
 *  VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_decoder_set_stops(vt_decoder *dec, const char *const *texts, int64_t n);
/** Number of the stop string that was met first, -1: none yet. It stays until the first id after vt_decoder_finish. */
VT_API int64_t vt_decoder_stopped(const vt_decoder *dec);
/** Lends what is left (an unfinished code point as U+FFFD) and starts afresh. Errors: VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_decoder_finish(vt_decoder *dec, const char **out_text, size_t *out_len);

/* ---- chat ---- */

typedef struct vt_chat_message {
    const char *role;    /* "system", "user", "assistant"; NUL-terminated */
    const char *content; /* content_len bytes of UTF-8 */
    size_t content_len;
} vt_chat_message;

enum { VT_CHAT_ADD_PROMPT = 1 }; /* end with the opening of the assistant's turn */

/**
 * Messages as the model was trained to see them, by the chat template of its file.
 *
 * messages  [n], n >= 1. A system message of the template's own comes first where the template says so and the first message is none.
 *           A role is a word: letters, '_' and '-', at most 64.
 * out       text; encode it with VT_TOKENIZE_SPECIAL.
 * Content cannot end its turn or begin another: each special token in it, "<|im_end|>" say, gets a space after its first character
 * ("< |im_end|>") and so stays text. Nothing else is changed.
 * Errors:  VT_ERR_INVALID (a role; a special token of one character in a content), VT_ERR_UNSUPPORTED (no template, or one that is not ChatML;
 *          other templates come with a renderer), VT_ERR_NOMEM.
 */
VT_API VT_MUST_USE vt_status vt_chat_render(const vt_tokenizer *tok, const vt_chat_message *messages, int64_t n, uint32_t flags, vt_buffer **out);

/** Chat template of the model's file (Jinja), *out_len bytes of UTF-8, not NUL-terminated; NULL and 0 where it has none. Borrowed until release.
 *  Lua renders any template (docs/manual/chat-templates.md); vt_chat_render those that are ChatML. */
VT_API const char *vt_chat_template(const vt_tokenizer *tok, size_t *out_len);
/** A text with its special tokens taken apart, as vt_chat_render does it with contents: for hosts that put prompts together by themselves.
 *  Errors: VT_ERR_INVALID (a special token of one character), VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_chat_plain(const vt_tokenizer *tok, const char *text, size_t len, vt_buffer **out);

/* ---- words ---- */

/** Words of a text for lexical search: runs of letters, marks and digits after NFKC case folding (Unicode), one a line ('\n' after each).
 *  A run of more than 255 bytes is cut into several; bytes that are not UTF-8 end a word.
 *  Errors: VT_ERR_INVALID, VT_ERR_LIMIT (over 64 MiB), VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_text_words(vt_context *ctx, const char *text, size_t len, vt_buffer **out);

#ifdef __cplusplus
}
#endif
#endif
