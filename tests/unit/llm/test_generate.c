/* Generation: where it ends, what text comes, what cancelling leaves. */
#include <signal.h>
#include <sys/time.h>

#include "craft.h"
#include "tiny.h"

typedef struct heard {
    char text[256];
    size_t len;
    int pieces, stop_at;
    vt_cancel *raise; /* raised at stop_at instead of stopping */
} heard;

static int32_t on_piece(void *user, int32_t id, const char *text, size_t len) {
    heard *h = user;
    (void)id;
    assert_true(len > 0 && h->len + len < sizeof h->text);
    memcpy(h->text + h->len, text, len);
    h->len += len;
    h->text[h->len] = 0;
    if (++h->pieces != h->stop_at) return 0;
    vt_cancel_raise(h->raise);
    return !h->raise;
}

typedef struct rig {
    vt_context *ctx;
    vt_model *m;
    vt_cancel *cancel;
    vt_session *s;
    heard h;
    vt_generate_options opt;
} rig;

/* A model that continues "a" along the chain, already fed with "a". */
static void set_up(rig *r, const char *chain) {
    *r = (rig){.opt = VT_STRUCT_INIT(vt_generate_options)};
    r->ctx = tiny_context(1);
    assert_int_equal(vt_model_open(r->ctx, craft_write(&(craft){.chain = chain}), NULL, &r->m), VT_OK);
    assert_int_equal(vt_cancel_create(r->ctx, &r->cancel), VT_OK);
    r->s = tiny_session(r->m, 0, NULL, r->cancel);
    assert_int_equal(vt_session_feed(r->s, &(int32_t){'a'}, 1), VT_OK);
    r->opt.piece = on_piece;
    r->opt.piece_user = &r->h;
}

static void tear_down(rig *r) {
    vt_session_release(r->s);
    vt_cancel_release(r->cancel);
    vt_model_release(r->m);
    vt_context_release(r->ctx);
}

static void answer_ends_with_the_end_token_and_whole_code_points(void **state) {
    vt_buffer *text;
    rig r;
    (void)state;
    set_up(&r, "ab\xc3\xa9z\xe2\x82\xac");
    assert_int_equal(vt_session_generate(r.s, &r.opt, &text), VT_OK);
    assert_string_equal(vt_buffer_data(text), "b\xc3\xa9z\xe2\x82\xac");
    assert_string_equal(r.h.text, "b\xc3\xa9z\xe2\x82\xac");
    assert_int_equal(r.h.pieces, 4); /* b, é, z, € */
    assert_int_equal(vt_session_count(r.s), 1 + 7 + 1);
    assert_int_equal(vt_session_tokens(r.s)[8], CRAFT_EOG);
    vt_buffer_release(text);
    tear_down(&r);
}

static void unfinished_code_point_comes_out_as_replacement(void **state) {
    vt_buffer *text;
    rig r;
    (void)state;
    set_up(&r, "ab\xc3");
    assert_int_equal(vt_session_generate(r.s, &r.opt, &text), VT_OK);
    assert_string_equal(vt_buffer_data(text), "b\xef\xbf\xbd");
    assert_string_equal(r.h.text, "b\xef\xbf\xbd");
    vt_buffer_release(text);
    tear_down(&r);
}

static void max_tokens_callback_and_context_end_it_normally(void **state) {
    vt_buffer *text;
    rig r;
    (void)state;
    set_up(&r, "abcdefghijkl");
    r.opt.max_tokens = 3;
    assert_int_equal(vt_session_generate(r.s, &r.opt, &text), VT_OK);
    assert_string_equal(vt_buffer_data(text), "bcd");
    assert_int_equal(vt_session_count(r.s), 4);
    vt_buffer_release(text);
    r.opt.max_tokens = 0; /* goes on from where it is; the callback says stop at its fifth piece */
    r.h.stop_at = 5;
    assert_int_equal(vt_session_generate(r.s, &r.opt, NULL), VT_OK);
    assert_string_equal(r.h.text, "bcdef");
    r.opt.max_tokens = -1;
    assert_int_equal(vt_session_generate(r.s, &r.opt, NULL), VT_ERR_INVALID);
    r.opt = (vt_generate_options){.struct_size = sizeof r.opt, .flags = 4};
    assert_int_equal(vt_session_generate(r.s, &r.opt, NULL), VT_ERR_INVALID);
    tear_down(&r);

    /* After its end token this model says anything; the context ends it. */
    set_up(&r, "ab");
    r.opt = (vt_generate_options){.struct_size = sizeof r.opt, .flags = VT_GENERATE_IGNORE_EOG};
    assert_int_equal(vt_session_generate(r.s, &r.opt, NULL), VT_OK);
    assert_int_equal(vt_session_count(r.s), CRAFT_CTX);
    assert_int_equal(vt_session_generate(r.s, NULL, &text), VT_OK);
    assert_int_equal(vt_buffer_size(text), 0);
    vt_buffer_release(text);
    tear_down(&r);
}

