/* Any bytes as the parameters of a mixture; what parses is asked for a prediction. */
#include "venturi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { MOST_DIM = 256 };
    vt_context_options o = VT_STRUCT_INIT(vt_context_options);
    vt_context *ctx = NULL;
    vt_mixture *m = NULL;
    o.memory_limit = 1 << 26;
    o.n_threads = 1;
    if (vt_context_create(&o, &ctx) == VT_OK && vt_mixture_parse(ctx, (const char *)data, size, NULL, &m) == VT_OK && vt_mixture_dim(m) <= MOST_DIM) {
        double x[MOST_DIM] = {0}, out[MOST_DIM], alpha = 0.5, sigma = 0.5;
        vt_mixture_rows r = VT_STRUCT_INIT(vt_mixture_rows);
        r.flags = VT_MIXTURE_ONE_LEVEL;
        r.n = 1, r.x = x, r.alpha = &alpha, r.sigma = &sigma;
        if (vt_mixture_predict(m, &r, VT_PREDICT_EPS, out) != VT_OK) out[0] = 0;
    }
    vt_mixture_release(m);
    vt_context_release(ctx);
    return 0;
}
