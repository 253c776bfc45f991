/* What the files of the binding know of each other: the boxes that more than one of them takes as an argument, and where each
 * puts its functions into the module table. Not here: the box pattern itself (box.h). */
#ifndef VENTURI_LUA_BIND_H
#define VENTURI_LUA_BIND_H

#include <stdint.h>

#include "box.h"
#include "callback.h"

extern const box_type bind_tokenizer;
extern const box_type bind_folder_box;
extern const box_type bind_model;
extern const box_type bind_session;
extern const box_type bind_kv_pool;
extern const box_type bind_graph_box;
extern const box_type bind_distance_box;
extern const box_type bind_sampler;

/* What the binding knows of a distance beside its handle: user value 1 of the distance's box and of each clustering made with it. Its own user
 * value 1 is what must stay alive as long as they do: the numbers, or the Lua function. */
typedef struct bind_distance_facts {
    callback caller; /* of a Lua function */
    int is_callback;
    int32_t dtype;   /* of the rows; -1: not made of dense rows */
    int64_t dim;     /* of the rows */
    uint64_t cost;   /* of one distance, in 64ths of a step */
} bind_distance_facts;

/* A distance during a library call. Its function can close it meanwhile: the handle is held. */
typedef struct bind_distance_use {
    vt_distance *handle;
    bind_distance_facts *facts;
} bind_distance_use;

/* Around a library call on the distance at `arg`. begin may push values; from there to end nothing may be raised. Then bind_distance_ok raises what
 * the function raised, or the status. */
bind_distance_use bind_distance_begin(lua_State *L, int arg);
void bind_distance_end(bind_distance_use *use);
void bind_distance_ok(lua_State *L, const bind_distance_use *use, vt_status st);
/* Facts of the box at `arg`, a distance's or a clustering's. */
bind_distance_facts *bind_distance_facts_of(lua_State *L, int arg);
/* Books n distances of this kind. */
void bind_distance_charge(lua_State *L, const bind_distance_facts *facts, uint64_t n);

/* Methods of a distance that venturi/cluster.h has. */
int bind_cluster_kmedoids(lua_State *L);
int bind_cluster_silhouette(lua_State *L);
int bind_cluster_medoid_silhouette(lua_State *L);

/* The body of model:kv{...}: options at index 2; pushes the box. */
int bind_kv_new(lua_State *L, vt_model *model);
/* The body of model:batch{...}: options at index 2; pushes the box. */
int bind_batch_new(lua_State *L, vt_model *model);
/* Pushes the list of { id, logit } of a buffer of (int32, float32) pairs. */
void bind_push_pairs(lua_State *L, const vt_buffer *buffer);

/* What of the cache's codec goes into vt.experimental. */
extern const luaL_Reg bind_codec_functions[];

/* Each adds its functions to the module table on the top of the stack, and leaves it there. */
void bind_context(lua_State *L);
void bind_folder(lua_State *L);
void bind_format(lua_State *L);
void bind_graph(lua_State *L);
void bind_text(lua_State *L);
void bind_document(lua_State *L);
void bind_encode(lua_State *L);
void bind_sample(lua_State *L);
void bind_kv(lua_State *L);
void bind_kv_codec(lua_State *L);
void bind_llm(lua_State *L);
void bind_batch(lua_State *L);
void bind_quantize(lua_State *L);
void bind_loader(lua_State *L);
void bind_solver(lua_State *L);
void bind_media(lua_State *L);
void bind_mixture(lua_State *L);
void bind_ot(lua_State *L);
void bind_profile(lua_State *L);
void bind_retrieve(lua_State *L);
void bind_distance(lua_State *L);
void bind_cluster(lua_State *L);
void bind_script(lua_State *L);
void bind_tensor(lua_State *L);
void bind_experimental(lua_State *L);

#endif
