#include "device/fft_library.h"

#include <stdatomic.h>

#include "core/error.h"
#include "core/keep.h"
#include "core/memory.h"
#include "core/module.h"

/* What a context chose: kept in it from the first choice to its end. */
struct choice {
    struct vt__kept kept;
    _Atomic(const vt__fftw_module *) module;
};

static const char owner; /* of choices: an address of our own */

static void drop(vt_context *ctx, struct vt__kept *kept) { vt__free(ctx, kept); }

static vt_status find_module(const vt__fftw_module **out) {
    const void *symbol = NULL;
    vt_status st = vt__module_symbol("libventuri_fftw.so", "fftw", "vt_fftw_module", &symbol);
    if (st != VT_OK) return st;
    const vt__fftw_module *module = symbol;
    if (module->version != VT__FFTW_MODULE_VERSION)
        return vt__fail(VT_ERR_UNSUPPORTED, "fft: libventuri_fftw.so is of another release (%u, need %u)", module->version, (unsigned)VT__FFTW_MODULE_VERSION);
    *out = module;
    return VT_OK;
}

vt_status vt__fft_select(vt_context *ctx, int32_t library) {
    const vt__fftw_module *module = NULL;
    if (library != VT__FFT_OWN && library != VT__FFT_FFTW) return vt__fail(VT_ERR_INVALID, "fft: library %d, need 0 (own) or 1 (FFTW)", library);
    vt_status st = library == VT__FFT_FFTW ? find_module(&module) : VT_OK;
    if (st != VT_OK) return st;
    struct choice *choice = (struct choice *)(void *)vt__keep_find(ctx, &owner, 0, 0);
    if (!choice) {
        choice = vt__calloc(ctx, sizeof *choice);
        if (!choice) return vt__fail_nomem("fft", sizeof *choice);
        choice->kept = (struct vt__kept){.owner = &owner, .free = drop, .is_pinned = 1};
        choice = (struct choice *)(void *)vt__keep_put(ctx, &choice->kept);
    }
    atomic_store(&choice->module, module);
    vt__keep_give(ctx, &choice->kept);
    return VT_OK;
}

const vt__fftw_module *vt__fft_module(vt_context *ctx) {
    struct choice *choice = (struct choice *)(void *)vt__keep_find(ctx, &owner, 0, 0);
    const vt__fftw_module *module = choice ? atomic_load(&choice->module) : NULL;
    if (choice) vt__keep_give(ctx, &choice->kept);
    return module;
}
