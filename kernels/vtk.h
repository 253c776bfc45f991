/* Table of CPU kernels. A kernel is a pure function over raw pointers: no allocation, no status, no globals, no threads; destination
 * first. The caller has checked everything. Every result is a function of the arguments alone: it does not depend on how the engine cuts
 * rows among threads, and one row of a product is the same number for number whether it is computed alone or with others. */
#ifndef VENTURI_VTK_H
#define VENTURI_VTK_H

#include <stddef.h>
#include <stdint.h>

#include "vtk_cluster.h"
#include "vtk_gemm.h"

/* Weight types that kernels know, dense, for the arrays below; the field `kernel` of vt__block_type (engine/quant) maps a vt_dtype to them. */
enum { VTK_F32, VTK_F16, VTK_BF16, VTK_Q8_0, VTK_Q4_0, VTK_Q4_1, VTK_Q5_0, VTK_Q5_1,
       VTK_Q2_K, VTK_Q3_K, VTK_Q4_K, VTK_Q5_K, VTK_Q6_K, VTK_Q8_K /* superblocks of VTK_K_BLOCK elements */, VTK_N_TYPES };
enum { VTK_BLOCK = 32, VTK_K_BLOCK = 256, VTK_KV_BLOCK = 16 };

/* A row of n activations as 8-bit integers, n a multiple of 32, in blocks of 32 with a float32 scale d each; blocks that stand out of their row have
 * 16 bits, in two planes of bytes. With a block go the sum of its integers and that of its first 16: exact, they undo the offset of unsigned weights
 * and go with minima. A block with a NaN or an infinity gets such a d, which makes every product with it NaN. What is inside is the kernels' business
 * (cpu/quant/q8_row.h). */
#define VTK_Q8_ROW_SIZE(n) (2 * (size_t)(n) + (size_t)(n) / 8 * 3 + ((size_t)(n) / 1024 + 2) * 4)

/* out[i * ld_out + r] = sum over k of W[r, k] * X[i, k] for i in [0, m) and r in the range given to the kernel. Weights need no alignment.
 * Any range is right; one of a multiple of VTK_ROW_TILE rows wastes no lanes, and few long ranges are better than many short ones. */
enum { VTK_ROW_TILE = 32 };
typedef struct vtk_matmul {
    float *out;
    int64_t ld_out;
    const void *w;    /* rows of weights, k elements each */
    size_t w_stride;  /* bytes from row to row */
    const void *x;    /* m rows: k float32 (matmul_f32), or rows of 8-bit activations (matmul_q8) */
    size_t x_stride;  /* bytes from row to row */
    int64_t m, k;
} vtk_matmul;

/* Packed weights: panels of 16 rows in the order in which matmul_packed reads them (cpu/matmul/packed.h, packed_float.h). Lanes of the last panel that have
 * no row are zero. One layout for all instruction sets. Activations are rows of 8-bit blocks; for F16 they are float32, for BF16 bfloat16. */
enum { VTK_PANEL_ROWS = 16 };
/* Bytes of a panel of k columns, whole blocks; 0: there is no packed form. */
size_t vtk_panel_size(int type, int64_t k);
/* Packs n_rows (1 to 16) rows of weights into one panel. out: 64-aligned panels read fastest. */
void vtk_pack_panel(int type, void *out, const void *w, size_t w_stride, int64_t n_rows, int64_t k);
/* out: [k], row `lane` (0 to VTK_PANEL_ROWS - 1) of a panel, with the bits that decode[type] gives of the row that was packed. A type without a packed form
 * writes nothing. */
void vtk_unpack_row(int type, float *out, const void *panel, int64_t lane, int64_t k);

/* The cache of keys and values lies in blocks of 16 tokens. In a block a head's keys lie element by element, 16 tokens side by side, and its values
 * token by token:
 *
 *     float types   keys [dim][16], values [16][dim]
 *     Q8_0          keys [dim / 32]{half scale[16], int8 [32][16]}, values [16][dim / 32]{half scale, int8 [32]}
 *
 * Both have the same size. Slots that hold no token yet may hold anything. */
enum { VTK_KV_F32, VTK_KV_F16, VTK_KV_Q8_0, VTK_N_KV };
static inline size_t vtk_kv_size(int32_t type, int64_t dim) { /* bytes of a head's keys, or values, in a block; dim % 32 == 0 for Q8_0 */
    return type == VTK_KV_Q8_0 ? (size_t)dim / 32 * 34 * VTK_KV_BLOCK : (size_t)dim * VTK_KV_BLOCK * (type == VTK_KV_F16 ? 2 : 4);
}

