/* Documents cut at their headings, through the public calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "torture.h"
#include "venturi.h"

#include "one_context.h" /* last: its ctx would shadow parameters of the headers above */

/* "TITLE\n" and for each section "#LEVEL TITLE\nTEXT\n" */
static void write_out(const vt_sections *s, char *out, size_t size) {
    size_t at = (size_t)snprintf(out, size, "%s\n", vt_sections_title(s));
    for (int64_t i = 0; i < vt_sections_count(s); i++) {
        vt_section e = VT_STRUCT_INIT(vt_section);
        assert_int_equal(vt_sections_get(s, i, &e), VT_OK);
        assert_int_equal(strlen(e.title), e.title_len);
        assert_int_equal(strlen(e.text), e.text_len);
        at += (size_t)snprintf(out + at, size - at, "#%d %s\n%s\n", e.level, e.title, e.text);
        assert_true(at < size);
    }
}

static void check(int32_t format, const char *name, const char *in, const char *want) {
    char got[4096];
    vt_sections *s;
    assert_int_equal(vt_sections_parse(ctx, format, in, strlen(in), &s), VT_OK);
    write_out(s, got, sizeof got);
    if (strcmp(got, want) != 0) fail_msg("%s: got\n%s\nwant\n%s", name, got, want);
    vt_sections_release(s);
}

static const struct {
    const char *name, *in, *want;
} html[] = {
    {"empty", "", "\n"},
    {"no heading", "<p>a b<p>c", "\n#0 \na b\n\nc\n"},
    {"title and headings", "<title> A\n b</title><p>x<h1>One</h1>1<h3>Two</h3><p>2", "A b\n#0 \nx\n#1 One\n1\n#3 Two\n2\n"},
    {"heading without body", "<h1>A</h1><h2>B</h2>b", "\n#1 A\n\n#2 B\nb\n"},
    {"empty heading starts nothing", "<h1>A</h1>a<h2><a id=x></a></h2>b", "\n#1 A\na\n\nb\n"},
    {"heading in two lines", "<h2>One<br>two  <b>thr</b>ee\n</h2>x", "\n#2 One two three\nx\n"},
    {"heading in heading", "<h1>A <div><h2>B</h2></div> C</h1>x", "\n#1 A B C\nx\n"},
    {"heading after an open heading", "<h1>A<h2>B</h2>C</h1>x", "\n#1 A\n\n#2 B\nC\n\nx\n"},
    {"heading closed by another's end", "<h1>A</h2>x", "\n#1 A\nx\n"},
    {"heading closed with its container", "<div><h1>A</div>x", "\n#1 A\nx\n"},
    {"unclosed heading", "<h1>A", "\n#1 A\n\n"},
    {"inline joins", "<p>a<b>b</b>c <i> d </i>e", "\n#0 \nabc d e\n"},
    {"white space collapses", "<p>  a \n\t b&nbsp;&nbsp;c  ", "\n#0 \na b c\n"},
    {"references", "<p>&lt;&amp;&eacute;&#x41;&#65;&bogus; & && &", "\n#0 \n<&\xC3\xA9"
                                                                     "AA&bogus; & && &\n"},
    {"references without their end", "<p>&notit; &ampx &copy1 &#65z &#x41g &#; &#x;", "\n#0 \n\xC2\xACit; &x \xC2\xA9"
                                                                                   "1 Az Ag &#; &#x;\n"},
    {"references to no character", "<p>&#0;&#xD800;&#x110000;&#99999999999999999999;", "\n#0 \n\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\n"},
    {"references by Windows' numbers", "<p>&#128;&#x99;", "\n#0 \n\xE2\x82\xAC\xE2\x84\xA2\n"},
    {"references of two code points", "<p>&NotEqualTilde;&CounterClockwiseContourIntegral;", "\n#0 \n\xE2\x89\x82\xCC\xB8\xE2\x88\xB3\n"},
    {"blocks", "<div>a<div>b</div>c</div>", "\n#0 \na\n\nb\n\nc\n"},
    {"list", "<ul><li>a<li>b</ul>c", "\n#0 \na\nb\n\nc\n"},
    {"table", "<table><tr><th>a<th>b<tr><td>1<td>2</table>", "\n#0 \na\tb\n1\t2\n"},
    {"line break", "a<br>b<br><br>c", "\n#0 \na\nb\nc\n"},
    {"preformatted", "x<pre>\n  a\n    b\n\n c\n\n</pre>y", "\n#0 \nx\n\n  a\n    b\n\n c\n\ny\n"},
    {"preformatted with carriage returns", "<pre>a\r\nb</pre>", "\n#0 \na\nb\n"},
    {"skipped", "<head><style>s</style></head><script>s</script><nav>n</nav>a<noscript>n</noscript><template>t</template><svg><title>v</title></svg>",
     "\n#0 \na\n"},
    {"navigation by role and class", "<div role=navigation>n</div><div class=\"x toc\">t</div><p class=stock>a<p hidden>h", "\n#0 \na\n"},
    {"heading in navigation", "<nav><h1>N</h1></nav>a", "\n#0 \na\n"},
    {"images have no text", "a<img alt=pic>b", "\n#0 \nab\n"},
    {"comments go", "a<!-- <h1>x</h1> -->b<!-->c<!--->d<!---->e<!-- - -- ->--!>f", "\n#0 \nabcdef\n"},
    {"comment without end", "a<!-- b", "\n#0 \na\n"},
    {"declarations and instructions go", "<?xml version='1.0'?><!DOCTYPE html>a<![CDATA[b]]>c</ d>e</>f", "\n#0 \nacef\n"},
    {"signs that begin no tag", "a < b <3 <> c </", "\n#0 \na < b <3 <> c </\n"},
    {"attributes hide what looks like tags", "<p title='<h1>' alt=\">\" x = y>a", "\n#0 \na\n"},
    {"script ends at its own end tag only", "<script>'</div><h1>'</scripty></script x>a", "\n#0 \na\n"},
    {"title is text", "<title>a <b> &amp; c</title>d", "a <b> & c\n#0 \nd\n"},
    {"left out to the end of the container", "<div><button>b</div>c<ul><li hidden>d<li>e</ul><p hidden>f<p>g", "\n#0 \nc\n\ne\n\ng\n"},
    {"left out does not end by an inner end", "<nav><nav>a</nav>b</nav>c<nav></b>d</nav>e", "\n#0 \nce\n"},
    {"drawing that closes itself", "<svg/>a<svg><title/><style>x</svg>b", "\n#0 \nab\n"},
    {"title of a drawing is none", "<svg><title>v</title></svg>x", "\n#0 \nx\n"},
    {"second title", "<title>a</title><title>b</title>x", "a\n#0 \nx\n"},
    {"byte order mark", "\xEF\xBB\xBF<p>a", "\n#0 \na\n"},
    {"bad bytes", "<p>a\xFF\xC3(b\xE2\x82", "\n#0 \na\xEF\xBF\xBD\xEF\xBF\xBD(b\xEF\xBF\xBD\xEF\xBF\xBD\n"},
    {"character reference that overflows", "a&#x800000ff;b", "\n#0 \na\xEF\xBF\xBD"
                                                             "b\n"},
    {"broken tags", "<p <b>a</p></b></i><", "\n#0 \na\n\n<\n"},
};

