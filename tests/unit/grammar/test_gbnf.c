/* Grammars: what their texts are, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "torture_each.h"

#include "one_context.h"

static vt_grammar *compiled(const char *gbnf) {
    vt_grammar *g;
    if (vt_grammar_create(ctx, gbnf, strlen(gbnf), &g) != VT_OK) fail_msg("%s: %s", gbnf, vt_error_message());
    return g;
}

static int32_t check(vt_grammar *g, const char *text) {
    int32_t is = -1;
    assert_int_equal(vt_grammar_check(g, text, strlen(text), &is), VT_OK);
    return is;
}

static void texts_are_told_apart(void **state) {
    static const struct {
        const char *gbnf, *text;
        int32_t want;
    } cases[] = {
        {"root ::= \"a\"", "a", VT_GRAMMAR_MATCH},
        {"root ::= \"a\"", "", VT_GRAMMAR_BEGINNING},
        {"root ::= \"a\"", "ab", VT_GRAMMAR_MISMATCH},
        {"root ::= \"\"", "", VT_GRAMMAR_MATCH},
        {"root ::= \"ab\" | \"ac\" | \"\"", "a", VT_GRAMMAR_BEGINNING},
        {"# comment\nroot ::= x y # more\n\nx ::= [a-c]\ny ::= [^a-c]\n", "bd", VT_GRAMMAR_MATCH},
        {"root ::= [a-]", "-", VT_GRAMMAR_MATCH},
        {"root ::= [\\]\\-\\^]{3}", "]-^", VT_GRAMMAR_MATCH},
        {"root ::= [^\\x00-\\x1F\"]*", "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", VT_GRAMMAR_MATCH},
        {"root ::= .", "\xF0\x9F\x98", VT_GRAMMAR_BEGINNING},
        {"root ::= .", "\n", VT_GRAMMAR_MATCH},
        {"root ::= .", "\xED\xA0\x80", VT_GRAMMAR_MISMATCH}, /* a surrogate */
        {"root ::= .", "\xC0\x80", VT_GRAMMAR_MISMATCH},     /* overlong */
        {"root ::= .", "\xF4\x90\x80\x80", VT_GRAMMAR_MISMATCH},
        {"root ::= [\\u00E9-\\u20AC]", "\xE2\x82\xAC", VT_GRAMMAR_MATCH},
        {"root ::= [\\u00E9-\\u20AC]", "\xE2\x82\xAD", VT_GRAMMAR_MISMATCH},
        {"root ::= [\\u00E9-\\u20AC]", "\xC3\xA8", VT_GRAMMAR_MISMATCH},
        {"root ::= [\\U0001F600]", "\xF0\x9F\x98\x80", VT_GRAMMAR_MATCH},
        {"root ::= \"\\x41\\u00e9\\n\\t\\\\\\\"\"", "A\xC3\xA9\n\t\\\"", VT_GRAMMAR_MATCH},
        {"root ::= \"a\"?", "", VT_GRAMMAR_MATCH},
        {"root ::= \"a\"+", "", VT_GRAMMAR_BEGINNING},
        {"root ::= \"a\"{2}", "aa", VT_GRAMMAR_MATCH},
        {"root ::= \"a\"{2}", "aaa", VT_GRAMMAR_MISMATCH},
        {"root ::= \"a\"{2,}", "aaaaa", VT_GRAMMAR_MATCH},
        {"root ::= \"a\"{1,3}", "aaaa", VT_GRAMMAR_MISMATCH},
        {"root ::= \"a\"{0}", "a", VT_GRAMMAR_MISMATCH},
        {"root ::= (\"a\"* \"b\"*)*", "aabba", VT_GRAMMAR_MATCH},
        {"root ::= (\"a\" |\n \"b\"\n)+", "ab", VT_GRAMMAR_MATCH},
        {"root ::= \"a\"\n  | \"b\"", "b", VT_GRAMMAR_MATCH},
        {"root ::= \"(\" root \")\" | \"\"", "((()))", VT_GRAMMAR_MATCH},
        {"root ::= \"(\" root \")\" | \"\"", "((())", VT_GRAMMAR_BEGINNING},
        {"root ::= \"a\" root | \"a\"", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", VT_GRAMMAR_MATCH},
        {"root ::= \"a\" | \"b\" endless\nendless ::= \"c\" endless", "b", VT_GRAMMAR_MISMATCH}, /* no text ends there */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        vt_grammar *g = compiled(cases[i].gbnf);
        int32_t is = check(g, cases[i].text);
        if (is != cases[i].want) fail_msg("%s: '%s' is %d, not %d", cases[i].gbnf, cases[i].text, is, cases[i].want);
        vt_grammar_release(g);
    }
}