/* Attention of n_pos positions that follow one another, each with the n_shared query heads of one key/value head, to the keys around them:
 *
 *     a query at position p sees keys t with p - left <= t <= p + right and 0 <= t < n_keys
 *
 * so that decoders set right = 0 and left to VTK_ALL or a window less one, and encoders set both to VTK_ALL. Key t lies in slot t % 16 of
 * blocks[t / 16], k_offset bytes from its begin. The keys are taken in groups of VTK_KEYS, numbers of the cache and not of the window: each
 * group of which a query sees something gives a part (largest score, sum of weights, weighted sum of values), and the parts are merged in
 * ascending order. A row's result hence depends on its own query and on what it sees, and is the same bits whether the parts are made in
 * one call or in several. A query that sees no key gives zeros. */
enum { VTK_KEYS = 128 };
#define VTK_ALL (INT64_MAX / 4)
typedef struct vtk_attention {
    float *out;     /* position i, head h: [dim] at i * ld + h * dim */
    const float *q; /* the same */
    int64_t ld, n_pos, n_shared, dim;
    const unsigned char *const *blocks;
    size_t k_offset, v_offset;
    int32_t type;        /* VTK_KV_F32... */
    int64_t pos;         /* of the first query; may be negative */
    int64_t n_keys;
    int64_t left, right; /* 0 to VTK_ALL */
    float scale;         /* of the scores */
    float softcap;       /* scores become softcap * tanh(score / softcap); 0: they stay */
    float *scratch;      /* [VTK_ATTENTION_SCRATCH(dim)] */
} vtk_attention;
/* Keys first..last-1 that row r of p sees: none if last <= first. */
static inline void vtk_attention_span(const vtk_attention *p, int64_t row, int64_t *first, int64_t *last) {
    int64_t pos = p->pos + row / p->n_shared, end = pos + p->right + 1;
    *first = pos > p->left ? pos - p->left : 0;
    *last = end < p->n_keys ? end : p->n_keys;
}
enum { VTK_QUERIES = 96 }; /* worked on together: a multiple of this many rows n_pos * n_shared wastes nothing */
#define VTK_ATTENTION_SCRATCH(dim) ((size_t)(2 * VTK_QUERIES + 12) * (size_t)(dim) + 12 * VTK_KEYS + 4 * VTK_QUERIES)
/* Of each group of keys and each row: its value [dim], not divided by the sum, then the largest score (to base 2), then the sum. */
#define VTK_PART_SIZE(dim) ((size_t)(dim) + 2)

/* Distances of objects to centres: out[c * ld + o]. Objects come in panels of VTK_PANEL: element k of object o is
 * panels[(o / VTK_PANEL * dim + k) * VTK_PANEL + o % VTK_PANEL]. Every object of a panel is computed, also those that only fill it up. */
enum { VTK_PANEL = 16, VTK_SPARSE = 8 };
enum { VTK_L2, VTK_L2_SQUARED, VTK_L1, VTK_COSINE, VTK_N_METRICS }; /* COSINE: half the squared L2 distance, of rows of length 1 */
typedef struct vtk_distance {
    void *out;           /* elements of the kernel's type */
    int64_t ld;          /* at least n_panels * VTK_PANEL */
    const void *panels;
    int64_t n_panels;
    const void *centres; /* [n_centres, dim] */
    int64_t n_centres, dim;
} vtk_distance;

/* The centre with the largest score x . c - norm of c for each object, the first of several; with half its squared length as its norm that is the
 * nearest. Element k of centre c is centres[(c / VTK_CENTRES * dim + k) * VTK_CENTRES + c % VTK_CENTRES]; those that only fill up the last group
 * have infinite norms. Every object of a panel gets a label, also those that only fill it up. */
enum { VTK_CENTRES = 6 };
typedef struct vtk_nearest {
    int32_t *labels;     /* [n_panels * VTK_PANEL] */
    void *scores;        /* the same: the score of the label */
    const void *panels;  /* elements of the kernel's type, like all below */
    const void *centres; /* [n_groups, dim, VTK_CENTRES] */
    const void *norms;   /* [n_groups * VTK_CENTRES] */
    int64_t n_groups, dim;
} vtk_nearest;

/* sum[k] += sum over the rows of a list of weight * (x[k] - shift[k]), each column in the list's order, in float64. */
typedef struct vtk_row_sum {
    double *sum;        /* [dim] */
    const void *rows;   /* of the kernel's type */
    int64_t stride;     /* elements from row to row */
    int64_t dim;
    const double *shift;   /* [dim] */
    const double *weights; /* of each row; NULL: all 1 */
    const int32_t *list;   /* [n] row r, or ~r, which is taken away */
    int64_t n;
} vtk_row_sum;

