#include "plan/capture.h"

#include <string.h>

#include "core/error.h"
#include "core/hash.h"
#include "core/memory.h"
#include "tensor/dispatch.h"
#include "tensor/record.h"

/* Numbers of variables go on from one capture to the next, so that an attribute that was recorded on a tape in an older one is known for a plain number. */
static _Thread_local int32_t variables_so_far;

struct capture {
    struct vt__recorder base;
    struct vt__program *p;
    struct vt__storage **alive; /* [values]: memory that was made here and is not freed yet, borrowed; NULL for others */
    int64_t cap_alive;
    char *is_known; /* [variables]: a number has been seen */
    int64_t cap_known;
    vt__map kept;   /* address of the storage of a kept value to its number */
    int32_t first_variable;
};

static struct capture *of(struct vt__recorder *r) { return (struct capture *)(void *)r; }

static vt_status add_value(struct capture *c, enum vt__value_kind kind, struct vt__storage *s, int64_t *out) {
    struct vt__program *p = c->p;
    int is_kept = kind == VT__VALUE_KEPT;
    if (vt__reserve(p->ctx, (void **)&c->alive, &c->cap_alive, p->n_values + 1, sizeof *c->alive)) return vt__fail_nomem("capture", sizeof *c->alive);
    vt_status st = vt__program_add_value(p, kind, s->size, is_kept ? s : NULL, out);
    if (st != VT_OK) return st;
    c->alive[*out] = is_kept ? NULL : s;
    if (is_kept) return vt__map_add(&c->kept, &s, sizeof s, *out) < 0 ? vt__fail_nomem("capture", sizeof s) : VT_OK;
    s->recorder = &c->base;
    s->recorded = *out;
    return VT_OK;
}

static vt_status made(struct vt__recorder *r, struct vt__storage *s) {
    int64_t number;
    return add_value(of(r), VT__VALUE_TEMPORARY, s, &number);
}

static void gone(struct vt__recorder *r, struct vt__storage *s) { of(r)->alive[s->recorded] = NULL; }

/* The value that t lies in: one of this recording, or one that was there before. */
static vt_status value_of(struct capture *c, const vt_tensor *t, int64_t *out) {
    struct vt__storage *s = t->storage;
    if (!c->p->backend) c->p->backend = s->backend;
    if (s->backend != c->p->backend)
        return vt__fail(VT_ERR_DEVICE, "capture: tensors on %s and on %s, one device is possible", c->p->backend->name, s->backend->name);
    if (s->recorder == &c->base) return *out = s->recorded, VT_OK;
    *out = vt__map_get(&c->kept, &s, sizeof s, -1);
    return *out >= 0 ? VT_OK : add_value(c, VT__VALUE_KEPT, s, out);
}

/* ---- variables ---- */

static vt_status variable(struct vt__recorder *r, const char *name, int32_t *out) {
    struct capture *c = of(r);
    int64_t number;
    if (!*name || strlen(name) > 255) return vt__fail(VT_ERR_INVALID, "capture: the name of a variable has %zu bytes, 1 to 255 are possible", strlen(name));
    vt_status st = vt__program_add_variable(c->p, name, strlen(name), &number);
    if (st == VT_OK && number >= c->cap_known) {
        int64_t before = c->cap_known;
        if (vt__reserve(c->p->ctx, (void **)&c->is_known, &c->cap_known, number + 1, 1)) return vt__fail_nomem("capture", 1);
        memset(c->is_known + before, 0, (size_t)(c->cap_known - before));
    }
    if (st != VT_OK) return st;
    *out = c->first_variable + (int32_t)number + 1;
    if (*out > variables_so_far) variables_so_far = *out;
    return VT_OK;
}

/* An attribute with a variable of this capture counts it from 1; its number now is what the variable is unless a run says otherwise. */
static vt_status settle_variable(struct capture *c, const struct vt__op_def *op, int32_t k, struct vt__attr *a) {
    struct vt__attr_def def;
    int32_t number = a->var - c->first_variable;
    a->var = 0;
    if (number < 1 || number > c->p->n_variables || !vt__op_attr(op, k, &def)) return VT_OK;
    struct vt__variable *v = &c->p->variables[number - 1];
    double f = def.type == VT__ATTR_FLOAT ? a->f : (double)a->i[0];
    if (c->is_known[number - 1] && f != v->f)
        return vt__fail(VT_ERR_INVALID, "%s: the variable \"%s\" is %g here and was %g before", op->name, v->name, f, v->f);
    c->is_known[number - 1] = 1;
    v->f = f;
    if (def.type != VT__ATTR_FLOAT) v->i = a->i[0];
    a->var = number;
    return VT_OK;
}

/* ---- steps ---- */

