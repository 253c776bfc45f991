/* What both families of SentencePiece share: the vocabulary as it is spoken, byte tokens, and how unknown characters come out. */
#ifndef VENTURI_TEXT_SENTENCEPIECE_H
#define VENTURI_TEXT_SENTENCEPIECE_H

#include "text/piece_map.h"
#include "text/tokenizer_internal.h"

typedef struct vt__byte_tokens {
    int32_t id[256]; /* -1: none */
    int any;
    int32_t unk;     /* -1: none */
} vt__byte_tokens;

/* Finds tokens of the form <0x0A>: those of type byte, or any where the file has no types (they become of type byte). */
void vt__byte_tokens_find(vt_tokenizer *tok, const vt__vocab *vocab, vt__byte_tokens *out);
/* The byte that such a token stands for, -1: it is none. */
int vt__byte_token_value(vt__span text);

/* Puts out characters that no token has: byte by byte, or as one unknown token for a run of them. *after_unknown: the last id was put out so;
 * whoever puts out another id resets it. What the vocabulary has neither for is left out. */
void vt__put_unknown(const vt__byte_tokens *bytes, vt__run *run, const char *text, size_t len, int *after_unknown);

/* Scores are needed, and must be finite. Errors: FORMAT. */
vt_status vt__check_scores(const vt_tokenizer *tok, const vt__vocab *vocab);

/* Bytes of a token that is not special: a byte token's, or its text as it is spoken, without the space that encoding puts in front. */
void vt__append_spoken(const vt_tokenizer *tok, const vt__piece_map *spoken, int32_t id, int at_start, vt__bytes *out);

/* "<s>", "</s>", "<unk>"; [VT__SPECIAL_COUNT]. */
extern const char *const vt__sentencepiece_texts[];
/* How SentencePiece writes an unknown token. */
#define VT__SENTENCEPIECE_UNKNOWN " \xE2\x81\x87 "

#endif
