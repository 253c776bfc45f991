/* What the files of the binding know of each other: the boxes that more than one of them takes as an argument, and where each
 * puts its functions into the module table. Not here: the box pattern itself (box.h). */
#ifndef VENTURI_LUA_BIND_H
#define VENTURI_LUA_BIND_H

#include "box.h"

extern const box_type bind_tokenizer;
extern const box_type bind_folder_box;
extern const box_type bind_kv_pool;
extern const box_type bind_sampler;

/* The body of model:kv{...}: options at index 2; pushes the box. */
int bind_kv_new(lua_State *L, vt_model *model);
/* Pushes the list of { id, logit } of a buffer of (int32, float32) pairs. */
void bind_push_pairs(lua_State *L, const vt_buffer *buffer);

/* Each adds its functions to the module table on the top of the stack, and leaves it there. */
void bind_context(lua_State *L);
void bind_folder(lua_State *L);
void bind_format(lua_State *L);
void bind_text(lua_State *L);
void bind_document(lua_State *L);
void bind_sample(lua_State *L);
void bind_kv(lua_State *L);
void bind_llm(lua_State *L);
void bind_retrieve(lua_State *L);
void bind_script(lua_State *L);
void bind_experimental(lua_State *L);

#endif
