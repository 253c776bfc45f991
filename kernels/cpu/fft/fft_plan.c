/* How transforms are cut into stages, and the roots of unity that stages multiply by. The same for all instruction sets but for their lanes and radices. */
#include "vtk_fft.h"

static int32_t largest_power(int64_t n) {
    int32_t e = 0;
    for (; n % 2 == 0; n /= 2) e++;
    return e;
}

static void push(vtk_fft_plan *plan, int32_t radix) { plan->radix[plan->n_stages++] = radix; }

/* Few stages of even size: 2^7 is 16 * 8, not 16 * 4 * 2. */
static int64_t push_powers_of_2(vtk_fft_plan *plan, int64_t n, int32_t most) {
    int32_t e = largest_power(n), widest = largest_power(most);
    for (int32_t stages = (e + widest - 1) / widest; stages; stages--) {
        int32_t bits = (e + stages - 1) / stages;
        push(plan, (int32_t)1 << bits);
        e -= bits;
        n >>= bits;
    }
    return n;
}

/* What a stage multiplies by, and for a radix without a function of its own the roots of that radix. */
static int64_t roots_of(int64_t m, int32_t radix) { return (m > 1 ? m * (radix - 1) : 0) + (radix > 5 && radix % 2 ? radix : 0); }

int vtk_fft_plan_init(const struct vtk_fft *f, int type, int is_rows, int64_t n, vtk_fft_plan *plan) {
    static const int32_t odd[] = {3, 5, 7, 11, 13, 17, 19, 23, 29, 31};
    int64_t rest = n;
    *plan = (vtk_fft_plan){.n = n, .is_rows = is_rows};
    if (is_rows) {
        if (n % (f->first * f->lanes[type]) != 0) return 0;
        push(plan, f->first);
        rest /= f->first;
    }
    rest = push_powers_of_2(plan, rest, f->most);
    for (int32_t i = 0; i < (int32_t)(sizeof odd / sizeof odd[0]); i++)
        for (; rest % odd[i] == 0; rest /= odd[i]) push(plan, odd[i]);
    if (rest != 1) return 0;
    if (!plan->n_stages) push(plan, 1);
    for (int32_t i = 0; i < plan->n_stages; i++) {
        n /= plan->radix[i];
        plan->n_roots += roots_of(n, plan->radix[i]);
    }
    return 1;
}

static void put(void *table, int type, int64_t at, double v) {
    if (type == VTK_FFT_F64) ((double *)table)[at] = v;
    else ((float *)table)[at] = (float)v;
}

/* w^(p j) for p < m and 1 <= j < radix; lanes values of p side by side, all real parts before all imaginary parts. */
static int64_t fill_stage(int type, const double *roots, int64_t n, int64_t m, int32_t radix, int64_t lanes, void *table, int64_t at) {
    int64_t step = n / (m * radix);
    for (int64_t p = 0; p < m; p += lanes)
        for (int64_t j = 1; j < radix; j++, at += 2 * lanes)
            for (int64_t l = 0; l < lanes; l++) {
                const double *w = roots + 2 * (p + l) * j * step;
                put(table, type, at + l, w[0]);
                put(table, type, at + lanes + l, w[1]);
            }
    return at;
}

void vtk_fft_plan_fill(const struct vtk_fft *f, int type, vtk_fft_plan *plan, const double *roots, void *table) {
    int64_t at = 0, m = plan->n;
    for (int32_t i = 0; i < plan->n_stages; i++) {
        int32_t radix = plan->radix[i];
        m /= radix;
        if (m > 1) at = fill_stage(type, roots, plan->n, m, radix, plan->is_rows && i == 0 ? f->lanes[type] : 1, table, at);
        if (radix > 5 && radix % 2)
            for (int64_t k = 0; k < radix; k++, at += 2) {
                put(table, type, at, roots[2 * k * (plan->n / radix)]);
                put(table, type, at + 1, roots[2 * k * (plan->n / radix) + 1]);
            }
    }
    plan->table = table;
}
