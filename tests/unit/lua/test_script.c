/* The contract of venturi/script.h: loading, calling, errors, printing, options, memory that runs out. */
#include "script_host.h"
#include "torture.h"

/* ---- loading and calling ---- */

static void functions_are_found_by_name(void **state) {
    static const struct { const char *name, *args, *want; } cases[] = {
        {"twice", "[21]", "[42]"},          {"demo.half", "[3]", "[1.5]"},        {"demo.deep.three", "[]", "[1,2,3]"},
        {"exported", "[1]", "[\"e\",1]"},   {"test.exported", "[2]", "[\"e\",2]"}, {"math.max", "[3,9,4]", "[9]"},
        {"nothing", NULL, "[]"},            {"callable", "[7]", "[8]"},
    };
    script_host h;
    (void)state;
    host_open(&h, (vt_script_options)VT_STRUCT_INIT(vt_script_options));
    assert_int_equal(host_load(&h, "function twice(x) return 2 * x end\n"
                                   "demo = { half = function(x) return x / 2 end, deep = { three = function() return 1, 2, 3 end } }\n"
                                   "function nothing() end\n"
                                   "callable = setmetatable({}, { __call = function(_, x) return x + 1 end })\n"
                                   "return { exported = function(x) return 'e', x end }"), VT_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vt_status st;
        const char *got = host_call(&h, cases[i].name, cases[i].args, &st);
        if (!got) fail_msg("%s: %s", cases[i].name, vt_error_message());
        assert_string_equal(got, cases[i].want);
    }
    assert_int_equal(vt_script_call(h.script, "twice", "\x91\x02", 2, NULL), VT_OK); /* result not wanted */
    host_close(&h);
}

static void missing_functions_are_not_found(void **state) {
    static const char *const names[] = {"", ".", "nope", "a.b.c", "number", "tab", "tab.x", "string.nope", "..", "tab."};
    script_host h;
    vt_status st;
    (void)state;
    host_open(&h, (vt_script_options)VT_STRUCT_INIT(vt_script_options));
    assert_int_equal(host_load(&h, "number = 1 tab = { x = 'text' }"), VT_OK);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_null(host_call(&h, names[i], "[]", &st));
        assert_int_equal(st, VT_ERR_NOT_FOUND);
    }
    assert_non_null(strstr(vt_error_message(), "tab."));
    host_close(&h);
}

static void modules_are_required_not_read(void **state) {
    script_host h;
    vt_status st;
    (void)state;
    host_open(&h, (vt_script_options)VT_STRUCT_INIT(vt_script_options));
    assert_int_equal(vt_script_load(h.script, "lib/tool.lua", "return { n = 5 }", 16), VT_OK);
    assert_int_equal(host_load(&h, "package.preload.own = function(...) return { name = ... } end\n"
                                   "function f() return require('tool').n, require('own').name, require('own') == require('own') end\n"
                                   "function g() return require('os.path') end\n"
                                   "function h() return type(require('venturi').version()), require('venturi') == require('venturi') end"), VT_OK);
    assert_string_equal(host_call(&h, "f", NULL, &st), "[5,\"own\",true]");
    assert_null(host_call(&h, "g", NULL, &st));
    assert_int_equal(st, VT_ERR_STATE);
    assert_non_null(strstr(vt_error_message(), "os.path"));
    const char *got = host_call(&h, "h", NULL, &st);
    if (!got) fail_msg("%s", vt_error_message());
    assert_string_equal(got, "[\"string\",true]");
    host_close(&h);
}

/* ---- errors ---- */

static void errors_become_statuses(void **state) {
    static const struct { const char *text; vt_status want; const char *message; } cases[] = {
        {"x = = 1", VT_ERR_FORMAT, "test.lua:1:"},
        {"\n\nlocal x <const> = 1; x = 2", VT_ERR_FORMAT, "test.lua:3:"},
        {"\033Lua", VT_ERR_FORMAT, "binary"},
        {"error('boom')", VT_ERR_STATE, "test.lua:1: boom"},
        {"\nlocal t = nil; t.x = 1", VT_ERR_STATE, "test.lua:2:"},
        {"error({ code = -7, message = 'gone' })", VT_ERR_NOT_FOUND, "gone"},
        {"error(setmetatable({ code = -5 }, { __tostring = function() return 'disk' end }))", VT_ERR_IO, "disk"},
        {"error({ code = 3 })", VT_ERR_STATE, "table"},
        {"error({ code = -99, message = 'far' })", VT_ERR_STATE, "far"},
        {"error()", VT_ERR_STATE, "nil"},
        {"error(setmetatable({}, { __tostring = function() return {} end }))", VT_ERR_STATE, "__tostring"},
        {"error('a\\xFF\\0\\xE2\\x82b')", VT_ERR_STATE, "a???""?b"},
        {"local function f() return 1 + f() end f()", VT_ERR_STATE, "stack overflow"},
        {"local t = {} for i = 1, 1e9 do t[i] = i end", VT_ERR_NOMEM, "memory"},
        {"coroutine.wrap(function() local s = ('x'):rep(1e12) end)()", VT_ERR_NOMEM, "memory"},
        {"require('venturi').index('/tmp')", VT_ERR_UNSUPPORTED, "did not allow"},
        {"local vt = require('venturi') local s = vt.sampler{} s:close() s:count()", VT_ERR_STATE, ""},
    };
    script_host h;
    vt_script_options opt = VT_STRUCT_INIT(vt_script_options);
    (void)state;
    opt.memory_limit = 96 << 20;
    host_open(&h, opt);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vt_status st = host_load(&h, cases[i].text);
        if (st != cases[i].want || !strstr(vt_error_message(), cases[i].message))
            fail_msg("%s: %s: %s", cases[i].text, vt_status_name(st), st == VT_OK ? "" : vt_error_message());
    }
    assert_int_equal(host_load(&h, "print('still alive')"), VT_OK);
    assert_string_equal(h.printed, "still alive\n");
    host_close(&h);
}

