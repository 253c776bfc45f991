/* Values between host and script: what MessagePack becomes in Lua, what Lua values become, what has no form on the other side. */
#include "script_host.h"

#define BYTES(s) s, sizeof(s) - 1

static const struct { const char *name; const char *data; size_t size; } same[] = {
    /* An echo gives the same bytes back. */
    {"nothing", BYTES("\x90")},
    {"nil, booleans", BYTES("\x93\xc0\xc2\xc3")},
    {"small integers", BYTES("\x96\x00\x01\x7f\xff\xe0\xd0\xdf")},
    {"integers", BYTES("\x96\xcc\xff\xcd\xff\xff\xce\xff\xff\xff\xff\xcf\x7f\xff\xff\xff\xff\xff\xff\xff\xd1\x80\x00\xd2\x80\x00\x00\x00")},
    {"the least integer", BYTES("\x91\xd3\x80\x00\x00\x00\x00\x00\x00\x00")},
    {"floats", BYTES("\x93\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00")},
    {"strings", BYTES("\x93\xa0\xa3" "abc\xa3\xe2\x82\xac")},
    {"bytes that are no text", BYTES("\x92\xc4\x01\xff\xc4\x03\xed\xa0\x80")},
    {"a NUL in a string", BYTES("\x91\xa3" "a\0b")},
    {"arrays", BYTES("\x91\x93\x01\x92\x02\x03\x90")},
    {"an empty map stays a map", BYTES("\x92\x80\x90")},
    {"a map", BYTES("\x91\x81\xa1k\x92\x01\x81\xa1x\xc3")},
    {"a map of integers", BYTES("\x91\x81\x05\xa1v")},
    {"null inside", BYTES("\x92\x93\x01\xc0\x03\x81\xa1k\xc0")},
};

static void an_echo_gives_the_same_bytes(void **state) {
    script_host h;
    (void)state;
    host_open(&h, (vt_script_options)VT_STRUCT_INIT(vt_script_options));
    assert_int_equal(host_load(&h, "function echo(...) return ... end"), VT_OK);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        vt_buffer *out = NULL;
        vt_status st = vt_script_call(h.script, "echo", same[i].data, same[i].size, &out);
        if (st != VT_OK) fail_msg("%s: %s", same[i].name, vt_error_message());
        if (vt_buffer_size(out) != same[i].size || memcmp(vt_buffer_data(out), same[i].data, same[i].size) != 0) fail_msg("%s", same[i].name);
        vt_buffer_release(out);
    }
    host_close(&h);
}

static const struct { const char *expression, *want; } seen[] = {
    /* argument (JSON) in ..., what the script sees */
    {"select('#', ...), ...", "[1,null]"},
    {"type((...)) == 'nil'", "[true]"},
};

static void nil_is_nil_at_the_top_and_null_inside(void **state) {
    script_host h;
    char text[256];
    vt_status st;
    (void)state;
    host_open(&h, (vt_script_options)VT_STRUCT_INIT(vt_script_options));
    for (size_t i = 0; i < sizeof seen / sizeof *seen; i++) {
        (void)snprintf(text, sizeof text, "function f(...) return %s end", seen[i].expression);
        assert_int_equal(host_load(&h, text), VT_OK);
        assert_string_equal(host_call(&h, "f", "[null]", &st), seen[i].want);
    }
    assert_int_equal(host_load(&h, "function f(t) return type(t[2]), #t, t[2] == t[3], t end"), VT_OK);
    assert_string_equal(host_call(&h, "f", "[[1,null,null,4]]", &st), "[\"userdata\",4,true,[1,null,null,4]]");
    host_close(&h);
}

