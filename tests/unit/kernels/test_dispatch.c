#include "variants.h"

#include <stdlib.h>
#include <sys/wait.h>

/* What a fresh process picks under VT_ISA=value; NULL: unset. The child answers by its exit status. */
static int picks(const char *value, const char *isa) {
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        if (value) setenv("VT_ISA", value, 1);
        else unsetenv("VT_ISA");
        _exit(strcmp(vtk_get()->isa, isa) == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void unknown_isa_pins_the_reference(void **state) {
    (void)state;
    assert_true(picks("ref", "ref"));
    assert_true(picks("AVX2", "ref"));
}

static void isa_is_lowered_never_raised(void **state) {
    static const char *const names[] = {"ref", "avx2", "avx512", "avx512vnni", "avx512bf16"};
    const char *best = "ref";
    vtk_table t;
    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        if (vtk_fill_isa(&t, names[i])) best = names[i];
        assert_true(picks(names[i], best));
    }
    assert_true(picks(NULL, best));
    assert_true(picks("", best)); /* set but empty */
}

static void unknown_table_is_not_filled(void **state) {
    vtk_table t;
    (void)state;
    assert_int_equal(vtk_fill_isa(&t, "sse9"), 0);
    assert_int_equal(vtk_fill_isa(&t, ""), 0);
}

static void check_slots(const vtk_table *ref, const vtk_table *t) {
    (void)ref;
    for (int i = 0; i < VTK_N_TYPES; i++) {
        assert_true(t->decode[i] && t->encode[i] && t->matmul_f32[i]);
        assert_int_equal(t->matmul_q8[i] != NULL, i == VTK_Q8_0 || i == VTK_Q4_0 || i == VTK_Q4_1);
    }
    assert_true(t->encode_q8_row && t->rms_norm && t->add && t->silu_mul && t->gelu_mul && t->rope_pairs && t->rope_halves && t->attention);
}

static void every_slot_is_filled(void **state) {
    vtk_table ref;
    (void)state;
    assert_int_equal(vtk_fill_isa(&ref, "ref"), 1);
    check_slots(&ref, &ref);
    for_each_variant(check_slots);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_isa_pins_the_reference),
        cmocka_unit_test(isa_is_lowered_never_raised),
        cmocka_unit_test(unknown_table_is_not_filled),
        cmocka_unit_test(every_slot_is_filled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
