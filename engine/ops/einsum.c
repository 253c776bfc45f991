/* Sums of products by an equation: operands are joined two at a time, each time by one batched matrix product. */
#include <string.h>

#include "core/error.h"
#include "ops/ops.h"

enum { LETTERS = 26 + VT__MAX_DIMS, DOTS = 26 }; /* the last ones stand for the dims of "...", which end with the highest */

/* A tensor and the letter (its number) of each of its dims. */
struct term {
    vt_tensor *t;
    int32_t n;
    signed char letter[VT__MAX_DIMS];
};

static uint64_t mask_of(const struct term *x) {
    uint64_t mask = 0;
    for (int32_t i = 0; i < x->n; i++) mask |= UINT64_C(1) << x->letter[i];
    return mask;
}

static const char *refuse(const struct vt__infer *call) {
    (void)vt__fail(VT_ERR_INVALID, "%s: \"%.60s\": letters a to z and one \"...\", at most 8 dimensions an operand, in the result each once", call->op->name, call->attrs->a[0].text);
    return NULL;
}

/* Letters up to a delimiter; NULL and a message when it is no list of letters. n_dots: dims that "..." stands for; less than 0: more letters than dims. */
static const char *read_letters(const struct vt__infer *call, const char *s, int32_t n_dots, struct term *x) {
    int dots = 0;
    for (x->n = 0; *s && *s != ',' && *s != '-'; s++) {
        if (*s == ' ') continue;
        if (strncmp(s, "...", 3) == 0) {
            if (dots++ || n_dots < 0 || x->n + n_dots > VT__MAX_DIMS) return refuse(call);
            for (int32_t i = 0; i < n_dots; i++) x->letter[x->n++] = (signed char)(LETTERS - n_dots + i);
            s += 2;
        } else {
            if (*s < 'a' || *s > 'z' || x->n == VT__MAX_DIMS) return refuse(call);
            x->letter[x->n++] = (signed char)(*s - 'a');
        }
    }
    return s;
}

static int32_t count_letters(const char *s) {
    int32_t n = 0;
    for (; *s && *s != ',' && *s != '-'; s++) n += *s >= 'a' && *s <= 'z';
    return n;
}

static int has_dots(const char *s) {
    for (; *s && *s != ',' && *s != '-'; s++)
        if (*s == '.') return 1;
    return 0;
}

/* A letter that an operand has twice stands for the diagonal of the two dims. */
static void take_diagonals(struct vt__expr *e, struct term *x) {
    for (int32_t i = 0; i < x->n; i++)
        for (int32_t k = i + 1; k < x->n; k++) {
            if (x->letter[i] != x->letter[k]) continue;
            struct vt__attrs attrs;
            signed char letter = x->letter[i];
            vt__attrs_default(&vt__op_table[VT__OP_diagonal], &attrs);
            attrs.a[1] = vt__attr_int(i);
            attrs.a[2] = vt__attr_int(k);
            x->t = vt__expr_op(e, VT__OP_diagonal, (vt_tensor *const *)&x->t, 1, &attrs);
            memmove(&x->letter[k], &x->letter[k + 1], (size_t)(x->n - k - 1));
            memmove(&x->letter[i], &x->letter[i + 1], (size_t)(x->n - i - 2));
            x->letter[--x->n - 1] = letter; /* the diagonal is the last dim */
            i = -1;
            break;
        }
}

/* x with its dims in the order of `order` (letters), those that it lacks left out; groups of them made one: ends[i] is where group i ends. */
static vt_tensor *arrange(struct vt__expr *e, const struct term *x, const signed char *order, const int32_t *ends, int32_t n_groups, const int64_t *extent) {
    struct vt__attrs attrs;
    int64_t shape[VT__MAX_DIMS];
    int32_t n = 0, first = 0;
    vt__attrs_default(&vt__op_table[VT__OP_permute], &attrs);
    for (int32_t g = 0; g < n_groups; g++) {
        shape[g] = 1;
        for (int32_t i = first; i < ends[g]; i++) {
            shape[g] *= extent[(int)order[i]];
            for (int32_t d = 0; d < x->n; d++)
                if (x->letter[d] == order[i]) attrs.a[0].i[n++] = d;
        }
        first = ends[g];
    }
    attrs.a[0].given = 1;
    attrs.a[0].count = n;
    vt_tensor *t = vt__expr_op(e, VT__OP_permute, (vt_tensor *const *)&x->t, 1, &attrs);
    return vt__e_reshape(e, t, shape, n_groups);
}

