/* Numbers from Lua in the form that the library reads: lists, lists of lists, packed strings, tables as vt.npy returns them.
 *
 * DATA in the binding's comments is one of
 *   { {1, 2}, {3, 4} }                                      a list of rows;
 *   string.pack("<dddd", 1, 2, 3, 4)                        packed little-endian elements, with options dtype, n, dim beside it;
 *   { dtype = "f64", shape = { 2, 2 }, data = "packed" }    the same with its shape.
 * Packed elements are borrowed from the string where they are aligned. All access is raw: no script code runs while something is read. */
#ifndef VENTURI_LUA_ARRAY_H
#define VENTURI_LUA_ARRAY_H

#include <lua.h>
#include <stdint.h>

/* data [n, dim] of a VT_DTYPE_*; good as long as the value that array_read pushed with it. */
typedef struct array {
    const void *data;
    int64_t n, dim;
    int32_t dtype;
} array;

enum { ARRAY_ANY = -1 }; /* no dtype asked for */
enum { ARRAY_MATRIX = 1, ARRAY_TRIANGLE = 2, ARRAY_ROWS = 3 };

/* What DATA must be. */
typedef struct array_shape {
    int kind;       /* ARRAY_*: square; the packed lower triangle, rows { d10 }, { d20, d21 }, ... (then dim is 1 and n the objects); any rows */
    int32_t dtype;  /* wanted by the caller, or ARRAY_ANY: lists become float64 (a matrix or triangle of integers int64), packed needs one */
    int64_t n, dim; /* 0: as DATA says */
} array_shape;

/* Option 'dtype', one of the five element types of arrays: "f32", "f64", "i32", "i64", "u8"; ARRAY_ANY where it is nil. */
int32_t array_dtype(lua_State *L, int options, const char *what);
/* Name of these and of all that vt.npy reads. */
const char *array_dtype_name(int32_t dtype);

/* Reads the DATA on the top of the stack and replaces it by a value that keeps a->data alive. Raises with `what` and `key` unless the sizes fit. */
void array_read(lua_State *L, const char *what, const char *key, const array_shape *shape, array *a);
/* Pushes a block for n x dim elements, which are not set. */
void *array_new(lua_State *L, const char *what, int64_t n, int64_t dim, int32_t dtype);
/* bytes -> float32, in a new value in place of the one on the top. */
void array_widen(lua_State *L, array *a);

/* A list of numbers or packed string of this dtype on the top of the stack, replaced by what keeps the elements alive. *n: how many. */
const void *array_vector(lua_State *L, const char *what, const char *key, int32_t dtype, int64_t *n);
/* The same of an option; NULL, nothing pushed and *n = 0 where it is nil. */
const void *array_option(lua_State *L, int options, const char *what, const char *key, int32_t dtype, int64_t *n);

/* Pushes n elements as a list, n rows of dim as a list of lists. */
void array_push(lua_State *L, int32_t dtype, const void *data, int64_t n);
void array_push_rows(lua_State *L, int32_t dtype, const void *data, int64_t n, int64_t dim);

#endif
