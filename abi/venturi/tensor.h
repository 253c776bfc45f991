/* Copyright (c) 2026 The Venturi authors. MIT licence.
 *
 * Tensors: n-dimensional arrays on a device, operations on them by name, and gradients by a tape.
 *
 * Up to 8 dimensions, row-major unless strides say otherwise, types f64 f32 f16 bf16 i64 i32 i8 u8 bool c64 c128. Operations broadcast as NumPy's do
 * (aligned at the right, an extent of 1 fits all). Types are promoted to the later kind of bool < integers < floats < complex, and within a kind to the
 * wider one; f16 with bf16 gives f32, i8 with u8 gives i32, f64 with c64 gives c128. Extents of 0 and tensors without dimensions are fine.
 *
 * Conversions between types: floats are rounded to the nearest, ties to even (f16 and bf16 from and to other types by way of f32); what does not fit
 * becomes infinite. From a float to an integer the fraction is cut off; beyond the range the least or greatest integer is taken, for NaN 0. From an integer
 * to a smaller one the low bits stay. Whatever is not 0 is true. Complex to real is refused (real, abs).
 * Arithmetic of integers wraps around; division by 0 gives 0 and its remainder the dividend; bools are 0 and 1 of type i64 in arithmetic, and stay
 * bools in comparisons, logic, bits, maximum and minimum.
 *
 * What operations there are, and their attributes, is in the generated reference and can be asked for (vt_op_describe).
 *
 * Threads: a tensor is one thread's at a time as soon as it is written to or requires a gradient; others may be read by many. Recording is a thread's
 * own setting. Everything that one tape joins is one thread's at a time. Tensors of one context may be used side by side on many threads. */
#ifndef VENTURI_TENSOR_H
#define VENTURI_TENSOR_H

#include "venturi/types.h"

enum { VT_MAX_DIMS = 8, VT_OP_MAX_OUTPUTS = 4 };

/* Devices. Travels as int32_t. */
enum { VT_DEVICE_CPU = 0 };

/**
 * A tensor of n_dims extents shape [n_dims], every byte 0.
 *
 * Errors:  NOMEM, SHAPE (a negative extent, more than 8 of them, too many elements), DTYPE, DEVICE.
 */
VT_API VT_MUST_USE vt_status vt_tensor_create(vt_context *ctx, int32_t dtype, const int64_t *shape, int32_t n_dims, int32_t device, vt_tensor **out);

/**
 * A tensor over the caller's memory, without a copy: on the CPU, data the address of element [0, ..., 0].
 *
 * data      size bytes, at least those that extents and strides reach; aligned for the type.
 * strides   [n_dims] in elements, none negative; NULL: row-major.
 * release   called once with user when the last handle that shares the memory is gone (any thread); not on failure. NULL: the caller keeps the memory alive.
 * flags     VT_TENSOR_READ_ONLY: writing is refused (STATE).
 *
 * Errors:  NOMEM, SHAPE, DTYPE, INVALID (alignment, unknown flags).
 */
enum { VT_TENSOR_READ_ONLY = 1 };
typedef void (*vt_release_fn)(void *user);
VT_API VT_MUST_USE vt_status vt_tensor_create_view(vt_context *ctx, int32_t dtype, const int64_t *shape, int32_t n_dims, const int64_t *strides, void *data,
                                                   size_t size, uint32_t flags, vt_release_fn release, void *user, vt_tensor **out);
VT_API vt_tensor *vt_tensor_retain(vt_tensor *tensor);
VT_API void vt_tensor_release(vt_tensor *tensor);

/** VT_DTYPE_*; -1 for NULL. */
VT_API int32_t vt_tensor_dtype(const vt_tensor *tensor);
/** 0 to 8; 0 for NULL. */
VT_API int32_t vt_tensor_n_dims(const vt_tensor *tensor);
/** Extents [n_dims], borrowed; NULL for NULL. */
VT_API const int64_t *vt_tensor_shape(const vt_tensor *tensor);
/** Elements from one place of a dimension to the next, [n_dims], borrowed; 0 where an extent is expanded. NULL for NULL. */
VT_API const int64_t *vt_tensor_strides(const vt_tensor *tensor);
/** Elements: the product of the extents, 1 without dimensions; 0 for NULL. */
VT_API int64_t vt_tensor_count(const vt_tensor *tensor);
/** VT_DEVICE_*; -1 for NULL. */
VT_API int32_t vt_tensor_device(const vt_tensor *tensor);
/** Address of element [0, ..., 0], borrowed; NULL on devices whose memory is not this process's. Writing through it goes past the tape's checks. */
VT_API void *vt_tensor_data(const vt_tensor *tensor);
/** Bytes of the storage that the tensor is a view of. */
VT_API size_t vt_tensor_storage_size(const vt_tensor *tensor);
/** Bytes of an element; 0 for what is no type of tensors. */
VT_API size_t vt_dtype_size(int32_t dtype);
/** "f32", for ever valid; "unknown" for what is no type of tensors. */
VT_API const char *vt_dtype_name(int32_t dtype);
/** The type of a name. Errors:  NOT_FOUND. */
VT_API VT_MUST_USE vt_status vt_dtype_find(const char *name, int32_t *out);