/* Every code point against every class that begins or ends near a border of UTF-8's lengths. */
static void classes_hold_exactly_their_code_points(void **state) {
    static const uint32_t edges[] = {0x41, 0x7F, 0x80, 0xBF, 0x7FF, 0x800, 0xFFF, 0x1000, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x3FFFF, 0x40000, 0x10FFFF};
    enum { N = sizeof edges / sizeof edges[0] };
    (void)state;
    for (int a = 0; a < N; a++)
        for (int b = a; b < N; b++) {
            char gbnf[64];
            snprintf(gbnf, sizeof gbnf, "root ::= [\\U%08X-\\U%08X]", edges[a], edges[b]);
            vt_grammar *g = compiled(gbnf);
            for (int k = 0; k < 3 * N; k++) {
                uint32_t c = edges[k / 3] + (uint32_t)(k % 3) - 1;
                if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) continue;
                char text[5] = {0};
                if (c < 0x80) text[0] = (char)c;
                else if (c < 0x800) text[0] = (char)(0xC0 | c >> 6), text[1] = (char)(0x80 | (c & 63));
                else if (c < 0x10000) text[0] = (char)(0xE0 | c >> 12), text[1] = (char)(0x80 | (c >> 6 & 63)), text[2] = (char)(0x80 | (c & 63));
                else text[0] = (char)(0xF0 | c >> 18), text[1] = (char)(0x80 | (c >> 12 & 63)), text[2] = (char)(0x80 | (c >> 6 & 63)), text[3] = (char)(0x80 | (c & 63));
                assert_int_equal(check(g, text), c >= edges[a] && c <= edges[b] ? VT_GRAMMAR_MATCH : VT_GRAMMAR_MISMATCH);
            }
            vt_grammar_release(g);
        }
}