static const struct {
    const char *name, *in, *want;
} markdown[] = {
    {"empty", "", "\n"},
    {"atx", "x\n# One\n1\n### Two ##\n2 #\n#three\n#\ty", "\n#0 \nx\n#1 One\n1\n#3 Two\n2 # #three\n#1 y\n\n"},
    {"atx without text", "# A\na\n#\nb", "\n#1 A\na\n\nb\n"},
    {"seven marks", "####### a", "\n#0 \n####### a\n"},
    {"setext", "One\n===\n1\n\nTwo\nlines\n---\n2", "\n#1 One\n1\n#2 Two lines\n2\n"},
    {"rule is no heading", "a\n\n---\nb\n\n* * *\nc", "\n#0 \na\n\nb\n\nc\n"},
    {"list item is no setext heading", "- a\n---\nb", "\n#0 \n- a\n\nb\n"},
    {"fence", "a\n```c\n# no\n\n  x\n```\n# yes\nb", "\n#0 \na\n\n# no\n\n  x\n#1 yes\nb\n"},
    {"fence of tildes", "~~~\n```\n# no\n~~~~\n# yes", "\n#0 \n```\n# no\n#1 yes\n\n"},
    {"fence left open", "```\n# no\n", "\n#0 \n# no\n"},
    {"indented code", "a\n\n    # no\n    b", "\n#0 \na\n\n    # no\n    b\n"},
    {"front matter", "---\ntitle: x\n# no\n---\n# A\na", "\n#1 A\na\n"},
    {"front matter without end", "---\n# A", "\n#1 A\n\n"},
    {"soft line ends", "a\nb\n\nc", "\n#0 \na b\n\nc\n"},
    {"list", "- a\n- b\n  c\n1. d", "\n#0 \n- a\n- b c\n1. d\n"},
    {"table", "| a | b |\n|---|:-:|\n| 1 | 2 |", "\n#0 \n| a | b |\n| 1 | 2 |\n"},
    {"quotation", "> a\n> b", "\n#0 \na b\n"},
    {"emphasis", "*a* **b** ***c*** _d_ __e__ (*f*), *g h*", "\n#0 \na b c d e (f), g h\n"},
    {"no emphasis", "2 * 3 5*3*2 snake_case_name *.txt a_ _b", "\n#0 \n2 * 3 5*3*2 snake_case_name *.txt a_ _b\n"},
    {"code marks", "`a_b_` ``c ` d`` `open", "\n#0 \na_b_ c ` d `open\n"},
    {"links", "[a](http://x/(y)) [b][ref] [c] ![pic](p.png)[*d*](e)", "\n#0 \na b [c] d\n"},
    {"link definitions", "a\n\n[ref]: http://x\nb", "\n#0 \na\n\nb\n"},
    {"escapes", "\\*a\\* \\# &amp;&lt;x&gt; &copy;", "\n#0 \n*a* # &<x> &copy;\n"},
    {"markup in headings", "# The `vt_x` **call**\na", "\n#1 The vt_x call\na\n"},
    {"comment", "<!-- x\n# no\n-->\na", "\n#0 \na\n"},
    {"comment without end", "<!-- a\n# B", "\n#0 \n<!-- a\n#1 B\n\n"},
    {"carriage returns", "# A\r\na\r\n\r\nb\r\n", "\n#1 A\na\n\nb\n"},
};

