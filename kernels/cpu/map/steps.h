/* Steps of optimizers in plain C, compiled for each instruction set: one pass over parameters, gradients and states. Everything static. */
#ifndef VENTURI_KERNELS_MAP_STEPS_H
#define VENTURI_KERNELS_MAP_STEPS_H

#include "cpu/map/plain.h"

#define STEPS(T, t, F) \
    static void sgd_##t(void *const *out, const void *const *in, int64_t n, const vtk_step *s) { \
        const T *w = in[0], *grad = in[1], *u = in[2]; \
        T *w1 = out[0], *u1 = out[1]; \
        T lr = (T)s->lr, momentum = (T)s->beta1, fresh = (T)s->beta2, decay = (T)s->decay, ahead = (T)s->ahead, by_u = s->ahead != 0 ? momentum : (T)1; \
        LOOP { \
            T g = grad[i] + decay * w[i], v = momentum * u[i] + fresh * g; \
            u1[i] = v; \
            w1[i] = w[i] - lr * (ahead * g + by_u * v); \
        } \
    } \
    static void adam_##t(void *const *out, const void *const *in, int64_t n, const vtk_step *s) { \
        const T *w = in[0], *grad = in[1], *m = in[2], *v = in[3]; \
        T *w1 = out[0], *m1 = out[1], *v1 = out[2]; \
        T lr = (T)s->lr, beta1 = (T)s->beta1, beta2 = (T)s->beta2, eps = (T)s->eps, decay = (T)s->decay, keep = (T)s->keep, scale = (T)s->scale; \
        LOOP { \
            T g = grad[i] + decay * w[i], a = m[i] + ((T)1 - beta1) * (g - m[i]), b = beta2 * v[i] + ((T)1 - beta2) * (g * g); \
            m1[i] = a; \
            v1[i] = b; \
            w1[i] = keep * w[i] - lr * (a / (sqrt##F(b) * scale + eps)); \
        } \
    } \
    static void amsgrad_##t(void *const *out, const void *const *in, int64_t n, const vtk_step *s) { \
        const T *w = in[0], *grad = in[1], *m = in[2], *v = in[3], *top = in[4]; \
        T *w1 = out[0], *m1 = out[1], *v1 = out[2], *top1 = out[3]; \
        T lr = (T)s->lr, beta1 = (T)s->beta1, beta2 = (T)s->beta2, eps = (T)s->eps, decay = (T)s->decay, keep = (T)s->keep, scale = (T)s->scale; \
        LOOP { \
            T g = grad[i] + decay * w[i], a = m[i] + ((T)1 - beta1) * (g - m[i]), b = beta2 * v[i] + ((T)1 - beta2) * (g * g); \
            T c = b > top[i] || b != b ? b : top[i]; \
            m1[i] = a; \
            v1[i] = b; \
            top1[i] = c; \
            w1[i] = keep * w[i] - lr * (a / (sqrt##F(c) * scale + eps)); \
        } \
    } \
    static void rmsprop_##t(void *const *out, const void *const *in, int64_t n, const vtk_step *s) { \
        const T *w = in[0], *grad = in[1], *v = in[2]; \
        T *w1 = out[0], *v1 = out[1]; \
        T lr = (T)s->lr, alpha = (T)s->beta1, eps = (T)s->eps, decay = (T)s->decay; \
        LOOP { \
            T g = grad[i] + decay * w[i], b = alpha * v[i] + ((T)1 - alpha) * (g * g); \
            v1[i] = b; \
            w1[i] = w[i] - lr * (g / (sqrt##F(b) + eps)); \
        } \
    }
STEPS(float, f32, f)
STEPS(double, f64, )

#define STEP_SLOTS {{sgd_f32, adam_f32, amsgrad_f32, rmsprop_f32}, {sgd_f64, adam_f64, amsgrad_f64, rmsprop_f64}}

#endif
