/* What the files that bind venturi/tensor.h know of each other. A tensor is a box; its metatable has one method for every operation of the table, made
 * when the module is opened (bind_tensor_op.c), indexing (bind_tensor_index.c), text (bind_tensor_print.c), what the other files of the family put
 * into it, and the properties that bind_tensor.c lists. */
#ifndef VENTURI_LUA_BIND_TENSOR_H
#define VENTURI_LUA_BIND_TENSOR_H

#include <stdint.h>

#include "box.h"
#include "venturi/tensor.h"

extern const box_type bind_tensor_box;

vt_tensor *bind_tensor_check(lua_State *L, int arg);
/* NULL where the value at index is no tensor; raises on a closed one. */
vt_tensor *bind_tensor_test(lua_State *L, int index);
/* Pushes an empty box; its handle is put into it once the library has made it. */
box *bind_tensor_push(lua_State *L);
/* Extents from consecutive integers at first..last or one list at first, at most VT_MAX_DIMS; returns how many. */
int32_t bind_tensor_shape(lua_State *L, const char *what, int first, int last, int64_t *shape);
/* Value of a name such as "f32"; raises DTYPE. */
int32_t bind_tensor_dtype(lua_State *L, const char *what, const char *name);
int bind_dtype_is_float(int32_t dtype);
int bind_dtype_is_complex(int32_t dtype);

/* Writes the Lua value at index as element i of data, an array of dtype (not f16 or bf16); raises for what is no such number. */
void bind_element_set(lua_State *L, const char *what, int32_t dtype, void *data, int64_t i, int index);
/* Pushes element i: a number, a boolean, or { re, im }. */
void bind_element_push(lua_State *L, int32_t dtype, const void *data, int64_t i);
/* Pushes a userdata with all elements of the tensor in row-major order, f16 and bf16 as f32; *dtype: what they are. */
void *bind_tensor_elements(lua_State *L, vt_tensor *t, int32_t *dtype);

/* Pushes the box of a new tensor of the given type without dimensions whose element is the number or boolean at index, on the device of like. */
void bind_tensor_scalar(lua_State *L, int index, const char *what, int32_t dtype, int32_t device);
/* The same where the number is the value of a variable. */
void bind_tensor_variable(lua_State *L, int index, const char *variable, int32_t dtype, int32_t device);
/* Pushes the box of the tensor cast to dtype. */
void bind_tensor_cast(lua_State *L, vt_tensor *t, int32_t dtype);
/* Runs an operation that is there by name: one input, one result, whose box is pushed. attrs as vt_op_run has them. */
void bind_tensor_run(lua_State *L, const char *name, vt_tensor *const *in, int32_t n_in, const vt_attr *attrs, int32_t n_attrs);
/* Name of the variable (vt.var) at index, whose value is pushed; NULL and nothing pushed where it is none. The name lives as long as the variable. */
const char *bind_var_test(lua_State *L, int index);
/* Number of an operation, -1 where there is none. */
int32_t bind_tensor_find(const char *name);

/* Pushes the value at index, a tensor, number or boolean, as a tensor of the type and device of `like`, expanded to the extents; raises SHAPE naming both
 * where it does not fit. */
vt_tensor *bind_tensor_push_value(lua_State *L, int index, const vt_tensor *like, const int64_t *shape, int32_t n_dims);
/* Pushes the places of t that a tensor names; writes the value at index `value` to them. */
void bind_tensor_pick(lua_State *L, vt_tensor *t, vt_tensor *by);
void bind_tensor_put(lua_State *L, vt_tensor *t, vt_tensor *by, int value);

/* Pushes a property and returns 1; 0 where there is none of this name. Setting it: the value is at index `value`. */
int bind_tensor_property(lua_State *L, vt_tensor *t, const char *name);
int bind_tensor_set_property(lua_State *L, vt_tensor *t, const char *name, int value);
/* __index and __newindex; upvalue 1: the table of methods. */
int bind_tensor_index(lua_State *L);
int bind_tensor_newindex(lua_State *L);
int bind_tensor_pairs(lua_State *L);
int bind_tensor_split(lua_State *L);
int bind_tensor_tostring(lua_State *L);

/* Each adds to the module table at the top of the stack, and to the method table below it. */
void bind_tensor_make(lua_State *L);
void bind_tensor_file(lua_State *L);
void bind_tensor_ops(lua_State *L);
void bind_autograd(lua_State *L);

#endif