/**
 * All elements in row-major order, to and from the caller's memory. size must be that of the elements: count times the type's size.
 *
 * Errors:  SHAPE (another size), STATE (read-only), NOMEM, DEVICE.
 */
VT_API VT_MUST_USE vt_status vt_tensor_read(vt_tensor *tensor, void *data, size_t size);
VT_API VT_MUST_USE vt_status vt_tensor_write(vt_tensor *tensor, const void *data, size_t size);
/** The same numbers on another device (a new handle to the same tensor if it is there already). Without history. */
VT_API VT_MUST_USE vt_status vt_tensor_to_device(vt_tensor *tensor, int32_t device, vt_tensor **out);

/**
 * DLPack: the tensor as a DLManagedTensorVersioned (versioned not 0, major version 1) or a DLManagedTensor, without a copy. The struct's own deleter gives it
 * back; it keeps the storage alive.
 *
 * Errors:  STATE (it requires a gradient: detach it; read-only with the older struct), DEVICE, NOMEM.
 */
VT_API VT_MUST_USE vt_status vt_tensor_to_dlpack(vt_tensor *tensor, int32_t versioned, void **out);
/** A tensor over such an array of the CPU's memory, which is taken over: its deleter runs when the last handle is gone, on any thread. On failure it stays the
 * caller's. Errors:  DEVICE, DTYPE, SHAPE, UNSUPPORTED (version), INVALID (alignment), NOMEM. */
VT_API VT_MUST_USE vt_status vt_tensor_from_dlpack(vt_context *ctx, void *managed, int32_t versioned, vt_tensor **out);

/* ---- operations ---- */

/* An attribute of an operation by name. Which field counts depends on the attribute's type: i for int, bool, dim (from 0, negative from the end) and
 * dtype; f for float; list [n_list] for ints and dims (an i alone is a list of one: n_list 0 with list NULL); text for enum and text, and with an int or
 * float the name of the variable that the number is the value of (venturi/graph.h), NULL for none. */
typedef struct vt_attr {
    const char *name;
    int64_t i;
    double f;
    const int64_t *list;
    int64_t n_list;
    const char *text;
} vt_attr;

/** Number of an operation, valid in this process only: NOT_FOUND. Looking it up once saves time. */
VT_API VT_MUST_USE vt_status vt_op_find(const char *name, int32_t *out);
/** How many operations there are: numbers from 0 to before this. */
VT_API int32_t vt_op_count(void);

/* What the table says of an operation; all strings live for ever.
 * inputs: names; "?" behind one: may be NULL; "*": a list of any number. attrs: name:type=default, types int float bool dim dims ints dtype text
 * enum(a,b); no default: must be given, unless "?" is behind it. */
typedef struct vt_op_info {
    uint32_t struct_size;
    int32_t n_outputs;
    int32_t has_gradient; /* 2: of second order too */
    int32_t is_view;      /* the result shares the input's memory (reshape: where strides allow it) */
    const char *name, *inputs, *attrs, *doc;
} vt_op_info;
/** Describes operation op. Errors:  INVALID (no such number). */
VT_API VT_MUST_USE vt_status vt_op_describe(int32_t op, vt_op_info *out);

/**
 * Runs an operation.
 *
 * in       [n_in]; NULL where an input may be absent.
 * attrs    [n_attrs], in any order; those not named have their defaults.
 * out      [VT_OP_MAX_OUTPUTS]: the op's results, the caller's references; NULL behind them.
 *
 * Errors:  INVALID (number of inputs, unknown or missing attribute), SHAPE, DTYPE, DEVICE (inputs on several), UNSUPPORTED, STATE, NOMEM, NUMERIC; the
 *          message names the operation and the extents.
 */
VT_API VT_MUST_USE vt_status vt_op_run(vt_context *ctx, int32_t op, vt_tensor *const *in, int32_t n_in, const vt_attr *attrs, int32_t n_attrs, vt_tensor **out);
/** The same into tensors that are there: right extents, a type of the same kind; inputs may be outputs. STATE while recording where a gradient would
 * be lost; UNSUPPORTED for views and composed operations. */
VT_API VT_MUST_USE vt_status vt_op_run_into(vt_context *ctx, int32_t op, vt_tensor *const *in, int32_t n_in, const vt_attr *attrs, int32_t n_attrs,
                                            vt_tensor *const *out, int32_t n_out);

