#include "text/sentencepiece.h"

#include <math.h>

#include "core/error.h"

const char *const vt__sentencepiece_texts[VT__SPECIAL_COUNT] = {[VT__SPECIAL_BOS] = "<s>", [VT__SPECIAL_EOS] = "</s>", [VT__SPECIAL_UNK] = "<unk>"};

static int hex(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int vt__byte_token_value(vt__span t) {
    if (t.len != 6 || memcmp(t.data, "<0x", 3) != 0 || t.data[5] != '>') return -1;
    int high = hex(t.data[3]), low = hex(t.data[4]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

void vt__byte_tokens_find(vt_tokenizer *tok, const vt__vocab *vocab, vt__byte_tokens *out) {
    for (int i = 0; i < 256; i++) out->id[i] = -1;
    out->any = 0;
    out->unk = tok->special[VT__SPECIAL_UNK];
    for (int64_t id = 0; id < tok->n_tokens; id++) {
        int byte = vocab->types && vt__token_type(tok, id) != VT__TOKEN_BYTE ? -1 : vt__byte_token_value(vt__token_text(tok, id));
        if (byte < 0) continue;
        if (!vocab->types) tok->type[id] = VT__TOKEN_BYTE;
        if (out->id[byte] < 0) out->id[byte] = (int32_t)id;
        out->any = 1;
    }
}

void vt__put_unknown(const vt__byte_tokens *bytes, vt__run *run, const char *text, size_t len, int *after_unknown) {
    for (size_t i = 0; i < len; i++) {
        int32_t id = bytes->id[(unsigned char)text[i]];
        if (id >= 0) vt__run_add_id(run, id);
        else if (bytes->unk >= 0 && !*after_unknown) vt__run_add_id(run, bytes->unk);
        *after_unknown = id < 0;
    }
}

vt_status vt__check_scores(const vt_tokenizer *tok, const vt__vocab *vocab) {
    if (!vocab->scores) return vt__fail(VT_ERR_FORMAT, "%s: a SentencePiece vocabulary without scores", vocab->name);
    for (int64_t id = 0; id < tok->n_tokens; id++)
        if (!isfinite(vocab->scores[id]))
            return vt__fail(VT_ERR_FORMAT, "%s: the score of token %lld is not finite", vocab->name, (long long)id);
    return VT_OK;
}

void vt__append_spoken(const vt_tokenizer *tok, const vt__piece_map *spoken, int32_t id, int at_start, vt__bytes *out) {
    int type = vt__token_type(tok, id);
    int byte = type == VT__TOKEN_BYTE ? vt__byte_token_value(vt__token_text(tok, id)) : -1;
    vt__span text = type == VT__TOKEN_USER ? vt__token_text(tok, id) : vt__piece_text(spoken, id);
    if (byte >= 0) {
        vt__bytes_append_byte(out, (char)byte);
        return;
    }
    size_t drop = at_start && tok->space_prefix && type != VT__TOKEN_USER && text.len > 0 && text.data[0] == ' ';
    vt__bytes_append(out, text.data + drop, text.len - drop);
}
