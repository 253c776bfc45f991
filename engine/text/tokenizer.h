/* Tokenizers: text to ids and back. A tokenizer is made from plain arrays; where they come from is llm's business (llm/vocab_gguf.h). */
#ifndef VENTURI_TEXT_TOKENIZER_H
#define VENTURI_TEXT_TOKENIZER_H

#include "core/buffer.h"
#include "venturi/types.h"

typedef struct vt__span {
    const char *data; /* not NUL-terminated */
    size_t len;
} vt__span;

enum { /* kinds of tokens, numbered as in model files */
    VT__TOKEN_UNDEFINED, VT__TOKEN_NORMAL, VT__TOKEN_UNKNOWN, VT__TOKEN_CONTROL, VT__TOKEN_USER, VT__TOKEN_UNUSED, VT__TOKEN_BYTE
};

enum { /* ids of special tokens, numbered as in the public header */
    VT__SPECIAL_BOS, VT__SPECIAL_EOS, VT__SPECIAL_UNK, VT__SPECIAL_SEP, VT__SPECIAL_PAD, VT__SPECIAL_CLS, VT__SPECIAL_MASK, VT__SPECIAL_EOT,
    VT__SPECIAL_EOM, VT__SPECIAL_COUNT
};

enum { /* white space that a special token eats with itself */
    VT__STRIP_LEFT = 1, VT__STRIP_RIGHT = 2
};

enum { /* what WordPiece does to a text before it looks for pieces */
    VT__WORDPIECE_LOWERCASE = 1,
    VT__WORDPIECE_STRIP_ACCENTS = 2, /* canonical decomposition, then no non-spacing marks */
    VT__WORDPIECE_IDEOGRAPHS = 4,    /* each Han character is a word */
    VT__WORDPIECE_CLEAN = 8,         /* control characters go before white space is looked at: \v and \f join words then */
    VT__WORDPIECE_HASHES = 16        /* pieces inside a word are written "##x", others as they are; not: others begin with U+2581 */
};

/* A vocabulary: read during vt__tokenizer_create, not kept. */
typedef struct vt__vocab {
    const char *name; /* where it is from, for messages */
    vt__span family;  /* "gpt2": byte-level BPE; "llama": SentencePiece BPE; "t5": unigram; "bert": WordPiece */
    vt__span pre;     /* pre-tokenizer, "" when the file names none */
    int64_t n_tokens;
    const vt__span *tokens;
    const int32_t *types; /* VT__TOKEN_*; NULL: all normal */
    int64_t n_merges;
    const vt__span *merges; /* "A B", best first */
    const float *scores;    /* [n_tokens]; NULL: none. SentencePiece needs them */
    const uint8_t *strips;  /* [n_tokens] VT__STRIP_*; NULL: none */
    int32_t special[VT__SPECIAL_COUNT]; /* checked to be in [0, n_tokens), or -1 */
    int add_bos, add_eos;   /* -1: as the family does */
    int no_space_prefix;    /* SentencePiece: text that begins, or follows a special token, gets no space in front */
    int keep_spaces;        /* unigram: runs of spaces are not merged */
    vt__span charsmap;      /* unigram: compiled normalisation rules, data NULL: none */
    uint32_t wordpiece_flags; /* VT__WORDPIECE_* */
    int64_t max_word;       /* WordPiece: code points, longer words are unknown; 0: no limit */
    vt__span chat_template; /* data NULL: none */
} vt__vocab;

/* Errors: FORMAT, UNSUPPORTED (family, pre-tokenizer; named), NOMEM. */
vt_status vt__tokenizer_create(vt_context *ctx, const vt__vocab *vocab, vt_tokenizer **out);
vt_tokenizer *vt__tokenizer_retain(vt_tokenizer *tok);
void vt__tokenizer_release(vt_tokenizer *tok);