static void html_cases(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof html / sizeof *html; i++) check(VT_DOCUMENT_HTML, html[i].name, html[i].in, html[i].want);
}

static void markdown_cases(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof markdown / sizeof *markdown; i++)
        check(VT_DOCUMENT_MARKDOWN, markdown[i].name, markdown[i].in, markdown[i].want);
}

static void plain_text_is_one_section(void **state) {
    (void)state;
    check(VT_DOCUMENT_TEXT, "empty", "", "\n");
    check(VT_DOCUMENT_TEXT, "blank", " \n\n \t\n", "\n");
    check(VT_DOCUMENT_TEXT, "lines", "# a\r\n  b  \n\n\n\nc\n", "\n#0 \n# a\n  b\n\nc\n");
}

static void nul_bytes_are_bad_bytes(void **state) {
    (void)state;
    for (int32_t format = VT_DOCUMENT_TEXT; format <= VT_DOCUMENT_HTML; format++) {
        vt_section e = VT_STRUCT_INIT(vt_section);
        vt_sections *s;
        assert_int_equal(vt_sections_parse(ctx, format, "a\0b", 3, &s), VT_OK);
        assert_int_equal(vt_sections_get(s, 0, &e), VT_OK);
        assert_string_equal(e.text, "a\xEF\xBF\xBD"
                                    "b");
        vt_sections_release(s);
    }
}

static void wrong_arguments_are_refused(void **state) {
    (void)state;
    vt_section e = VT_STRUCT_INIT(vt_section);
    vt_sections *s = (vt_sections *)(void *)&e;
    assert_int_equal(vt_sections_parse(NULL, 0, "", 0, &s), VT_ERR_INVALID);
    assert_null(s);
    assert_int_equal(vt_sections_parse(ctx, 3, "", 0, &s), VT_ERR_INVALID);
    assert_int_equal(vt_sections_parse(ctx, -1, "", 0, &s), VT_ERR_INVALID);
    assert_int_equal(vt_sections_parse(ctx, 0, NULL, 1, &s), VT_ERR_INVALID);
    assert_int_equal(vt_sections_parse(ctx, 0, "", ((size_t)64 << 20) + 1, &s), VT_ERR_LIMIT);
    assert_int_equal(vt_sections_parse(ctx, 0, NULL, 0, &s), VT_OK);
    assert_int_equal(vt_sections_get(s, 0, &e), VT_ERR_INVALID);
    assert_int_equal(vt_sections_count(NULL), 0);
    vt_sections_release(s);
    vt_sections_release(NULL);
}

