/* BODY once a type of distances, for an instruction set that has defined ISA (the suffix of its names), TILE, and for each type list_<type> and
 * list_touched_<type>. */
#include <float.h>
#include <stddef.h>
#include <stdint.h>

/* Where to fetch from while a column is gone through from object o on, which starts a tile: what comes AHEAD bytes later, in this column or the next one,
 * which may be NULL. A place that is at hand already does no harm. */
enum { AHEAD = 12 << 10 };
static inline const void *ahead_of(const void *column, const void *next, int64_t o, int64_t n, size_t size) {
    const int64_t n_tiles = (n + TILE - 1) / TILE, tile = o / TILE + AHEAD / (TILE * (int64_t)size), behind = tile - n_tiles;
    if (behind < 0) return (const char *)column + (size_t)tile * TILE * size;
    return next && behind < n_tiles ? (const char *)next + (size_t)behind * TILE * size : (const char *)column + (size_t)o * size;
}

#define VTK_MEDOID_JOIN_(x, type, isa) x##_##type##_##isa
#define VTK_MEDOID_JOIN(x, type, isa) VTK_MEDOID_JOIN_(x, type, isa)

#define T float
#define T_MAX FLT_MAX
#define S double
#define NAME(x) VTK_MEDOID_JOIN(x, f32, ISA)
#define LIST list_f32
#define LIST_TOUCHED list_touched_f32
#include BODY

#define T double
#define T_MAX DBL_MAX
#define S double
#define NAME(x) VTK_MEDOID_JOIN(x, f64, ISA)
#define LIST list_f64
#define LIST_TOUCHED list_touched_f64
#include BODY

#define T int32_t
#define T_MAX INT32_MAX
#define S int64_t
#define NAME(x) VTK_MEDOID_JOIN(x, i32, ISA)
#define LIST list_i32
#define LIST_TOUCHED list_touched_i32
#include BODY

#define T int64_t
#define T_MAX INT64_MAX
#define S int64_t
#define NAME(x) VTK_MEDOID_JOIN(x, i64, ISA)
#define LIST list_i64
#define LIST_TOUCHED list_touched_i64
#include BODY