static vt_status step(struct vt__recorder *r, const struct vt__run *run, vt_tensor *const *in, vt_tensor *const *out) {
    struct capture *c = of(r);
    struct vt__step *s = NULL;
    struct vt__attrs attrs = *run->attrs;
    vt_status st = VT_OK;
    for (int32_t k = 0; st == VT_OK && k < VT__MAX_ATTRS; k++) {
        attrs.a[k].text = NULL; /* the caller's */
        st = settle_variable(c, run->op, k, &attrs.a[k]);
    }
    if (st == VT_OK) st = vt__program_add_step(c->p, run->op, &attrs, run->n_in, run->n_out, &s);
    for (int32_t i = 0; st == VT_OK && i < run->n_in + run->n_out; i++) {
        const vt_tensor *t = i < run->n_in ? in[i] : out[i - run->n_in];
        int64_t value = -1;
        if (t) st = value_of(c, t, &value);
        struct vt__operand *o = &c->p->operands[s->operands + i];
        if (t) *o = vt__operand_of(t, value);
        else o->value = -1;
    }
    return st;
}

/* Numbers from the host are a constant: a copy of them is kept, and a step copies it to where they went. */
static vt_status written(struct vt__recorder *r, vt_tensor *t, const void *host, size_t size) {
    struct capture *c = of(r);
    struct vt__storage *s = NULL;
    struct vt__step *copy;
    struct vt__attrs none = {0};
    int64_t from = -1, to;
    vt_status st = value_of(c, t, &to);
    if (st == VT_OK) st = vt__storage_create(c->p->ctx, c->p->backend, size, &s);
    if (st == VT_OK) st = s->backend->write(s->ctx, s->data, host, size);
    if (st == VT_OK) st = add_value(c, VT__VALUE_KEPT, s, &from);
    if (st == VT_OK) st = vt__program_add_step(c->p, &vt__op_table[VT__OP_copy], &none, 1, 1, &copy);
    vt__storage_release(s);
    if (st != VT_OK) return st;
    struct vt__operand *o = &c->p->operands[copy->operands];
    o[0] = vt__operand_bytes(from, size);
    o[1] = vt__operand_bytes(to, size);
    o[1].offset = t->offset * (int64_t)vt__dtype_size(t->dtype);
    return VT_OK;
}

/* ---- beginning and end ---- */

/* A dense copy of an input in memory of its own, which two inputs may not share. */
static vt_status stand_in(struct capture *c, vt_tensor *t, vt_tensor **out) {
    int64_t value;
    struct vt__program *p = c->p;
    *out = NULL;
    if (!t->storage) return vt__fail(VT_ERR_STATE, "capture: input %d has no numbers any more", p->n_inputs + 1);
    int32_t mode = vt__grad_mode_set(0);
    vt_status st = vt__op_run(p->ctx, VT__OP_copy, &t, 1, NULL, out);
    (void)vt__grad_mode_set(mode);
    if (st == VT_OK && t->requires_grad) st = vt__tensor_set_requires_grad(*out, 1);
    if (st == VT_OK && !p->backend) p->backend = t->storage->backend;
    if (st == VT_OK && t->storage->backend != p->backend) st = vt__fail(VT_ERR_DEVICE, "capture: inputs on %s and on %s", p->backend->name, t->storage->backend->name);
    if (st == VT_OK) st = add_value(c, VT__VALUE_INPUT, (*out)->storage, &value);
    if (st == VT_OK) p->inputs[p->n_inputs++] = vt__operand_of(*out, value);
    return st;
}

/* What comes in is copied where it goes out again. */
static vt_status note_result(struct capture *c, vt_tensor *t) {
    struct vt__program *p = c->p;
    vt_tensor *copy = NULL;
    int64_t value;
    vt_status st = t->storage ? value_of(c, t, &value) : vt__fail(VT_ERR_STATE, "capture: result %d has no numbers any more", p->n_results + 1);
    if (st == VT_OK && p->values[value].kind == VT__VALUE_INPUT) {
        int32_t mode = vt__grad_mode_set(0);
        st = vt__op_run(p->ctx, VT__OP_copy, &t, 1, NULL, &copy);
        (void)vt__grad_mode_set(mode);
        t = copy;
        if (st == VT_OK) st = value_of(c, t, &value);
    }
    if (st == VT_OK) {
        struct vt__value *v = &p->values[value];
        if (v->kind == VT__VALUE_TEMPORARY) v->kind = VT__VALUE_RESULT, v->storage = vt__storage_retain(t->storage);
        p->results[p->n_results++] = vt__operand_of(t, value);
    }
    vt__tensor_release(copy);
    return st;
}