/* A WordPiece vocabulary as files beside safetensors have it ("##x" inside words). */
typedef struct vt__wordpiece {
    const char *name;
    int64_t n_tokens;
    const vt__span *tokens;
    uint32_t flags;   /* VT__WORDPIECE_*; BERT's own: all of them if uncased, IDEOGRAPHS | CLEAN if cased */
    int64_t max_word; /* code points; BERT's own: 100; 0: no limit */
    int32_t special[VT__SPECIAL_COUNT]; /* UNK, SEP, PAD, CLS, MASK; -1: the token "[UNK]", "[SEP]", ... where there is one */
} vt__wordpiece;

/* Reads p during the call only. VT__TOKENIZE_ADD_BOS and _ADD_EOS put [CLS] first and [SEP] last. Errors: FORMAT, LIMIT, NOMEM. */
vt_status vt__tokenizer_wordpiece(vt_context *ctx, const vt__wordpiece *p, vt_tokenizer **out);

enum { /* flags of the public header */
    VT__TOKENIZE_SPECIAL = 1,
    VT__TOKENIZE_ADD_BOS = 2,
    VT__TOKENIZE_ADD_EOS = 4,
    VT__TOKENIZE_CONTINUE = 8
};

vt_status vt__tokenizer_encode(const vt_tokenizer *tok, const char *text, size_t len, uint32_t flags, vt_buffer **out);
vt_status vt__tokenizer_pieces(const vt_tokenizer *tok, const char *text, size_t len, uint32_t flags, vt_buffer **out);
vt_status vt__tokenizer_decode(const vt_tokenizer *tok, const int32_t *ids, int64_t n, uint32_t flags, vt_buffer **out);
/* Appends the bytes of one token. *at_start: whether a text begins here, so that a first space is none of its own; set for the next token.
 * Errors: INVALID (id out of range); failing to append is left in `out`. */
vt_status vt__tokenizer_append(const vt_tokenizer *tok, int32_t id, uint32_t flags, int *at_start, vt__bytes *out);

vt_context *vt__tokenizer_context(const vt_tokenizer *tok); /* borrowed */
int64_t vt__tokenizer_count(const vt_tokenizer *tok);
const char *vt__tokenizer_token(const vt_tokenizer *tok, int32_t id); /* NULL when out of range */
int32_t vt__tokenizer_bos(const vt_tokenizer *tok);
int32_t vt__tokenizer_eos(const vt_tokenizer *tok);
int32_t vt__tokenizer_special(const vt_tokenizer *tok, int32_t which); /* VT__SPECIAL_*; -1: none */
const char *vt__tokenizer_family(const vt_tokenizer *tok);             /* for people: "byte-level BPE" */
int32_t vt__tokenizer_is_eog(const vt_tokenizer *tok, int32_t id);

/* One user at a time. */
vt_status vt__decoder_create(vt_tokenizer *tok, uint32_t flags, vt_decoder **out);
void vt__decoder_release(vt_decoder *dec);
vt_status vt__decoder_push(vt_decoder *dec, int32_t id, const char **out_text, size_t *out_len);
/* Stop strings: see venturi/text.h. */
vt_status vt__decoder_set_stops(vt_decoder *dec, const char *const *texts, int64_t n);
int64_t vt__decoder_stopped(const vt_decoder *dec);
vt_status vt__decoder_finish(vt_decoder *dec, const char **out_text, size_t *out_len);

typedef struct vt__chat_message {
    const char *role;
    const char *content;
    size_t content_len;
} vt__chat_message;

vt_status vt__chat_render(const vt_tokenizer *tok, const vt__chat_message *messages, int64_t n, int add_prompt, vt_buffer **out);
const char *vt__chat_template(const vt_tokenizer *tok, size_t *out_len); /* not NUL-terminated; NULL: none */
/* A text with its special tokens taken apart. Errors: INVALID (one of a single character), NOMEM. */
vt_status vt__chat_plain(const vt_tokenizer *tok, const char *text, size_t len, vt_buffer **out);

#endif
