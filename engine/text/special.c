/* Places of special tokens in a text. The rule: the longest token is looked for in the whole text first, then the next one in what is
 * left. Done in one walk: matches that touch no other match (nearly all) are taken at once; a cluster of overlapping ones goes through a
 * queue by rank, where a match that lost its bytes comes back as the next shorter token at its place. */
#include "text/special.h"

#include "core/error.h"
#include "core/sort.h"
#include "text/heap.h"
#include "text/tokenizer_internal.h"

enum { MAX_LEN = 1024 }; /* of a special token's text: bounds the work at one place of a text */

static int class_of(const vt_tokenizer *tok, int64_t id) {
    if (vt__token_is_special(tok, id)) return VT__CLASS_SPECIAL;
    return vt__token_type(tok, id) == VT__TOKEN_USER ? VT__CLASS_USER : 0;
}

/* Rank order. */
static int before(const void *user, int64_t a, int64_t b) {
    const vt_tokenizer *tok = user;
    vt__span x = vt__token_text(tok, a), y = vt__token_text(tok, b);
    if (x.len != y.len) return x.len > y.len;
    int c = memcmp(x.data, y.data, x.len);
    return c != 0 ? c < 0 : a < b;
}

static int same_text(const vt_tokenizer *tok, int64_t a, int64_t b) {
    vt__span x = vt__token_text(tok, a), y = vt__token_text(tok, b);
    return x.len == y.len && memcmp(x.data, y.data, x.len) == 0;
}

/* Sorted ids in `order` into the ranks and their groups. Of equal texts only the first of each class can ever be found: the others are left
 * out, or a vocabulary full of them would cost a walk over all at each byte of a text. */
static vt_status fill(vt_tokenizer *tok, const char *name, const int64_t *order) {
    vt__specials *s = &tok->specials;
    size_t len = 0;
    int64_t n = 0;
    int seen = 0; /* classes of the texts equal to this one */
    for (int64_t i = 0; i < s->n; i++) {
        vt__span text = vt__token_text(tok, order[i]);
        int class = class_of(tok, order[i]);
        if (text.len > MAX_LEN)
            return vt__fail(VT_ERR_FORMAT, "%s: special token %lld has %zu bytes, at most %d are allowed", name, (long long)order[i], text.len,
                            MAX_LEN);
        if (i == 0 || !same_text(tok, order[i - 1], order[i])) seen = 0;
        if (seen & class) continue;
        seen |= class;
        if (n == 0 || text.len != len) s->group[s->n_groups++] = (vt__special_group){.first = n, .len = text.len};
        len = text.len;
        s->id[n++] = (int32_t)order[i];
        s->first[(unsigned char)text.data[0]] |= (uint8_t)class;
        s->classes |= (uint8_t)class;
    }
    s->n = n;
    s->group[s->n_groups].first = s->n;
    return VT_OK;
}

vt_status vt__specials_create(vt_tokenizer *tok, const char *name) {
    vt__specials *s = &tok->specials;
    vt_status st = VT_OK;
    int64_t n = 0;

    for (int64_t id = 0; id < tok->n_tokens; id++) n += class_of(tok, id) && vt__token_text(tok, id).len > 0;
    int64_t *order = vt__calloc2(tok->ctx, n, 1, sizeof *order);
    s->id = vt__calloc2(tok->ctx, n, 1, sizeof *s->id);
    s->group = vt__calloc2(tok->ctx, n + 1, 1, sizeof *s->group);
    if (!order || !s->id || !s->group) {
        st = vt__fail_nomem("tokenizer", 0);
    } else {
        for (int64_t id = 0; id < tok->n_tokens; id++)
            if (class_of(tok, id) && vt__token_text(tok, id).len > 0) order[s->n++] = id;
        st = vt__sort(tok->ctx, order, s->n, before, tok) ? vt__fail_nomem("tokenizer", 0) : fill(tok, name, order);
    }
    vt__free(tok->ctx, order);
    return st;
}

void vt__specials_free(vt_context *ctx, vt__specials *specials) {
    vt__free(ctx, specials->id);
    vt__free(ctx, specials->group);
}