/* Is the value read and written by one step? */
static int is_updated(const struct vt__program *p, int64_t value) {
    for (int64_t i = 0; i < p->n_steps; i++) {
        const struct vt__step *s = &p->steps[i];
        const struct vt__operand *o = &p->operands[s->operands];
        int reads = 0, writes = 0;
        for (int32_t k = 0; k < s->n_in; k++) reads |= o[k].value == value;
        for (int32_t k = s->n_in; k < s->n_in + s->n_out; k++) writes |= o[k].value == value;
        if (reads && writes && s->op->id != VT__OP_fill) return 1;
    }
    return 0;
}

/* Memory that somebody holds on to stays where it is. */
static vt_status keep_what_is_held(struct capture *c) {
    struct vt__program *p = c->p;
    vt_status st = VT_OK;
    for (int64_t i = 0; i < p->n_values; i++) {
        struct vt__value *v = &p->values[i];
        if (v->kind != VT__VALUE_TEMPORARY || !c->alive[i]) continue;
        if (st == VT_OK && is_updated(p, i))
            st = vt__fail(VT_ERR_STATE, "capture: %zu bytes are made in here, updated, and kept by somebody: each run would begin them anew. Make the state before, for "
                          "instance by running the function once", v->size);
        v->kind = VT__VALUE_KEPT;
        v->storage = vt__storage_retain(c->alive[i]);
    }
    return st;
}

static void end(struct capture *c) {
    for (int64_t i = 0; i < c->p->n_values && i < c->cap_alive; i++)
        if (c->alive[i]) c->alive[i]->recorder = NULL;
    vt__map_free(&c->kept);
    vt__free(c->p->ctx, c->alive);
    vt__free(c->p->ctx, c->is_known);
}

/* The function under way, from the stand-ins to the results. */
static vt_status record(struct capture *c, vt_tensor *const *in, int32_t n_in, vt__capture_fn fn, void *user) {
    struct vt__program *p = c->p;
    vt_tensor *out[VT__MOST_RESULTS] = {0};
    int32_t n_out = 0;
    (void)vt__recorder_set(&c->base);
    vt_status st = fn(user, in, n_in, out, &n_out);
    if (st == VT_OK && (n_out < 0 || n_out > VT__MOST_RESULTS)) st = vt__fail(VT_ERR_LIMIT, "capture: %d results, at most %d are possible", n_out, VT__MOST_RESULTS);
    for (int32_t i = 0; st == VT_OK && i < n_out; i++) st = out[i] ? note_result(c, out[i]) : vt__fail(VT_ERR_INVALID, "capture: result %d is NULL", i + 1);
    (void)vt__recorder_set(NULL);
    for (int32_t i = 0; i < VT__MOST_RESULTS; i++) vt__tensor_release(out[i]);
    if (!p->backend) p->backend = &vt__backend_cpu;
    return st;
}

vt_status vt__capture(vt_context *ctx, vt_tensor *const *inputs, int32_t n_inputs, vt__capture_fn fn, void *user, struct vt__program *out) {
    if (vt__recorder_get()) return vt__fail(VT_ERR_STATE, "capture: inside of another capture");
    if (variables_so_far > INT32_MAX / 2) variables_so_far = 0;
    struct capture c = {.base = {step, made, gone, written, variable}, .p = out, .first_variable = variables_so_far};
    vt_status st = VT_OK;

    vt__program_init(out, ctx, NULL);
    vt__map_init(&c.kept, ctx);
    vt_tensor **in = vt__calloc2(ctx, n_inputs, 1, sizeof *in);
    out->inputs = vt__calloc2(ctx, n_inputs, 1, sizeof *out->inputs);
    out->results = vt__calloc2(ctx, VT__MOST_RESULTS, 1, sizeof *out->results);
    if (!in || !out->inputs || !out->results) st = vt__fail_nomem("capture", (size_t)n_inputs * sizeof *out->inputs);
    for (int32_t i = 0; st == VT_OK && i < n_inputs; i++) st = stand_in(&c, inputs[i], &in[i]);
    (void)vt__scratch_drop(ctx); /* a larger block that somebody left would be counted whole, and files differ by what ran before */
    (void)vt__scratch_peak();
    if (st == VT_OK) st = record(&c, in, n_inputs, fn, user);
    for (int32_t i = 0; in && i < n_inputs; i++) vt__tensor_release(in[i]);
    vt__free(ctx, in);
    out->scratch = vt__scratch_peak();
    if (st == VT_OK) st = keep_what_is_held(&c);
    end(&c);
    if (st == VT_OK) st = vt__program_prune(out);
    if (st == VT_OK) st = vt__program_join_slices(out);
    if (st != VT_OK) vt__program_free(out);
    return st;
}