/**
 * The token that ends operations of this thread, those of vt_backward too: once it is up the call returns CANCELLED within some 50 ms. Results are not made
 * then, and what vt_op_run_into was writing to is undefined. NULL: none, as at first.
 *
 * Borrowed: it must live until another one, or NULL, takes its place. Answers the one before (NULL: none), so that it can be put back.
 */
VT_API const vt_cancel *vt_op_cancel_set(const vt_cancel *cancel);

/* Whose Fourier transforms a context runs. VT_FFT_FFTW needs libventuri_fftw.so beside the library. That file is FFTW, and comes under the GNU GPL, version 2
 * or later: so does a program that is given away together with it. */
enum { VT_FFT_OWN = 0, VT_FFT_FFTW = 1 };
/** From the next transform of ctx on; VT_FFT_OWN at first. FFTW plans a length when it is first met, and its memory is its own.
 *  Errors:  INVALID, UNSUPPORTED (the module or FFTW is not there), NOMEM.  Threads: any. */
VT_API VT_MUST_USE vt_status vt_fft_select(vt_context *ctx, int32_t library);

/* ---- gradients ---- */

/** Is this thread recording? A thread starts with 1. */
VT_API int32_t vt_grad_mode(void);
/** Switches recording of this thread on or off; answers what it was. */
VT_API int32_t vt_grad_mode_set(int32_t on);

/** A leaf (one that no recorded operation made) of a floating or complex type: STATE, DTYPE. */
VT_API VT_MUST_USE vt_status vt_tensor_set_requires_grad(vt_tensor *tensor, int32_t on);
/** 1 for a leaf that asks for a gradient, and for what was made of one while recording. */
VT_API int32_t vt_tensor_requires_grad(const vt_tensor *tensor);
/** 1 unless a recorded operation made it. */
VT_API int32_t vt_tensor_is_leaf(const vt_tensor *tensor);
/** The gradient that backward has added up in a leaf (a new reference), NULL where there is none. */
VT_API vt_tensor *vt_tensor_grad(vt_tensor *tensor);
/** Replaces a leaf's gradient; NULL takes it away. Errors:  SHAPE (other extents or type), STATE (no leaf). */
VT_API VT_MUST_USE vt_status vt_tensor_set_grad(vt_tensor *tensor, vt_tensor *grad);
/** The same numbers without history. */
VT_API VT_MUST_USE vt_status vt_tensor_detach(vt_tensor *tensor, vt_tensor **out);

enum {
    VT_BACKWARD_KEEP = 1,  /* the tape can be walked again */
    VT_BACKWARD_CREATE = 2 /* gradients are recorded too, for second order; keeps */
};
/**
 * Walks back from n roots and adds to the gradients of the leaves. grads [n], or NULL, and NULL entries: 1, for roots of one element.
 *
 * Errors:  STATE (nothing to differentiate, tape walked already, a needed tensor was written to), SHAPE, NOMEM, what operations fail with.
 */
VT_API VT_MUST_USE vt_status vt_backward(vt_context *ctx, vt_tensor *const *roots, vt_tensor *const *grads, int32_t n, uint32_t flags);
/** The gradients of the roots with respect to n_in tensors, leaves or not, into out [n_in] (references; NULL where nothing depends on one). Leaves'
 * own gradients stay as they are. */
VT_API VT_MUST_USE vt_status vt_gradients(vt_context *ctx, vt_tensor *const *roots, vt_tensor *const *grads, int32_t n, vt_tensor *const *in, int32_t n_in,
                                          uint32_t flags, vt_tensor **out);

/* Gradient of a function that the host computes: grad_out [n_out], borrowed, NULL where nothing came back, to grad_in [n_in], references that the
 * library takes over, NULL for none. Anything but VT_OK ends the walk with that status. */
typedef vt_status (*vt_custom_grad_fn)(void *user, vt_tensor *const *grad_out, int32_t n_out, vt_tensor **grad_in, int32_t n_in);
/**
 * Says that out [n_out, at most 4], computed with recording off from in [n_in], has the gradient fn. name is for messages, copied in part.
 *
 * release  called with user when the tape lets go, also when this fails. NULL: nothing to release.
 */
VT_API VT_MUST_USE vt_status vt_tensor_attach(vt_context *ctx, const char *name, vt_tensor *const *in, int32_t n_in, vt_tensor *const *out, int32_t n_out,
                                              vt_custom_grad_fn fn, vt_release_fn release, void *user);
/* Calls fn with the tensor's gradient on each walk back; *replacement, a reference that the library takes over, goes on in its place. */
typedef vt_status (*vt_hook_fn)(void *user, vt_tensor *grad, vt_tensor **replacement);
VT_API VT_MUST_USE vt_status vt_tensor_add_hook(vt_tensor *tensor, vt_hook_fn fn, vt_release_fn release, void *user);

#endif