static void wrong_arguments_are_refused(void **state) {
    static const struct { const char *data; size_t size; vt_status want; } cases[] = {
        {"\x01", 1, VT_ERR_FORMAT},                 /* no array */
        {"\x81\x01\x02", 3, VT_ERR_FORMAT},         /* a map */
        {"\x92\x01", 2, VT_ERR_FORMAT},             /* cut */
        {"\x91\x01\x02", 3, VT_ERR_FORMAT},         /* one more */
        {"\xdd\xff\xff\xff\xff", 5, VT_ERR_FORMAT}, /* claims 4 G items */
        {"\xc1", 1, VT_ERR_FORMAT},
        {"\x91\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 10, VT_ERR_UNSUPPORTED}, /* 2^64 - 1 */
        {"\x91\xd4\x05\x00", 4, VT_ERR_UNSUPPORTED},                          /* extension */
        {"\x91\x81\xc3\x01", 4, VT_ERR_UNSUPPORTED},                          /* true as a key */
    };
    script_host h;
    (void)state;
    host_open(&h, (vt_script_options)VT_STRUCT_INIT(vt_script_options));
    assert_int_equal(host_load(&h, "function f() return 1 end"), VT_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vt_buffer *out = (vt_buffer *)&h;
        assert_int_equal(vt_script_call(h.script, "f", cases[i].data, cases[i].size, &out), cases[i].want);
        assert_null(out);
    }
    assert_int_equal(vt_script_call(h.script, NULL, NULL, 0, NULL), VT_ERR_INVALID);
    assert_int_equal(vt_script_call(NULL, "f", NULL, 0, NULL), VT_ERR_INVALID);
    assert_int_equal(vt_script_call(h.script, "f", NULL, 1, NULL), VT_ERR_INVALID);
    assert_int_equal(vt_script_load(h.script, NULL, "", 0), VT_ERR_INVALID);
    assert_int_equal(vt_script_load(h.script, "x", NULL, 1), VT_ERR_INVALID);
    assert_int_equal(vt_script_load(h.script, "x", NULL, 0), VT_OK); /* an empty chunk */
    host_close(&h);
}

static void options_are_checked(void **state) {
    vt_context *ctx;
    vt_script *s = NULL;
    (void)state;
    assert_int_equal(vt_context_create(NULL, &ctx), VT_OK);
    vt_script_options opt = VT_STRUCT_INIT(vt_script_options);
    assert_int_equal(vt_script_create(NULL, &opt, &s), VT_ERR_INVALID);
    assert_int_equal(vt_script_create(ctx, &opt, NULL), VT_ERR_INVALID);
    opt.flags = 4;
    assert_int_equal(vt_script_create(ctx, &opt, &s), VT_ERR_INVALID);
    opt.flags = 0, opt.time_limit_ms = -1;
    assert_int_equal(vt_script_create(ctx, &opt, &s), VT_ERR_INVALID);
    opt.time_limit_ms = 0, opt.memory_limit = 1000;
    assert_int_equal(vt_script_create(ctx, &opt, &s), VT_ERR_NOMEM);
    assert_null(s);
    assert_int_equal(vt_script_create(ctx, NULL, &s), VT_OK); /* all defaults */
    assert_true(vt_script_memory(s) > 0);
    vt_script_release(vt_script_retain(s));
    vt_script_release(s);
    vt_script_release(NULL);
    assert_null(vt_script_retain(NULL));
    assert_int_equal(vt_script_memory(NULL), 0);
    vt_context_release(ctx);
}

/* ---- print ---- */

static void print_hands_over_lines(void **state) {
    script_host h;
    (void)state;
    host_open(&h, (vt_script_options)VT_STRUCT_INIT(vt_script_options));
    assert_int_equal(host_load(&h, "print('a', 1, nil, true) print() print('b\\nc') print('x\\0y', '\\xFF')\n"
                                   "print(setmetatable({}, { __tostring = function() return 'obj' end }))"), VT_OK);
    assert_string_equal(h.printed, "a\t1\tnil\ttrue\n\nb\nc\nx\xEF\xBF\xBDy\t\xEF\xBF\xBD\nobj\n");
    h.print_answer = 1; /* stop */
    assert_int_equal(host_load(&h, "while true do pcall(print, 'more') end"), VT_ERR_CANCELLED);
    h.print_answer = 0;
    assert_int_equal(host_load(&h, "print('again')"), VT_OK);
    host_close(&h);
}

typedef struct nested_host {
    script_host h;
    vt_status load, call;
} nested_host;

static int32_t call_back(void *user, double fraction, const char *message) {
    nested_host *n = user;
    (void)fraction, (void)message;
    n->load = vt_script_load(n->h.script, "again", "x = 1", 5);
    n->call = vt_script_call(n->h.script, "print", NULL, 0, NULL);
    vt_script_release(n->h.script); /* the host's last reference: the script lives until its call is over */
    return 0;
}

static void a_running_script_cannot_be_entered_again(void **state) {
    nested_host n = {0};
    vt_script_options opt = VT_STRUCT_INIT(vt_script_options);
    (void)state;
    opt.print = call_back;
    opt.print_user = &n;
    assert_int_equal(vt_context_create(NULL, &n.h.ctx), VT_OK);
    assert_int_equal(vt_script_create(n.h.ctx, &opt, &n.h.script), VT_OK);
    assert_int_equal(host_load(&n.h, "print('x') local t = {} for i = 1, 1000 do t[i] = {} end"), VT_OK);
    assert_int_equal(n.load, VT_ERR_STATE);
    assert_int_equal(n.call, VT_ERR_STATE);
    vt_context_release(n.h.ctx);
}

/* ---- memory ---- */

static void memory_is_counted_and_given_back(void **state) {
    vt_context *ctx;
    vt_script *s;
    (void)state;
    assert_int_equal(vt_context_create(NULL, &ctx), VT_OK);
    uint64_t before = vt_context_memory(ctx);
    assert_int_equal(vt_script_create(ctx, NULL, &s), VT_OK);
    uint64_t empty = vt_script_memory(s);
    assert_true(vt_context_memory(ctx) >= before + empty);
    assert_int_equal(vt_script_load(s, "x", "keep = ('x'):rep(1000000)", 25), VT_OK);
    assert_true(vt_script_memory(s) > empty + 1000000);
    assert_int_equal(vt_script_load(s, "x", "keep = nil collectgarbage()", 27), VT_OK);
    assert_true(vt_script_memory(s) < empty + 100000);
    vt_script_release(s);
    assert_int_equal(vt_context_memory(ctx), before);
    vt_context_release(ctx);
}

/* A life: create, load, call with a result, release. */
static vt_status live(torture *t) {
    static const char text[] = "local t = {} for i = 1, 50 do t[i] = { tostring(i) } end\n"
                               "function f(a) local c = coroutine.wrap(function() coroutine.yield(a) end) return t, c(), ('x'):rep(300):gsub('x', 'yz') end";
    vt_context_options opt = VT_STRUCT_INIT(vt_context_options);
    vt_context *ctx = NULL;
    vt_script *s = NULL;
    vt_buffer *out = NULL;
    opt.alloc = torture_alloc;
    opt.alloc_user = t;
    vt_status st = vt_context_create(&opt, &ctx);
    if (st == VT_OK) st = vt_script_create(ctx, NULL, &s);
    if (st == VT_OK) st = vt_script_load(s, "life", text, sizeof text - 1);
    if (st == VT_OK) st = vt_script_call(s, "f", "\x91\xa3" "abc", 5, &out);
    if (st == VT_OK) assert_true(vt_buffer_size(out) > 600);
    if (st != VT_OK) assert_null(out);
    vt_buffer_release(out);
    vt_script_release(s);
    vt_context_release(ctx);
    return st;
}

/* Lua collects its garbage and asks again before it gives up, and does without memory that would only make it faster: a single failure may
 * pass unseen, and even from then on all failing may. What is promised: NOMEM or a right result, and nothing leaked. */
static void every_failed_allocation_is_survived(void **state) {
    (void)state;
    for (int sticky = 0; sticky < 2; sticky++)
        for (long k = 1;; k++) {
            torture t = {.fail_at = k, .sticky = sticky};
            vt_status st = live(&t);
            assert_int_equal(t.live, 0);
            if (st != VT_OK) assert_int_equal(st, VT_ERR_NOMEM);
            if (t.calls < k) {
                assert_int_equal(st, VT_OK);
                assert_true(k > 100);
                break;
            }
        }
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_are_found_by_name),
        cmocka_unit_test(missing_functions_are_not_found),
        cmocka_unit_test(modules_are_required_not_read),
        cmocka_unit_test(errors_become_statuses),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(print_hands_over_lines),
        cmocka_unit_test(a_running_script_cannot_be_entered_again),
        cmocka_unit_test(memory_is_counted_and_given_back),
        cmocka_unit_test(every_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
