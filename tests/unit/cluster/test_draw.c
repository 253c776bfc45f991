/* The draws of clustering: reference words of splitmix64, bounds, undoing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cluster/draw.h"

static void words_are_those_of_the_reference(void **state) {
    (void)state;
    /* The published generator seeded with 1234567. */
    static const uint64_t want[] = {6457827717110365317u, 3203168211198807973u, 9817491932198370423u, 4593380528125082431u, 16408922859458223821u};
    vt__draws d = {1234567};
    for (int i = 0; i < 5; i++) assert_true(vt__draw_word(&d) == want[i]);
}

static void undone_words_come_again(void **state) {
    (void)state;
    vt__draws d = {42};
    uint64_t a = vt__draw_word(&d), b = vt__draw_word(&d);
    vt__draw_back(&d, 2);
    assert_true(vt__draw_word(&d) == a && vt__draw_word(&d) == b);
}

static void selections_are_permutations(void **state) {
    (void)state;
    int64_t items[50], seen[50] = {0};
    vt__draws d = {7};
    for (int64_t i = 0; i < 50; i++) items[i] = i;
    vt__draw_select(&d, items, 50, 20);
    for (int i = 0; i < 50; i++) {
        assert_true(items[i] >= 0 && items[i] < 50);
        seen[items[i]]++;
    }
    for (int i = 0; i < 50; i++) assert_true(seen[i] == 1);
}

static void draws_stay_below(void **state) {
    (void)state;
    vt__draws d = {9};
    int hit[3] = {0};
    for (int i = 0; i < 3000; i++) hit[vt__draw_below(&d, 3)]++;
    for (int i = 0; i < 3; i++) assert_in_range(hit[i], 900, 1100);
    for (int i = 0; i < 1000; i++) {
        double u = vt__draw_unit(&d);
        assert_true(u >= 0 && u < 1);
    }
    assert_true(vt__draw_below(&d, 1) == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(words_are_those_of_the_reference), cmocka_unit_test(undone_words_come_again),
                                       cmocka_unit_test(selections_are_permutations), cmocka_unit_test(draws_stay_below)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