/* Deeper than msgpack-c's own stack of 32, up to the promised 64. */
static void depth_is_bounded_by_64_both_ways(void **state) {
    static const struct { int depth; vt_status want; } cases[] = {{1, VT_OK}, {31, VT_OK}, {32, VT_OK}, {33, VT_OK}, {34, VT_OK}, {63, VT_OK}, {64, VT_OK}, {65, VT_ERR_LIMIT}};
    script_host h;
    (void)state;
    host_open(&h, (vt_script_options)VT_STRUCT_INIT(vt_script_options));
    assert_int_equal(host_load(&h, "function echo(...) return ... end\n"
                                   "function nest(n) local t = 1 for i = 1, n do t = { t } end return t end\n"
                                   "function nest_map(n) local t = 1 for i = 1, n do t = { k = t } end return t end"), VT_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned char data[80];
        vt_buffer *out = NULL, *echoed = NULL;
        int depth = cases[i].depth;
        memset(data, 0x91, (size_t)depth); /* the array of arguments is one of them */
        data[depth] = 0x07;
        assert_int_equal(vt_script_call(h.script, "echo", data, (size_t)depth + 1, &out), cases[i].want);
        if (out) assert_memory_equal(vt_buffer_data(out), data, (size_t)depth + 1);
        vt_buffer_release(out);
        for (int map = 0; map < 2; map++) { /* results: the array of results is one, too */
            const unsigned char n[] = {0x91, (unsigned char)(depth - 1)};
            assert_int_equal(vt_script_call(h.script, map ? "nest_map" : "nest", n, 2, &out), cases[i].want);
            if (out) assert_int_equal(vt_script_call(h.script, "echo", vt_buffer_data(out), vt_buffer_size(out), &echoed), VT_OK);
            if (out) assert_memory_equal(vt_buffer_data(echoed), vt_buffer_data(out), vt_buffer_size(out));
            vt_buffer_release(echoed);
            vt_buffer_release(out);
            out = echoed = NULL;
        }
    }
    host_close(&h);
}

static void large_values_come_through(void **state) {
    script_host h;
    vt_status st;
    (void)state;
    host_open(&h, (vt_script_options)VT_STRUCT_INIT(vt_script_options));
    assert_int_equal(host_load(&h, "function make(n) local t = {} for i = 1, n do t[i] = { i, tostring(i), { k = i } } end return t end\n"
                                   "function check(t) for i = 1, #t do assert(t[i][1] == i and t[i][2] == tostring(i) and t[i][3].k == i) end return #t end\n"
                                   "function text(n) return ('x'):rep(n) end function len(s) return #s end\n"
                                   "function many(...) return select('#', ...) end"), VT_OK);
    static const struct { const char *make, *check; uint32_t n; } cases[] = {{"make", "check", 40000}, {"text", "len", 70000}, {"text", "len", 3000000}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t n = cases[i].n;
        const unsigned char args[] = {0x91, 0xCE, (unsigned char)(n >> 24), (unsigned char)(n >> 16), (unsigned char)(n >> 8), (unsigned char)n};
        vt_buffer *out = NULL, *checked = NULL;
        assert_int_equal(vt_script_call(h.script, cases[i].make, args, sizeof args, &out), VT_OK);
        st = vt_script_call(h.script, cases[i].check, vt_buffer_data(out), vt_buffer_size(out), &checked);
        if (st != VT_OK) fail_msg("%s: %s", cases[i].check, vt_error_message());
        const unsigned char *got = vt_buffer_data(checked);
        uint32_t back = got[1] == 0xCE ? (uint32_t)got[2] << 24 | (uint32_t)got[3] << 16 | (uint32_t)got[4] << 8 | got[5] : (uint32_t)got[2] << 8 | got[3];
        assert_int_equal(back, n);
        vt_buffer_release(checked);
        vt_buffer_release(out);
    }
    static unsigned char nils[200003 + 2] = {0xDD, 0x00, 0x03, 0x0D, 0x40}; /* 200000 arguments */
    memset(nils + 5, 0xC0, 200000);
    vt_buffer *out = NULL;
    assert_int_equal(vt_script_call(h.script, "many", nils, 200005, &out), VT_OK);
    vt_buffer_release(out);
    host_close(&h);
}

static const struct { const char *body; vt_status want; const char *message; } refused[] = {
    {"return print", VT_ERR_UNSUPPORTED, "result[1] is a function"},
    {"return 1, { a = { print } }", VT_ERR_UNSUPPORTED, "result[2].a[1] is a function"},
    {"return { [1.5] = 1 }", VT_ERR_UNSUPPORTED, "result[1] has a key that is a number"},
    {"return { [true] = 1 }", VT_ERR_UNSUPPORTED, "result[1] has a key that is a boolean"},
    {"return { [{}] = 1 }", VT_ERR_UNSUPPORTED, "result[1] has a key that is a table"},
    {"return coroutine.create(print)", VT_ERR_UNSUPPORTED, "result[1] is a thread"},
    {"return require('venturi').sampler {}", VT_ERR_UNSUPPORTED, "result[1] is a userdata"},
    {"local t = {} t.t = t return t", VT_ERR_LIMIT, "cycle"},
    {"local t = {} t[1] = t return t", VT_ERR_LIMIT, "cycle"},
    {"local a, b = {}, {} a.b = b b.a = a return { a }", VT_ERR_LIMIT, "cycle"},
};

