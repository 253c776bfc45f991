/* BODY once a type of distances, for an instruction set that has defined ISA (the suffix of its names), TILE, and for each type list_<type> and
 * list_touched_<type>. */
#define VTK_MEDOID_JOIN_(x, type, isa) x##_##type##_##isa
#define VTK_MEDOID_JOIN(x, type, isa) VTK_MEDOID_JOIN_(x, type, isa)

#define T float
#define S double
#define NAME(x) VTK_MEDOID_JOIN(x, f32, ISA)
#define LIST list_f32
#define LIST_TOUCHED list_touched_f32
#include BODY

#define T double
#define S double
#define NAME(x) VTK_MEDOID_JOIN(x, f64, ISA)
#define LIST list_f64
#define LIST_TOUCHED list_touched_f64
#include BODY

#define T int32_t
#define S int64_t
#define NAME(x) VTK_MEDOID_JOIN(x, i32, ISA)
#define LIST list_i32
#define LIST_TOUCHED list_touched_i32
#include BODY

#define T int64_t
#define S int64_t
#define NAME(x) VTK_MEDOID_JOIN(x, i64, ISA)
#define LIST list_i64
#define LIST_TOUCHED list_touched_i64
#include BODY