/* Rank of the longest token that stands at p and has at most `left` bytes, or -1. */
static int64_t match(const vt_tokenizer *tok, int classes, const char *p, size_t left) {
    const vt__specials *s = &tok->specials;
    for (int64_t group = 0; group < s->n_groups; group++) {
        size_t len = s->group[group].len;
        int64_t lo = s->group[group].first, end = s->group[group + 1].first, hi = end;
        if (len > left) continue;
        while (lo < hi) {
            int64_t mid = lo + (hi - lo) / 2;
            if (memcmp(vt__token_text(tok, s->id[mid]).data, p, len) < 0) lo = mid + 1;
            else hi = mid;
        }
        for (; lo < end && memcmp(vt__token_text(tok, s->id[lo]).data, p, len) == 0; lo++) { /* one text may be there once a class */
            if (class_of(tok, s->id[lo]) & classes) return lo;
        }
    }
    return -1;
}

/* The hits from `from` on overlap each other in a chain and are the longest ones of their places: keeps those that the rule keeps. */
static vt_status resolve(const vt_tokenizer *tok, int classes, const char *text, size_t end, vt__special_hits *hits, int64_t from) {
    vt__special_hit *cluster = hits->hit + from;
    int64_t n = hits->n - from;
    size_t base = cluster[0].begin;
    vt_status st = VT_OK;
    vt__heap queue = {0};
    char *taken = vt__calloc(tok->ctx, end - base);

    if (!taken) return vt__fail_nomem("tokenizer", end - base);
    for (int64_t i = 0; i < n && st == VT_OK; i++) {
        int64_t rank = match(tok, classes, text + cluster[i].begin, cluster[i].len);
        cluster[i].len = 0; /* not kept yet */
        if (vt__heap_push(tok->ctx, &queue, (uint64_t)rank << 32 | (uint64_t)i)) st = vt__fail_nomem("tokenizer", 0);
    }
    while (queue.n > 0 && st == VT_OK) {
        uint64_t key = vt__heap_pop(&queue);
        vt__special_hit *hit = &cluster[key & UINT32_MAX];
        int32_t id = tok->specials.id[key >> 32];
        size_t len = vt__token_text(tok, id).len;
        char *mine = taken + (hit->begin - base);
        if (!memchr(mine, 1, len)) {
            memset(mine, 1, len);
            *hit = (vt__special_hit){.begin = hit->begin, .len = len, .id = id};
            continue;
        }
        int64_t rank = match(tok, classes, text + hit->begin, len - 1);
        if (rank >= 0 && vt__heap_push(tok->ctx, &queue, (uint64_t)rank << 32 | (key & UINT32_MAX))) st = vt__fail_nomem("tokenizer", 0);
    }
    vt__free(tok->ctx, taken);
    vt__free(tok->ctx, queue.key);
    hits->n = from;
    for (int64_t i = 0; i < n; i++)
        if (cluster[i].len > 0) hits->hit[hits->n++] = cluster[i];
    return st;
}

vt_status vt__specials_find(const vt_tokenizer *tok, int classes, const char *text, size_t len, vt__special_hits *hits) {
    const vt__specials *s = &tok->specials;
    int64_t from = 0; /* hits from here on may still overlap what follows */
    size_t end = 0;          /* of the last of them */
    vt_status st = VT_OK;

    if (!(s->classes & classes)) return VT_OK;
    for (size_t i = 0; i < len && st == VT_OK; i++) {
        if (!(s->first[(unsigned char)text[i]] & classes)) continue;
        int64_t rank = match(tok, classes, text + i, len - i);
        if (rank < 0) continue;
        if (i >= end) {
            if (hits->n - from > 1) st = resolve(tok, classes, text, end, hits, from);
            from = hits->n;
        }
        if (st == VT_OK && vt__reserve(tok->ctx, (void **)&hits->hit, &hits->cap, hits->n + 1, sizeof *hits->hit)) st = vt__fail_nomem("tokenizer", 0);
        if (st != VT_OK) break;
        size_t n = vt__token_text(tok, s->id[rank]).len;
        hits->hit[hits->n++] = (vt__special_hit){.begin = i, .len = n, .id = s->id[rank]};
        if (i + n > end) end = i + n;
    }
    if (st == VT_OK && hits->n - from > 1) st = resolve(tok, classes, text, end, hits, from);
    return st;
}
