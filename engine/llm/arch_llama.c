/* llama: Llama 2 and 3, SmolLM, TinyLlama, Mistral files and others of their shape. The converter has permuted the rows of Q and K so that
 * rotation works on neighbouring pairs. */
#include "llm/decoder.h"
#include "llm/load.h"

static vt_status load(vt_model *m) {
    vt_status st = vt__decoder_sizes(m, 1e-5);
    if (st == VT_OK) st = vt__load_refuse(m, "attention.sliding_window");
    return st == VT_OK ? vt__decoder_bind(m, 0, VT__ROPE_PAIRS) : st;
}

const vt__arch vt__arch_llama = {"llama", load, vt__decoder_forward, vt__decoder_head, vt__decoder_output, vt__decoder_products};