typedef struct vtk_table {
    const char *isa; /* best instruction set in use: "ref", "avx2", "avx512", "avx512vnni", "avx512bf16" */

    /* quant: rows of n elements, whole blocks. encode makes the bytes of the reference quantisers of GGUF, and of Q2_K to Q6_K searches, alike everywhere. */
    void (*decode[VTK_N_TYPES])(float *y, const void *x, int64_t n);
    void (*encode[VTK_N_TYPES])(void *y, const float *x, int64_t n);
    void (*encode_q8_row)(void *y, const float *x, int64_t n);

    /* matmul: rows row0..row1-1 of W. matmul_q8 is NULL for F32, F16 and BF16; all of its bodies but ref's agree bit for bit. They use up to
     * 64 KiB of stack. */
    void (*matmul_f32[VTK_N_TYPES])(const vtk_matmul *p, int64_t row0, int64_t row1);
    void (*matmul_q8[VTK_N_TYPES])(const vtk_matmul *p, int64_t row0, int64_t row1);
    /* The same from packed weights: p->w is the first panel, p->w_stride the bytes from panel to panel; row0 is a multiple of VTK_PANEL_ROWS, row1 too
     * unless it is the last row. NULL for types without a packed form. All bodies, ref's too, agree bit for bit with each other, and with those of
     * matmul_q8 but ref's. */
    void (*matmul_packed[VTK_N_TYPES])(const vtk_matmul *p, int64_t row0, int64_t row1);

    /* norm */
    void (*rms_norm)(float *y, const float *x, const float *w, int64_t n, float eps); /* y may be x */
    void (*rms_norm_q8)(void *y, const float *x, const float *w, int64_t n, float eps); /* encode_q8_row of the same, to the bit, in one go */
    void (*layer_norm)(float *y, const float *x, const float *w, const float *b, int64_t n, float eps); /* y may be x */
    void (*softmax)(float *x, int64_t n, float scale); /* x = softmax(scale * x), n >= 1 */

    /* elementwise */
    void (*add)(float *y, const float *x, int64_t n);                              /* y += x */
    void (*silu_mul)(float *y, const float *gate, const float *up, int64_t n);     /* y = gate / (1 + exp(-gate)) * up; y may be gate or up */
    void (*gelu_mul)(float *y, const float *gate, const float *up, int64_t n);     /* the same with GELU, its tanh form: gate / (1 + exp(-2 sqrt(2/pi) (gate + 0.044715 gate^3))) */
    void (*rope_pairs)(float *x, const float *cos, const float *sin, int64_t n_pairs);  /* rotates (x[2j], x[2j+1]): GGUF's NORM */
    void (*rope_halves)(float *x, const float *cos, const float *sin, int64_t n_pairs); /* rotates (x[j], x[j+n_pairs]): NEOX */

    /* attention. put stores a token's key and value in slot 0..15 of a block; keys and values are where the head's begin. Bodies above ref agree
     * bit for bit. */
    void (*kv_put[VTK_N_KV])(void *keys, void *values, int64_t slot, const float *key, const float *value, int64_t dim);
    void (*attention)(const vtk_attention *p);
    /* The parts of groups first..last-1 into parts[(group - first) * n_pos * n_shared + row], and p->out from those of groups 0..n-1. */
    void (*attention_parts)(const vtk_attention *p, int64_t first, int64_t last, float *parts);
    void (*attention_merge)(const vtk_attention *p, const float *parts, int64_t first, int64_t last);

    /* distance: of rows of floats, and of rows of 64-bit words of bits (out int32: how many differ; out float32: of those in either, how many differ).
     * A distance is the same number with object and centre exchanged; that of a row to itself is 0. */
    void (*distance_f32[VTK_N_METRICS])(const vtk_distance *p);
    void (*distance_f64[VTK_N_METRICS])(const vtk_distance *p);
    void (*distance_hamming)(const vtk_distance *p);
    void (*distance_jaccard)(const vtk_distance *p);
    /* Of one sparse row of n elements with VTK_SPARSE rows side by side in dense[column * VTK_SPARSE + c]: the sum of products, and the sum of the
     * smaller magnitudes where both have one sign. In ascending order of columns and exact in each term: all bodies agree bit for bit. */
    void (*sparse_dot)(double *sums, const float *dense, const int32_t *columns, const float *values, int64_t n);
    void (*sparse_shared)(double *sums, const float *dense, const int32_t *columns, const float *values, int64_t n);

    /* medoid: k-medoids. column: [n] distances of all objects to one; first..last-1 are the objects worked on. All bodies agree bit for bit. */
    void (*medoid_start[VTK_N_DISTANCES])(const vtk_medoids *m, const void *column, int64_t first, int64_t last); /* slot 0 is everybody's */
    /* Slots 1, 2, ... in this order; object `own` is the medoid, which belongs to itself. */
    void (*medoid_add[VTK_N_DISTANCES])(const vtk_medoids *m, int32_t slot, int64_t own, const void *column, int64_t first, int64_t last);
    void (*medoid_removal[VTK_N_DISTANCES])(void *sums, const vtk_medoids *m, int64_t first, int64_t last); /* sums[slot1] += d2 - d1, from 0 on; k >= 2 */
    /* The sum of d, or with limits of min(d - limit, 0). */
    void (*medoid_total[VTK_N_DISTANCES])(void *sum, const void *d, const void *limits, const void *weights, int64_t n);
    /* The best slot for a candidate to replace and the change of the loss; k >= 2, removal: [k] of all objects, scratch: [k] sums. next: a column that
     * will be asked for soon, to be fetched meanwhile; NULL: not known. */
    void (*medoid_judge[VTK_N_DISTANCES])(void *change, int32_t *slot, void *scratch, const vtk_medoids *m, const void *removal, const void *column,
                                          const void *next);
    /* Candidates by what they reach: the objects with distance < limit, ascending, and these distances; objects has room for n + 16. The judgement is that
     * of medoid_judge where no d2 is above its limit. */
    int64_t (*medoid_reach[VTK_N_DISTANCES])(int32_t *objects, void *distances, const void *limits, int64_t n, const void *column, const void *next);
    void (*medoid_judge_reach[VTK_N_DISTANCES])(void *change, int32_t *slot, void *scratch, const vtk_medoids *m, const void *removal, const int32_t *objects,
                                                const void *distances, int64_t n);
    /* Limits d2 + |d2| / 2^shift: of all n objects, or of those of a list whose d2 has passed theirs, which with the limits from before and from now on go to
     * `to`; how many these are. */
    void (*medoid_limit[VTK_N_DISTANCES])(void *limits, const vtk_medoids *m, int shift);
    int64_t (*medoid_widen[VTK_N_DISTANCES])(const vtk_widening *to, void *limits, const vtk_medoids *m, int shift, const int32_t *objects, int64_t n_objects);
    /* Which of n widenings, first ones first, made object j reach: from <= columns[i][j] < to. */
    int64_t (*medoid_widened[VTK_N_DISTANCES])(int32_t *found, const vtk_widening *w, const void *const *columns, int64_t n, int64_t j);
    void (*medoid_pair[VTK_N_DISTANCES])(void *change, const vtk_medoids *m, int32_t slot, const void *column); /* the same for one slot, slowly */
    /* Object `own` becomes the medoid of the slot. Objects that lose a medoid and must look for their second one go to lost[], which has room for
     * all, and their number is returned. */
    int64_t (*medoid_swap[VTK_N_DISTANCES])(const vtk_medoids *m, int32_t slot, int64_t own, const void *column, int64_t first, int64_t last, int32_t *lost);
    /* Finds the second medoid of such objects: the slot just taken, or a nearer one. Object objects[i] is at columns[s][objects[i]] of slot s where
     * `row` is 0, else at columns[s][(first + i) * row]. */
    void (*medoid_rescan[VTK_N_DISTANCES])(const vtk_medoids *m, int32_t slot, const void *column, const int32_t *objects, int64_t n_objects,
                                           const void *const *columns, int64_t row, int64_t first);

    /* k-means: objects of panels panel0..panel1-1; rows into a sum */
    void (*nearest_f32)(const vtk_nearest *p, int64_t panel0, int64_t panel1);
    void (*nearest_f64)(const vtk_nearest *p, int64_t panel0, int64_t panel1);
    void (*sum_rows_f32)(const vtk_row_sum *p);
    void (*sum_rows_f64)(const vtk_row_sum *p);

    /* survey of matrices of distances. largest: the bits of the largest magnitude, floats without their sign (NaN is above infinity), integers
     * unsigned. is_mirrored: a, as [n_rows, n_columns], has the bits of the transpose of b, both with rows `edge` apart. */
    uint64_t (*largest[VTK_N_DISTANCES])(const vtk_survey *s);
    int (*is_mirrored_32)(const void *a, const void *b, int64_t edge, int64_t n_rows, int64_t n_columns);
    int (*is_mirrored_64)(const void *a, const void *b, int64_t edge, int64_t n_rows, int64_t n_columns);

    /* medoid silhouettes. column: [n] distances of all objects to the candidate, object `own`. A loss is the sum of d1/d2 over all objects, object
     * after object. All bodies agree bit for bit.
     * The first slot in which the candidate would gain most, and how much less the loss would be; k >= 3, removal: [k] gain by each removal alone,
     * scratch: [k]. */
    void (*msc_judge[VTK_N_DISTANCES])(double *gain, int32_t *slot, double *scratch, const vtk_msc *m, const double *removal, const void *column, const void *next,
                                       int64_t own);
    /* k = 2: the losses [2] with the candidate in either slot. */
    void (*msc_judge_two[VTK_N_DISTANCES])(double *losses, const vtk_msc *m, const void *column, int64_t own);
    /* Finds the third medoid of an object: the one it has (slot3, or -1), or the first of those nearer in row, its [k] distances, which are overwritten. */
    void (*msc_third[VTK_N_DISTANCES])(vtk_near3 *object, void *row, int64_t k, double far);

    /* softmax: rows of n >= 1 logits, of which minus infinity is one. All bodies agree bit for bit.
     * row_best: the first of the largest, -1 for a row with a NaN or plus infinity. row_select: positions of those not below least, in order; out has
     * room for all. row_weights: the sums of w and of w * (x - max), w = exp(x - max), x <= max; row_exp: each w. row_temper: x = (x - from) / t. */
    int64_t (*row_best)(const float *x, int64_t n);
    int64_t (*row_select)(int32_t *out, const float *x, int64_t n, float least);
    void (*row_weights)(double sums[2], const float *x, int64_t n, float max);
    void (*row_exp)(float *w, const float *x, int64_t n, float max);
    void (*row_temper)(float *x, int64_t n, float from, float t);

    /* gemm: rows row0..row1-1 of X, panels panel0..panel1-1 of W */
    void (*gemm_pack)(float *panels, const float *w, int64_t ld, int64_t n, int64_t k); /* w: [n, k], rows ld apart */
    void (*gemm_f32)(const vtk_gemm *p, int64_t row0, int64_t row1, int64_t panel0, int64_t panel1);
    /* With finish STORE all bodies agree bit for bit. */
    void (*gemm_q8_pack)(unsigned char *panels, const float *w, int64_t ld, int64_t n, int64_t k);
    void (*gemm_q8_row)(unsigned char *row, const float *x, int64_t k);
    void (*gemm_q8)(const vtk_gemm *p, int64_t row0, int64_t row1, int64_t panel0, int64_t panel1);
    void (*gemm_f64)(const vtk_gemm *p, int64_t row0, int64_t row1, int64_t panel0, int64_t panel1);
    void (*gemm_bf16)(const vtk_gemm *p, int64_t row0, int64_t row1, int64_t panel0, int64_t panel1); /* all bodies agree bit for bit */
    /* out[c * ld_out + r] = in[r * ld_in + c] for elements of 4 and of 8 bytes; out and in do not overlap. */
    void (*transpose_32)(void *out, int64_t ld_out, const void *in, int64_t ld_in, int64_t n_rows, int64_t n_columns);
    void (*transpose_64)(void *out, int64_t ld_out, const void *in, int64_t ld_in, int64_t n_rows, int64_t n_columns);
    void (*zip_16)(void *out, const void *a, const void *b, int64_t n); /* a[0], b[0], a[1], b[1], ...: elements of 2 bytes, n of each */

    /* Families of tensor kernels with tables of their own, whole ones for each instruction set; a family's header is vtk_<name>.h. */
    const struct vtk_map *map;     /* elementwise */
    const struct vtk_fold *fold;   /* reductions, softmax, norms */
    const struct vtk_conv *conv;   /* convolution, pooling */
    const struct vtk_flash *flash; /* attention over dense arrays, forward and backward */
    const struct vtk_fft *fft;
    const struct vtk_entropy *entropy; /* of compressed caches */
} vtk_table;

/* The table for this machine. VT_ISA=ref|avx2|avx512|avx512vnni|avx512bf16 in the environment lowers it; a value that is not known pins ref. */
const vtk_table *vtk_get(void);

/* Fills t with the slots of exactly this instruction set; 0, with t undefined, if the machine lacks it or the name is not known. */
int vtk_fill_isa(vtk_table *t, const char *isa);

/* Each overwrites the slots that it improves; ref fills all. */
void vtk_fill_ref(vtk_table *t);
#if defined(__x86_64__)
void vtk_fill_avx2(vtk_table *t);
void vtk_fill_avx512(vtk_table *t);
void vtk_fill_avx512vnni(vtk_table *t);
void vtk_fill_avx512bf16(vtk_table *t);
#endif

#endif