static void what_has_no_form_is_refused_by_path(void **state) {
    script_host h;
    char text[256];
    (void)state;
    host_open(&h, (vt_script_options)VT_STRUCT_INIT(vt_script_options));
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        vt_status st;
        (void)snprintf(text, sizeof text, "function f() %s end", refused[i].body);
        assert_int_equal(host_load(&h, text), VT_OK);
        assert_null(host_call(&h, "f", NULL, &st));
        if (st != refused[i].want || !strstr(vt_error_message(), refused[i].message)) fail_msg("%s: %s: %s", text, vt_status_name(st), vt_error_message());
        assert_int_equal(vt_script_call(h.script, "f", NULL, 0, NULL), VT_OK); /* a result that nobody wants need not have a form */
    }
    host_close(&h);
}

static void tables_choose_their_kind_by_their_keys(void **state) {
    static const struct { const char *expression; const char *want; size_t size; } cases[] = {
        {"{}", BYTES("\x91\x90")},
        {"{ 1, 2 }", BYTES("\x91\x92\x01\x02")},
        {"{ 1, nil, 3 }", BYTES("\x91\x82\x01\x01\x03\x03")}, /* a hole: a map */
        {"{ [2] = 1 }", BYTES("\x91\x81\x02\x01")},
        {"{ [0] = 1 }", BYTES("\x91\x81\x00\x01")},
        {"{ [-1] = 1 }", BYTES("\x91\x81\xff\x01")},
        {"{ [1.0] = 1 }", BYTES("\x91\x91\x01")}, /* Lua makes the key an integer */
        {"setmetatable({ 1 }, { __index = { 2, 3 }, __len = function() return 9 end, __pairs = error })", BYTES("\x91\x91\x01")},
        {"{ x = 1.0 }", BYTES("\x91\x81\xa1x\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00")},
    };
    script_host h;
    char text[256];
    (void)state;
    host_open(&h, (vt_script_options)VT_STRUCT_INIT(vt_script_options));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vt_buffer *out = NULL;
        (void)snprintf(text, sizeof text, "function f() return %s end", cases[i].expression);
        assert_int_equal(host_load(&h, text), VT_OK);
        assert_int_equal(vt_script_call(h.script, "f", NULL, 0, &out), VT_OK);
        if (vt_buffer_size(out) != cases[i].size || memcmp(vt_buffer_data(out), cases[i].want, cases[i].size) != 0) fail_msg("%s", cases[i].expression);
        vt_buffer_release(out);
    }
    host_close(&h);
}

/* Five bytes may claim four billion items: nothing may be reserved for them. */
static void claims_cost_no_memory(void **state) {
    static const struct { const char *data; size_t size; } claims[] = {
        {BYTES("\xdd\xff\xff\xff\xff")}, {BYTES("\xdf\xff\xff\xff\xff")}, {BYTES("\x91\xdd\xff\xff\xff\xff")}, {BYTES("\x91\xc6\xff\xff\xff\xff")},
        {BYTES("\x91\xdb\xff\xff\xff\xff")}, {BYTES("\x91\xc9\xff\xff\xff\xff\x01")}, {BYTES("\xdc\xff\xff")}, {BYTES("\x92\x93\x93\x01\x02")},
    };
    script_host h;
    (void)state;
    host_open(&h, (vt_script_options)VT_STRUCT_INIT(vt_script_options));
    assert_int_equal(host_load(&h, "function echo(...) return ... end"), VT_OK);
    uint64_t before = vt_context_memory_peak(h.ctx);
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++)
        assert_int_equal(vt_script_call(h.script, "echo", claims[i].data, claims[i].size, NULL), VT_ERR_FORMAT);
    assert_true(vt_context_memory_peak(h.ctx) < before + 4096);
    host_close(&h);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_echo_gives_the_same_bytes),
        cmocka_unit_test(nil_is_nil_at_the_top_and_null_inside),
        cmocka_unit_test(depth_is_bounded_by_64_both_ways),
        cmocka_unit_test(large_values_come_through),
        cmocka_unit_test(what_has_no_form_is_refused_by_path),
        cmocka_unit_test(tables_choose_their_kind_by_their_keys),
        cmocka_unit_test(claims_cost_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