static int32_t append(signed char *order, int32_t n, uint64_t mask) {
    for (int letter = 0; letter < LETTERS; letter++)
        if (mask >> letter & 1) order[n++] = (signed char)letter;
    return n;
}

/* Letters that nobody needs any more are summed. */
static void reduce(struct vt__expr *e, struct term *x, uint64_t needed) {
    int64_t dims[VT__MAX_DIMS];
    int32_t n = 0, left = 0;
    for (int32_t d = 0; d < x->n; d++) {
        if (needed >> x->letter[d] & 1) x->letter[left++] = x->letter[d];
        else dims[n++] = d;
    }
    if (n) x->t = vt__e_sum(e, x->t, dims, n, 0);
    x->n = left;
}

/* x becomes the product of x and y over all letters that are not needed behind it. */
static vt_status join(struct vt__expr *e, const struct vt__infer *call, struct term *x, struct term *y, uint64_t needed, const int64_t *extent) {
    reduce(e, x, needed | mask_of(y));
    reduce(e, y, needed | mask_of(x));
    uint64_t a = mask_of(x), b = mask_of(y);
    signed char order[3][4 * VT__MAX_DIMS];
    int32_t ends[3][3], batch = 0;
    int64_t shape[VT__MAX_DIMS];
    const uint64_t groups[3][3] = {{a & b & needed, a & ~b, a & b & ~needed}, {a & b & needed, a & b & ~needed, b & ~a}, {a & b & needed, a & ~b, b & ~a}};
    for (int k = 0; k < 3; k++) {
        batch = 0;
        for (int g = 0; g < 3; g++) ends[k][g] = batch = append(order[k], batch, groups[k][g]);
    }
    if (ends[2][2] > VT__MAX_DIMS) return vt__fail(VT_ERR_SHAPE, "%s: a product of two operands would have %d dimensions, 8 are possible", call->op->name, ends[2][2]);
    vt_tensor *left = arrange(e, x, order[0], ends[0], 3, extent), *right = arrange(e, y, order[1], ends[1], 3, extent);
    x->n = ends[2][2];
    memcpy(x->letter, order[2], (size_t)x->n);
    for (int32_t d = 0; d < x->n; d++) shape[d] = extent[(int)x->letter[d]];
    x->t = vt__e_reshape(e, vt__e2(e, VT__OP_matmul, left, right), shape, x->n);
    return e->status;
}

static vt_status read_operand(const struct vt__infer *call, const char **s, int32_t i, struct term *x, int64_t *extent) {
    x->t = call->in[i];
    *s = read_letters(call, *s, has_dots(*s) ? x->t->ndim - count_letters(*s) : 0, x);
    if (!*s) return VT_ERR_INVALID;
    if (x->n != x->t->ndim) return vt__fail(VT_ERR_SHAPE, "%s: operand %d has %d dimensions, its letters are %d", call->op->name, i + 1, x->t->ndim, x->n);
    for (int32_t d = 0; d < x->n; d++) {
        int64_t *have = &extent[(int)x->letter[d]];
        if (*have == 1 && x->letter[d] >= DOTS) *have = x->t->shape[d];
        if (*have >= 0 && *have != x->t->shape[d] && !(x->letter[d] >= DOTS && x->t->shape[d] == 1))
            return vt__fail(VT_ERR_SHAPE, "%s: letter %c is %lld and %lld", call->op->name, x->letter[d] < DOTS ? 'a' + x->letter[d] : '.', (long long)*have, (long long)x->t->shape[d]);
        if (*have < 0) *have = x->t->shape[d];
    }
    return VT_OK;
}

/* Dims of "..." that are 1 here and more elsewhere. */
static void spread(struct vt__expr *e, struct term *x, const int64_t *extent) {
    vt_tensor like = {.ndim = x->n};
    int differs = 0;
    for (int32_t d = 0; x->t && d < x->n; d++) {
        like.shape[d] = extent[(int)x->letter[d]];
        differs |= like.shape[d] != x->t->shape[d];
    }
    if (differs) x->t = vt__e_expand_like(e, x->t, &like);
}

