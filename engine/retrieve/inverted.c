#include "retrieve/inverted.h"

#include <string.h>

#include "core/error.h"
#include "core/memory.h"

/* Term at a time: the postings of each query term are added up in an array of all passages, which is then read once. At these sizes that is
 * faster than any skipping, and it is the reference that later engines are held to. */

typedef struct sums {
    double score, weight; /* of the query terms that the passage has; weight > 0 says that there is one */
} sums;

/* By term number. Shell sort: no scratch, no recursion, and not quadratic when a whole text is the query. */
static void sort_query(vt__query_term *q, int64_t n) {
    for (int64_t gap = n / 2; gap > 0; gap = gap == 2 ? 1 : gap * 5 / 11)
        for (int64_t i = gap; i < n; i++) {
            vt__query_term t = q[i];
            int64_t j = i;
            for (; j >= gap && q[j - gap].term > t.term; j -= gap) q[j] = q[j - gap];
            q[j] = t;
        }
}

/* Whether a comes after b in the result. */
static int worse(const vt__found *a, const vt__found *b) { return a->score != b->score ? a->score < b->score : a->id > b->id; }

/* Heap with the worst on top. */
static void sift_down(vt__found *heap, int64_t n, int64_t at) {
    vt__found moving = heap[at];
    for (;;) {
        int64_t child = 2 * at + 1;
        if (child >= n) break;
        if (child + 1 < n && worse(&heap[child + 1], &heap[child])) child++;
        if (!worse(&heap[child], &moving)) break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moving;
}

static void sift_up(vt__found *heap, int64_t at) {
    vt__found moving = heap[at];
    while (at > 0 && worse(&moving, &heap[(at - 1) / 2])) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = moving;
}

static void offer(vt__found *heap, int64_t *n, int64_t k, const vt__found *f) {
    if (*n < k) {
        heap[*n] = *f;
        sift_up(heap, (*n)++);
    } else if (worse(&heap[0], f)) {
        heap[0] = *f;
        sift_down(heap, k, 0);
    }
}

/* Heap into a list, best first. */
static void unheap(vt__found *heap, int64_t n) {
    for (int64_t left = n - 1; left > 0; left--) {
        vt__found worst = heap[0];
        heap[0] = heap[left];
        heap[left] = worst;
        sift_down(heap, left, 0);
    }
}

static void accumulate(const vt__image *im, const vt__query_term *query, int64_t n_query, sums *acc) {
    for (int64_t q = 0; q < n_query; q++) {
        if (query[q].term < 0) continue;
        const vt__image_term *t = &im->terms[query[q].term];
        double w = query[q].weight;
        for (int64_t j = t->first; j < t->first + t->n; j++) {
            sums *s = &acc[im->ids[j]];
            s->score += w * im->weights[j];
            s->weight += w;
        }
    }
}

vt_status vt__inverted_search(const vt__image *image, vt__query_term *query, int64_t n_query, const vt__search_params *params, vt__found_list *out) {
    int64_t n = image->meta->n_passages, k = params->k < n ? params->k : n;
    double total = 0;

    *out = (vt__found_list){NULL, 0};
    sums *acc = vt__calloc2(image->ctx, n, 1, sizeof *acc);
    vt__found *heap = vt__calloc2(image->ctx, k, 1, sizeof *heap);
    if (!acc || !heap) {
        vt__free(image->ctx, acc);
        vt__free(image->ctx, heap);
        return vt__fail(VT_ERR_NOMEM, "search: no memory for %lld passages", (long long)n);
    }
    sort_query(query, n_query);
    for (int64_t q = 0; q < n_query; q++) total += query[q].weight;
    accumulate(image, query, n_query, acc);
    for (int64_t i = 0; i < n; i++) {
        if (!(acc[i].weight > 0)) continue;
        /* The same terms can add up to a last bit more or less than the total. */
        double share = acc[i].weight / total;
        vt__found f = {.id = i, .score = acc[i].score, .coverage = share < 1 ? share : 1};
        if (f.score >= params->min_score && f.coverage >= params->min_coverage) offer(heap, &out->n, k, &f);
    }
    unheap(heap, out->n);
    vt__free(image->ctx, acc);
    out->items = heap;
    return VT_OK;
}