/* unit, repeated n times */
static char *repeated(const char *unit, size_t n) {
    size_t len = strlen(unit);
    char *all = malloc(len * n + 1);
    assert_non_null(all);
    for (size_t i = 0; i < n; i++) memcpy(all + i * len, unit, len);
    all[len * n] = '\0';
    return all;
}

/* Nesting and repetition cost neither stack nor more than linear time. */
static void tangled_documents_end_soon(void **state) {
    (void)state;
    static const struct {
        const char *unit;
        size_t n;
        int32_t format;
    } cases[] = {
        {"<div>", 100000, VT_DOCUMENT_HTML},
        {"<b>", 100000, VT_DOCUMENT_HTML},
        {"<p><b><i>", 3000, VT_DOCUMENT_HTML},
        {"<svg>", 100000, VT_DOCUMENT_HTML},
        {"<div>", 900, VT_DOCUMENT_HTML},
        {"<table><div><select><button>", 50000, VT_DOCUMENT_HTML},
        {"<!-", 100000, VT_DOCUMENT_HTML},
        {"<?", 100000, VT_DOCUMENT_HTML},
        {"<a b='", 100000, VT_DOCUMENT_HTML},
        {"<a b=c d ", 100000, VT_DOCUMENT_HTML},
        {"<script>", 100000, VT_DOCUMENT_HTML},
        {"</div><div>", 100000, VT_DOCUMENT_HTML},
        {"<svg><title></b>", 100000, VT_DOCUMENT_HTML},
        {"&", 300000, VT_DOCUMENT_HTML},
        {"&amp", 100000, VT_DOCUMENT_HTML},
        {"<table>", 20000, VT_DOCUMENT_HTML},
        {"<h1>", 500, VT_DOCUMENT_HTML},
        {"&#xfffffffff;&#0;&#99999999999;", 2000, VT_DOCUMENT_HTML},
        {"<", 200000, VT_DOCUMENT_HTML},
        {"</p>", 50000, VT_DOCUMENT_HTML},
        {"[", 300000, VT_DOCUMENT_MARKDOWN},
        {"![](", 100000, VT_DOCUMENT_MARKDOWN},
        {"`` ` ", 100000, VT_DOCUMENT_MARKDOWN},
        {"*a **b ", 100000, VT_DOCUMENT_MARKDOWN},
        {"> ", 200000, VT_DOCUMENT_MARKDOWN},
        {"<!--\n", 100000, VT_DOCUMENT_MARKDOWN},
        {"a\n===\n", 50000, VT_DOCUMENT_MARKDOWN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = repeated(cases[i].unit, cases[i].n);
        vt_sections *s;
        vt_status st = vt_sections_parse(ctx, cases[i].format, text, strlen(text), &s);
        if (st != VT_OK) fail_msg("%s: %d %s", cases[i].unit, st, vt_error_message());
        vt_sections_release(s);
        free(text);
    }
}

static vt_status cut_all(torture *t) {
    static const char *const documents[] = {"one\n\ntwo\xFF", "# A\n*a* [b](c)\n\nB\n===\n```\nx\n```\n",
                                            "<title>t</title><h1>A</h1><p>a<ul><li>b</ul><pre>c</pre><h2>B</h2>\xFF"};
    vt_context_options o = VT_STRUCT_INIT(vt_context_options);
    vt_context *own;
    o.alloc = torture_alloc;
    o.alloc_user = t;
    o.n_threads = 1;
    vt_status st = vt_context_create(&o, &own);
    if (st != VT_OK) return st;
    for (int32_t format = VT_DOCUMENT_TEXT; st == VT_OK && format <= VT_DOCUMENT_HTML; format++) {
        vt_sections *s;
        st = vt_sections_parse(own, format, documents[format], strlen(documents[format]), &s);
        assert_true((st == VT_OK) == (s != NULL));
        vt_sections_release(s);
    }
    vt_context_release(own);
    return st;
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    for (int sticky = 0; sticky < 2; sticky++)
        for (long k = 1;; k++) {
            torture t = {.fail_at = k, .sticky = sticky};
            vt_status st = cut_all(&t);
            assert_int_equal(t.live, 0);
            if (t.calls < k) {
                assert_int_equal(st, VT_OK);
                break;
            }
            assert_int_equal(st, VT_ERR_NOMEM);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(html_cases),
        cmocka_unit_test(markdown_cases),
        cmocka_unit_test(plain_text_is_one_section),
        cmocka_unit_test(nul_bytes_are_bad_bytes),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(tangled_documents_end_soon),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
