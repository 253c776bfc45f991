/* qwen2: llama with biases on queries, keys and values, and rotation of halves. qwen3: no biases, but queries and keys are normed head by
 * head before they are rotated. */
#include "llm/decoder.h"
#include "llm/load.h"

static vt_status load(vt_model *m, uint32_t parts) {
    vt_status st = vt__decoder_sizes(m, 1e-6);
    if (st == VT_OK) st = vt__load_refuse(m, "attention.sliding_window");
    return st == VT_OK ? vt__decoder_bind(m, parts, VT__ROPE_HALVES) : st;
}

static vt_status load_qwen2(vt_model *m) { return load(m, VT__PART_QKV_BIAS); }
static vt_status load_qwen3(vt_model *m) { return load(m, VT__PART_HEAD_NORM); }

const vt__arch vt__arch_qwen2 = {"qwen2", load_qwen2, vt__decoder_forward, vt__decoder_head, vt__decoder_output, vt__decoder_products};
const vt__arch vt__arch_qwen3 = {"qwen3", load_qwen3, vt__decoder_forward, vt__decoder_head, vt__decoder_output, vt__decoder_products};