static void needs_a_fed_session_and_a_vocabulary_for_text(void **state) {
    vt_buffer *text = NULL;
    vt_generate_options opt = VT_STRUCT_INIT(vt_generate_options);
    vt_context *ctx = tiny_context(1);
    vt_model *m = tiny_open(ctx, "tiny_llama");
    vt_session *s = tiny_session(m, 0, NULL, NULL);
    (void)state;
    opt.max_tokens = 4;
    assert_int_equal(vt_session_generate(s, &opt, NULL), VT_ERR_STATE);
    assert_int_equal(vt_session_feed(s, &(int32_t){1}, 1), VT_OK);
    assert_int_equal(vt_session_generate(s, &opt, &text), VT_ERR_NOT_FOUND);
    assert_null(text);
    assert_int_equal(vt_session_generate(s, &opt, NULL), VT_OK); /* ids alone need none */
    assert_int_equal(vt_session_count(s), 5);
    vt_session_release(s);
    vt_model_release(m);
    vt_context_release(ctx);
}

static void cancelling_keeps_what_was_generated(void **state) {
    vt_buffer *text = NULL;
    rig r;
    (void)state;
    set_up(&r, "abcdefghijkl");
    r.h.stop_at = 4;
    r.h.raise = r.cancel;
    assert_int_equal(vt_session_generate(r.s, &r.opt, &text), VT_ERR_CANCELLED);
    assert_null(text);
    assert_string_equal(r.h.text, "bcde");
    assert_int_equal(vt_session_count(r.s), 5);
    vt_cancel_reset(r.cancel);
    r.h.stop_at = 0;
    assert_int_equal(vt_session_generate(r.s, &r.opt, &text), VT_OK);
    assert_string_equal(vt_buffer_data(text), "fghijkl");
    vt_buffer_release(text);
    tear_down(&r);
}

/* ---- cancel in the middle of a pass, from a signal handler ---- */

static vt_cancel *to_raise;

static void on_alarm(int sig) {
    (void)sig;
    vt_cancel_raise(to_raise);
}

enum { CANCEL_IDS = 128 };

/* Whenever the signal comes: either all was fed or nothing was, and going on gives the same numbers. */
static void cancelled_feed_is_undone(void **state) {
    static float want[CRAFT_VOCAB];
    int32_t ids[CANCEL_IDS];
    const float *last;
    int n_cancelled = 0;
    vt_model *m;
    vt_context *ctx = tiny_context(2);
    (void)state;
    for (int i = 0; i < CANCEL_IDS; i++) ids[i] = i * 31 % CRAFT_VOCAB;
    assert_int_equal(vt_model_open(ctx, craft_write(&(craft){0}), NULL, &m), VT_OK);
    assert_int_equal(vt_cancel_create(ctx, &to_raise), VT_OK);
    vt_session *s = tiny_session(m, 0, NULL, to_raise);
    assert_int_equal(vt_session_feed(s, ids, CANCEL_IDS), VT_OK);
    assert_int_equal(vt_session_logits(s, &last), VT_OK);
    memcpy(want, last, sizeof want);
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = on_alarm}, NULL);
    for (int us = 1; us < 4000; us += us / 3 + 20) {
        vt_cancel_reset(to_raise);
        assert_int_equal(vt_session_trim(s, 7), VT_OK);
        assert_int_equal(setitimer(ITIMER_REAL, &(struct itimerval){.it_value.tv_usec = us}, NULL), 0);
        vt_status st = vt_session_feed(s, ids + 7, CANCEL_IDS - 7);
        setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
        assert_true(st == VT_OK || st == VT_ERR_CANCELLED);
        n_cancelled += st != VT_OK;
        assert_int_equal(vt_session_count(s), st == VT_OK ? CANCEL_IDS : 7);
        if (st == VT_OK) continue;
        assert_int_equal(vt_session_logits(s, &last), VT_ERR_STATE);
        vt_cancel_reset(to_raise);
        assert_int_equal(vt_session_feed(s, ids + 7, CANCEL_IDS - 7), VT_OK);
        assert_int_equal(vt_session_logits(s, &last), VT_OK);
        assert_memory_equal(last, want, sizeof want);
    }
    vt_cancel_raise(to_raise);
    assert_int_equal(vt_session_trim(s, 7), VT_OK);
    assert_int_equal(vt_session_feed(s, ids + 7, 1), VT_ERR_CANCELLED);
    assert_true(n_cancelled > 0);
    vt_session_release(s);
    vt_cancel_release(to_raise);
    vt_model_release(m);
    vt_context_release(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answer_ends_with_the_end_token_and_whole_code_points), cmocka_unit_test(unfinished_code_point_comes_out_as_replacement),
        cmocka_unit_test(max_tokens_callback_and_context_end_it_normally), cmocka_unit_test(needs_a_fed_session_and_a_vocabulary_for_text),
        cmocka_unit_test(cancelling_keeps_what_was_generated), cmocka_unit_test(cancelled_feed_is_undone),
    };
    return cmocka_run_group_tests(tests, NULL, craft_remove);
}
