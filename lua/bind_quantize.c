/* Lua face of vt_model_quantize. */
#include "bind.h"
#include "callback.h"
#include "capability.h"
#include "venturi/llm.h"

/* In the order of codes. */
static const char *const TYPES[] = {"f32", "f16", "bf16", "q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q2_k", "q3_k", "q4_k", "q5_k", "q6_k", NULL};
static const int32_t codes[] = {VT_DTYPE_F32, VT_DTYPE_F16, VT_DTYPE_BF16, VT_DTYPE_Q4_0, VT_DTYPE_Q4_1, VT_DTYPE_Q5_0, VT_DTYPE_Q5_1,
    VT_DTYPE_Q8_0, VT_DTYPE_Q2_K, VT_DTYPE_Q3_K, VT_DTYPE_Q4_K, VT_DTYPE_Q5_K, VT_DTYPE_Q6_K};

/* vt.quantize(input, output, { type = "q8_0", pure = false, progress = function(fraction, tensor) -> true to cancel }) */
static int quantize(lua_State *L) {
    static const char *const known[] = {"type", "pure", "progress", NULL};
    static const char what[] = "quantize";
    callback progress = {0};
    const char *input = luaL_checkstring(L, 1), *output = luaL_checkstring(L, 2);
    const vt__capability *cap = vt__capability_need(L, VT__CAN_MODELS | VT__CAN_WRITE, "vt.quantize");
    vt_quantize_options opt = VT_STRUCT_INIT(vt_quantize_options);
    lua_settop(L, 3);
    luaL_checktype(L, 3, LUA_TTABLE);
    box_options(L, 3, what, known);
    int32_t type = box_choice(L, 3, what, "type", TYPES, -1);
    if (type < 0) box_raise(L, VT_ERR_INVALID, "quantize: option 'type' is missing");
    if (box_boolean(L, 3, what, "pure", 0)) opt.flags |= VT_QUANTIZE_PURE;
    opt.cancel = cap->cancel;
    if (box_field(L, 3, "progress")) {
        if (!lua_isfunction(L, -1)) box_raise(L, VT_ERR_INVALID, "quantize: option 'progress' must be a function, got %s", luaL_typename(L, -1));
        callback_begin(L, &progress);
        opt.progress = callback_progress;
        opt.progress_user = &progress;
    }
    vt_status st = vt_model_quantize(cap->ctx, input, output, codes[type], &opt);
    callback_end(&progress);
    callback_raise(L, &progress);
    box_ok(L, st);
    return 0;
}

void bind_quantize(lua_State *L) {
    lua_pushcfunction(L, quantize);
    lua_setfield(L, -2, "quantize");
}
