#include "core/memory.h"

#include <string.h>

#include "core/context.h"

/* Sits right before every block that we hand out. `base` is where the allocator's block begins. */
typedef struct header {
    size_t total;  /* bytes asked of the allocator */
    size_t offset; /* from base to the user's pointer */
} header;

enum { HEADER = 16, ALIGN64 = 64 };
_Static_assert(sizeof(header) <= HEADER, "the header fits before a block that is aligned to 16");

static header *header_of(void *ptr) { return (header *)(void *)((char *)ptr - HEADER); }

int vt__mul_size(int64_t n, int64_t m, size_t *out) {
    size_t r;
    if (n < 0 || m < 0 || __builtin_mul_overflow(n, m, &r)) return 1;
    *out = r;
    return 0;
}

static void *place(char *base, size_t total, size_t offset) {
    char *p = base + offset;
    *header_of(p) = (header){.total = total, .offset = offset};
    return p;
}

void *vt__alloc(vt_context *ctx, size_t bytes) {
    size_t total;
    if (__builtin_add_overflow(bytes ? bytes : 1, (size_t)HEADER, &total)) return NULL;
    char *base = vt__context_alloc(ctx, NULL, 0, total);
    return base ? place(base, total, HEADER) : NULL;
}

void *vt__calloc(vt_context *ctx, size_t bytes) {
    void *p = vt__alloc(ctx, bytes);
    if (p) memset(p, 0, bytes);
    return p;
}

void *vt__alloc64(vt_context *ctx, size_t bytes) {
    size_t total;
    if (__builtin_add_overflow(bytes ? bytes : 1, (size_t)HEADER + ALIGN64, &total)) return NULL;
    char *base = vt__context_alloc(ctx, NULL, 0, total);
    if (!base) return NULL;
    /* Never right behind the header, even where that is aligned: the offset is how vt__realloc knows such a block. */
    uintptr_t p = ((uintptr_t)base + HEADER + ALIGN64) & ~(uintptr_t)(ALIGN64 - 1);
    return place(base, total, (size_t)(p - (uintptr_t)base));
}

static int array_bytes(int64_t n, int64_t m, size_t elem, size_t *out) {
    size_t items;
    return vt__mul_size(n, m, &items) || __builtin_mul_overflow(items, elem, out);
}

void *vt__calloc2(vt_context *ctx, int64_t n, int64_t m, size_t elem) {
    size_t bytes;
    return array_bytes(n, m, elem, &bytes) ? NULL : vt__calloc(ctx, bytes);
}

void *vt__alloc64_2(vt_context *ctx, int64_t n, int64_t m, size_t elem) {
    size_t bytes;
    return array_bytes(n, m, elem, &bytes) ? NULL : vt__alloc64(ctx, bytes);
}

void *vt__realloc(vt_context *ctx, void *ptr, size_t bytes) {
    size_t total;
    if (!ptr) return vt__alloc(ctx, bytes);
    header *h = header_of(ptr);
    if (h->offset != HEADER) return NULL; /* a block of vt__alloc64 would lose its alignment */
    if (__builtin_add_overflow(bytes ? bytes : 1, (size_t)HEADER, &total)) return NULL;
    char *base = vt__context_alloc(ctx, (char *)ptr - HEADER, h->total, total);
    return base ? place(base, total, HEADER) : NULL;
}

size_t vt__alloc_size(const void *ptr) { return ((const header *)(const void *)((const char *)ptr - HEADER))->total; }

size_t vt__alloc_room(const void *ptr) {
    const header *h = (const header *)(const void *)((const char *)ptr - HEADER);
    return h->total - h->offset;
}

void vt__free(vt_context *ctx, void *ptr) {
    if (!ptr) return;
    header h = *header_of(ptr);
    (void)vt__context_alloc(ctx, (char *)ptr - h.offset, h.total, 0);
}

