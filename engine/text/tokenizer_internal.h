/* What the tokenizer's files share: the vocabulary's tables, and the table of functions of a family. A new family is one file with such a
 * table and a line in tokenizer.c. */
#ifndef VENTURI_TEXT_TOKENIZER_INTERNAL_H
#define VENTURI_TEXT_TOKENIZER_INTERNAL_H

#include <stdatomic.h>
#include <string.h>

#include "core/memory.h"
#include "text/special.h"
#include "text/tokenizer.h"

/* One call of encode or pieces: what it has found, and working memory of the family. */
typedef struct vt__run {
    vt_context *ctx;
    int want_pieces; /* byte ranges instead of ids */
    int at_start;    /* what the family is given begins the text or follows a special token */
    const char *text;
    vt__bytes out;   /* int32 ids, or pairs of int64 offsets into text */
    void *scratch;   /* the family's, NULL at first */
} vt__run;

static inline void vt__run_add_id(vt__run *run, int32_t id) { vt__bytes_append(&run->out, &id, sizeof id); }
static inline void vt__run_add_piece(vt__run *run, const char *begin, size_t len) {
    int64_t range[2] = {begin - run->text, begin - run->text + (int64_t)len};
    vt__bytes_append(&run->out, range, sizeof range);
}

typedef struct vt__family {
    const char *name;  /* tokenizer.ggml.model */
    const char *title; /* for people */
    int add_bos, add_eos; /* what the makers of the family do where a file does not say */
    const char *unknown_text;        /* how an unknown token is written out; NULL: by its own text */
    const char *const *special_text; /* [VT__SPECIAL_COUNT] texts of special tokens whose ids a file may leave out; NULL: none */
    vt_status (*create)(vt_tokenizer *tok, const vt__vocab *vocab, void **out_state); /* *out_state may be half built on failure */
    void (*destroy)(vt_context *ctx, void *state);
    vt_status (*encode)(const vt_tokenizer *tok, vt__run *run, const char *text, size_t len); /* text without special tokens */
    void (*end_run)(vt_context *ctx, void *scratch);
    void (*append)(const vt_tokenizer *tok, int32_t id, int at_start, vt__bytes *out); /* bytes of a token that is not special */
} vt__family;

extern const vt__family vt__family_bpe;       /* bpe.c */
extern const vt__family vt__family_spm;       /* spm.c */
extern const vt__family vt__family_unigram;   /* unigram.c */
extern const vt__family vt__family_wordpiece; /* wordpiece.c */

struct vt_tokenizer {
    atomic_int refs;
    vt_context *ctx;
    const vt__family *family;
    void *state;    /* the family's */
    int64_t n_tokens;
    char *pool;     /* texts, each with a NUL behind */
    size_t *start;  /* [n_tokens + 1] offsets into pool; the length of text i is start[i + 1] - start[i] - 1 */
    uint8_t *type;  /* [n_tokens] VT__TOKEN_*, and VT__TYPE_* */
    vt__specials specials;
    int32_t special[VT__SPECIAL_COUNT];
    int add_bos, add_eos;
    int space_prefix; /* text that begins, or follows a special token, has a space in front that is not its own */
    char *chat_template; /* NULL: none */
    size_t chat_template_len;
    _Atomic(struct vt__token_trie *) trie; /* token_trie.h; NULL until somebody asks for it */
};

/* A name out of a file, fit for a message. */
enum { VT__SHOWN = 40 };
const char *vt__span_show(vt__span s, char out[VT__SHOWN]);

enum { VT__TYPE_EOG = 0x80, VT__TYPE_STRIP_LEFT = 0x40, VT__TYPE_STRIP_RIGHT = 0x20, VT__TYPE_MASK = 0x1F };

static inline vt__span vt__token_text(const vt_tokenizer *tok, int64_t id) {
    return (vt__span){.data = tok->pool + tok->start[id], .len = tok->start[id + 1] - tok->start[id] - 1};
}
static inline int vt__token_type(const vt_tokenizer *tok, int64_t id) { return tok->type[id] & VT__TYPE_MASK; }
static inline int vt__token_is_special(const vt_tokenizer *tok, int64_t id) {
    int type = vt__token_type(tok, id);
    return type == VT__TOKEN_CONTROL || type == VT__TOKEN_UNKNOWN;
}

#endif