static void wrong_grammars_are_refused(void **state) {
    static const struct {
        const char *gbnf, *says;
        vt_status want;
    } cases[] = {
        {"", "no rule 'root'", VT_ERR_FORMAT},
        {"root ::= x", "rule 'x' is not defined", VT_ERR_FORMAT},
        {"root ::= \"a", "line 1, column 12", VT_ERR_FORMAT},
        {"root ::= [a", "inside quotes or brackets", VT_ERR_FORMAT},
        {"root ::= []", "a class without characters", VT_ERR_FORMAT},
        {"root ::= [b-a]", "ends before it begins", VT_ERR_FORMAT},
        {"root ::= (\"a\"", "')' is missing", VT_ERR_FORMAT},
        {"root ::= \"a\")", "begins nothing", VT_ERR_FORMAT},
        {"root = \"a\"", "'::=' is missing", VT_ERR_FORMAT},
        {"root ::= \"a\"\nroot ::= \"b\"", "stands above", VT_ERR_FORMAT},
        {"root ::= \"\\q\"", "escape that is not known", VT_ERR_FORMAT},
        {"root ::= \"\\uD800\"", "no code point", VT_ERR_FORMAT},
        {"root ::= \"\\U00110000\"", "no code point", VT_ERR_FORMAT},
        {"root ::= \"\xFF\"", "not UTF-8", VT_ERR_FORMAT},
        {"root ::= \"a\"{3,2}", "below its least", VT_ERR_FORMAT},
        {"root ::= \"a\"{", "a number is missing", VT_ERR_FORMAT},
        {"root ::= \"a\"{100001}", "more than 100000", VT_ERR_LIMIT},
        {"root ::= (\"a\"{1000}){1000}", "nodes", VT_ERR_LIMIT},
        {"root ::= \"a\" (((\"\"{9999}){9999}){9999}){9999}", "steps", VT_ERR_LIMIT},
        {"root ::= \"a\" | (((x{0,9999}){0,9999}){0,9999}){0,9999}\nx ::= \"b\" x", "steps", VT_ERR_LIMIT},
        {"root ::= root \"a\" | \"b\"", "begins with itself", VT_ERR_FORMAT},
        {"root ::= x \"a\"\nx ::= \"\" | y\ny ::= \"b\"? x", "begins with itself", VT_ERR_FORMAT},
        {"root ::= (x)* \"a\"\nx ::= \"b\"{0} root", "begins with itself", VT_ERR_FORMAT},
        {"root ::= \"a\" root", "comes to an end", VT_ERR_FORMAT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        vt_grammar *g;
        vt_status st = vt_grammar_create(ctx, cases[i].gbnf, strlen(cases[i].gbnf), &g);
        if (st != cases[i].want || !strstr(vt_error_message(), cases[i].says))
            fail_msg("%s: %d '%s', not %d '%s'", cases[i].gbnf, st, vt_error_message(), cases[i].want, cases[i].says);
        assert_null(g);
    }
}

static void deep_parentheses_are_a_limit(void **state) {
    char gbnf[256] = "root ::= ";
    vt_grammar *g;
    (void)state;
    memset(gbnf + 9, '(', 65);
    strcpy(gbnf + 74, "\"a\"");
    memset(gbnf + 77, ')', 65);
    assert_int_equal(vt_grammar_create(ctx, gbnf, strlen(gbnf), &g), VT_ERR_LIMIT);
}

/* A chain of rules whose numbers jump from one end to the other: each pass over all rules learns of two. What is learned of one that is numbered in
 * its order is learned in two passes. */
static void entangled_rules_are_a_limit(void **state) {
    enum { N = 8000, BODY = 28 };
    char *gbnf = malloc((size_t)N * 130 + 100);
    size_t n = 0;
    vt_grammar *g;
    (void)state;
    assert_non_null(gbnf);
    for (int jumps = 0; jumps < 2; jumps++) {
        n = (size_t)sprintf(gbnf, "root ::= \"x\"");
        for (int i = 0; i < N; i++) n += (size_t)sprintf(gbnf + n, " | a%d", !jumps ? i : i < N / 2 ? 2 * i : 2 * (N - 1 - i) + 1);
        for (int i = 0; i < N; i++) {
            n += (size_t)sprintf(gbnf + n, "\na%d ::= ", i);
            for (int k = 0; k < BODY; k++) n += (size_t)sprintf(gbnf + n, "\"\" ");
            n += (size_t)sprintf(gbnf + n, i + 1 < N ? "a%d" : "\"x\"", i + 1);
        }
        vt_status st = vt_grammar_create(ctx, gbnf, n, &g);
        assert_int_equal(st, jumps ? VT_ERR_LIMIT : VT_OK);
        if (jumps) assert_non_null(strstr(vt_error_message(), "entangled"));
        vt_grammar_release(g);
    }
    free(gbnf);
}

static void nesting_ends_at_its_limit_and_ambiguity_too(void **state) {
    char text[1400];
    int32_t is;
    (void)state;
    vt_grammar *g = compiled("root ::= \"(\" root \")\" | \"\"");
    memset(text, '(', 512);
    assert_int_equal(vt_grammar_check(g, text, 500, &is), VT_OK);
    assert_int_equal(is, VT_GRAMMAR_BEGINNING);
    memset(text, '(', sizeof text);
    assert_int_equal(vt_grammar_check(g, text, sizeof text, &is), VT_OK);
    assert_int_equal(is, VT_GRAMMAR_MISMATCH);
    vt_grammar_release(g);
    g = compiled("root ::= \"a\" root \"b\" | \"a\" root \"c\" | \"d\"");
    memset(text, 'a', sizeof text);
    assert_int_equal(vt_grammar_check(g, text, 200, &is), VT_ERR_LIMIT);
    assert_int_equal(vt_grammar_check(g, "adb", 3, &is), VT_OK);
    assert_int_equal(is, VT_GRAMMAR_MATCH);
    vt_grammar_release(g);
}

static vt_status work(vt_context *c) {
    static const char gbnf[] = "root ::= x{2,4} (y | \"\\u20AC\")*\nx ::= [a-z\\u0100-\\uFFFF]\ny ::= \"(\" y \")\" | \"z\"";
    vt_grammar *g;
    int32_t is;
    vt_status st = vt_grammar_create(c, gbnf, strlen(gbnf), &g);
    if (st == VT_OK) st = vt_grammar_check(g, "ab((z))z\xE2\x82\xAC", 11, &is);
    if (st == VT_OK) assert_int_equal(is, VT_GRAMMAR_MATCH);
    vt_grammar_release(g);
    return st;
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    torture_each(work);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_told_apart),
        cmocka_unit_test(classes_hold_exactly_their_code_points),
        cmocka_unit_test(wrong_grammars_are_refused),
        cmocka_unit_test(deep_parentheses_are_a_limit),
        cmocka_unit_test(entangled_rules_are_a_limit),
        cmocka_unit_test(nesting_ends_at_its_limit_and_ambiguity_too),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