int vt__reserve(vt_context *ctx, void **ptr, int64_t *cap, int64_t need, size_t elem) {
    if (need <= *cap) return 0;
    int64_t grown = *cap + *cap / 2;
    int64_t n = grown > need ? grown : need;
    size_t bytes;
    if (n < 8) n = 8;
    if (array_bytes(n, 1, elem, &bytes)) return 1;
    void *p = vt__realloc(ctx, *ptr, bytes);
    if (!p) return 1;
    *ptr = p;
    *cap = n;
    return 0;
}

size_t vt__block_size(void *ptr) { return header_of(ptr)->total; }

/* ---- scratch ---- */

enum { MOST_KEPT = 1 << 24, MOST_IN_ALL = 1 << 26 };

static _Thread_local size_t scratch_now, scratch_most;

size_t vt__scratch_peak(void) {
    size_t most = scratch_most;
    scratch_most = scratch_now;
    return most;
}

/* A block is given back on the thread that took it. */
static void count(size_t taken, size_t given) {
    scratch_now = scratch_now + taken > given ? scratch_now + taken - given : 0;
    if (scratch_now > scratch_most) scratch_most = scratch_now;
}

static void *take_kept(vt__kept_block *kept, int i) {
    void *p = atomic_load_explicit(&kept->block[i], memory_order_relaxed) ? atomic_exchange(&kept->block[i], NULL) : NULL;
    if (p) atomic_fetch_sub(&kept->size, header_of(p)->total);
    return p;
}

/* Puts p into a free place, else into that of a smaller block, which is freed; so is p where there is none. */
static void keep(vt_context *ctx, void *p) {
    vt__kept_block *kept = vt__context_kept(ctx);
    for (int pass = 0; p && pass < 2; pass++)
        for (int i = 0; p && i < VT__SCRATCHES; i++) {
            void *other = pass ? take_kept(kept, i) : NULL;
            if (other && header_of(other)->total > header_of(p)->total) {
                void *smaller = p;
                p = other, other = smaller;
            }
            void *none = NULL;
            atomic_fetch_add(&kept->size, header_of(p)->total);
            if (atomic_compare_exchange_strong(&kept->block[i], &none, p)) {
                p = other; /* the smaller one goes on to the next place */
                continue;
            }
            atomic_fetch_sub(&kept->size, header_of(p)->total);
            vt__free(ctx, other);
        }
    vt__free(ctx, p);
}

void *vt__scratch_take(vt_context *ctx, size_t bytes) {
    vt__kept_block *kept = vt__context_kept(ctx);
    void *p = NULL;
    for (int i = 0; !p && i < VT__SCRATCHES; i++) {
        p = take_kept(kept, i);
        if (!p || vt__alloc_room(p) >= bytes) continue;
        keep(ctx, p);
        p = NULL;
    }
    if (!p) p = vt__alloc64(ctx, bytes);
    if (p) count(header_of(p)->total, 0);
    return p;
}

void *vt__scratch_take2(vt_context *ctx, int64_t n, int64_t m, size_t elem) {
    size_t bytes;
    return array_bytes(n, m, elem, &bytes) ? NULL : vt__scratch_take(ctx, bytes);
}

void *vt__scratch_zero2(vt_context *ctx, int64_t n, int64_t m, size_t elem) {
    size_t bytes;
    void *p = array_bytes(n, m, elem, &bytes) ? NULL : vt__scratch_take(ctx, bytes);
    if (p) memset(p, 0, bytes);
    return p;
}

void vt__scratch_give(vt_context *ctx, void *scratch) {
    if (!scratch) return;
    count(0, header_of(scratch)->total);
    size_t size = header_of(scratch)->total;
    if (size > MOST_KEPT || atomic_load(&vt__context_kept(ctx)->size) + size > MOST_IN_ALL) vt__free(ctx, scratch);
    else keep(ctx, scratch);
}

int vt__scratch_drop(vt_context *ctx) {
    int any = 0;
    for (int i = 0; i < VT__SCRATCHES; i++) {
        void *p = take_kept(vt__context_kept(ctx), i);
        any |= p != NULL;
        vt__free(ctx, p);
    }
    return any;
}