/* The result's letters: those behind the arrow, or, without one, those that occur once, in order. */
static vt_status read_result(const struct vt__infer *call, const char *s, const int32_t *times, struct term *out) {
    uint64_t mask = 0;
    int32_t n_dots = 0;
    while (n_dots < VT__MAX_DIMS && times[LETTERS - 1 - n_dots]) n_dots++;
    if (!*s) {
        uint64_t once = 0;
        for (int i = 0; i < DOTS; i++) once |= times[i] == 1 ? UINT64_C(1) << i : 0;
        for (int i = DOTS; i < LETTERS; i++) mask |= times[i] ? UINT64_C(1) << i : 0;
        if (__builtin_popcountll(mask | once) > VT__MAX_DIMS) return vt__fail(VT_ERR_SHAPE, "%s: a result of more than 8 dimensions", call->op->name);
        out->n = append(out->letter, append(out->letter, 0, mask), once);
        return VT_OK;
    }
    if (strncmp(s, "->", 2) != 0) return vt__fail(VT_ERR_INVALID, "%s: \"%.60s\" has more or fewer operands than the %d given", call->op->name, call->attrs->a[0].text, call->n_in);
    s = read_letters(call, s + 2, n_dots, out);
    if (!s) return VT_ERR_INVALID;
    for (int32_t d = 0; d < out->n; mask |= UINT64_C(1) << out->letter[d++])
        if (mask >> out->letter[d] & 1) return refuse(call) ? VT_OK : VT_ERR_INVALID;
    if (*s) return vt__fail(VT_ERR_INVALID, "%s: \"%.60s\" goes on behind the result", call->op->name, call->attrs->a[0].text);
    for (int32_t d = 0; d < out->n; d++)
        if (!times[(int)out->letter[d]]) return vt__fail(VT_ERR_INVALID, "%s: letter %c of the result is no operand's", call->op->name, 'a' + out->letter[d]);
    return VT_OK;
}

enum { MAX_OPERANDS = 16 };

vt_status vt__compose_einsum(struct vt__expr *e, struct vt__infer *call, vt_tensor **out) {
    struct term terms[MAX_OPERANDS], result;
    int64_t extent[LETTERS];
    int32_t times[LETTERS] = {0};
    const char *s = call->attrs->a[0].text;
    vt_status st = call->n_in <= MAX_OPERANDS ? VT_OK : vt__fail(VT_ERR_LIMIT, "%s: %d operands, at most %d", call->op->name, call->n_in, MAX_OPERANDS);
    for (int i = 0; i < LETTERS; i++) extent[i] = -1;
    for (int32_t i = 0; st == VT_OK && i < call->n_in; i++) {
        st = read_operand(call, &s, i, &terms[i], extent);
        for (int32_t d = 0; st == VT_OK && d < terms[i].n; d++) times[(int)terms[i].letter[d]]++;
        if (st == VT_OK && i + 1 < call->n_in && *s++ != ',') st = vt__fail(VT_ERR_INVALID, "%s: fewer operands in the equation than given", call->op->name);
    }
    if (st == VT_OK) st = read_result(call, s, times, &result);
    if (st != VT_OK) return st;
    uint64_t needed = 0;
    for (int32_t i = 0; i < call->n_in; i++) take_diagonals(e, &terms[i]), spread(e, &terms[i], extent);
    if (e->status != VT_OK) return e->status;
    for (int32_t i = 1; i < call->n_in && st == VT_OK; i++) {
        needed = mask_of(&result);
        for (int32_t k = i + 1; k < call->n_in; k++) needed |= mask_of(&terms[k]);
        st = join(e, call, &terms[0], &terms[i], needed, extent);
    }
    if (st != VT_OK) return st;
    reduce(e, &terms[0], mask_of(&result));
    int32_t ends[VT__MAX_DIMS];
    for (int32_t d = 0; d < result.n; d++) ends[d] = d + 1;
    out[0] = arrange(e, &terms[0], result.letter, ends, result.n, extent);
    return e->status;
}
