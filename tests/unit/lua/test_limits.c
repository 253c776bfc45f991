/* Limits of a script hold wherever it runs: in coroutines, error handlers, closing variables, and inside library functions that execute no
 * instruction. Every program here runs for ever, or for hours, unless it is stopped; that a test ends is most of what it shows. */
#include "script_host.h"

/* What must be stopped by any of: instructions, time, the cancel token. */
static const char *const endless[] = {
    /* plain */
    "while true do end",
    "repeat local x = 1 until false",
    "for i = 1, math.huge do end",
    "goto l ::l:: goto l",
    "local function f() return f() end f()",
    /* caught errors */
    "while true do pcall(function() while true do end end) end",
    "while true do pcall(error) end",
    "while true do pcall(pcall) end",
    "while true do xpcall(error, function() error('again') end) end",
    "xpcall(function() while true do end end, function() while true do end end)",
    "xpcall(error, function() while true do end end)",
    "local function f() pcall(f) pcall(f) end f()",
    "while true do select(2, pcall(load('while true do end'))) end",
    /* coroutines */
    "coroutine.wrap(function() while true do end end)()",
    "local c = coroutine.create(function() while true do end end) while true do coroutine.resume(c) end",
    "while true do coroutine.wrap(function() end)() end",
    "pcall(coroutine.wrap(function() while true do pcall(function() while true do end end) end end))",
    "local function tree(d) for i = 1, 20 do if d > 0 then coroutine.wrap(tree)(d - 1) end end end tree(60)",
    "local c c = coroutine.wrap(function() while true do coroutine.yield() end end) while true do c() end",
    "coroutine.wrap(function() coroutine.wrap(function() while true do pcall(error) end end)() end)()",
    /* to-be-closed variables */
    "local c <close> = setmetatable({}, { __close = function() while true do end end })",
    "while true do pcall(function() local c <close> = setmetatable({}, { __close = function() while true do end end }) error() end) end",
    "local c = coroutine.create(function() local c <close> = setmetatable({}, { __close = function() while true do end end }) "
    "coroutine.yield() end) coroutine.resume(c) coroutine.close(c)",
    "pcall(coroutine.wrap(function() local c <close> = setmetatable({}, { __close = function() while true do end end }) error() end))",
    /* metamethods and callbacks from C */
    "local s = tostring(setmetatable({}, { __tostring = function() while true do end end }))",
    "string.format('%s', setmetatable({}, { __tostring = function() while true do end end }))",
    "print(setmetatable({}, { __tostring = function() while true do end end }))",
    "for _ in pairs(setmetatable({}, { __pairs = function() return function() return 1 end end })) do end",
    "string.gsub('x', 'x', function() while true do end end)",
    "table.sort({ 1, 2, 3 }, function() while true do end end)",
    "load(function() return ' ' end)",
    "error(setmetatable({}, { __tostring = function() while true do end end }))",
    /* library functions whose length the script chooses */
    "table.concat(setmetatable({}, { __index = type }), '', 1, 1 << 60)",
    "table.insert(setmetatable({}, { __len = function() return 1 << 60 end }), 1, 1)",
    "table.remove(setmetatable({}, { __len = function() return 1 << 60 end }), 1)",
    "table.move({}, 1, 1 << 60, 2)",
    "local t = {} for i = 1, 10000 do t[i] = -i end while true do table.sort(t) end",
    "while true do table.unpack({}, 1, 900000) end",
    "local s = ('a'):rep(1 << 20) while true do s:upper() end",
    "local s = ('a'):rep(1 << 20) while true do s:reverse() end",
    "local s = ('a'):rep(1 << 20) while true do utf8.len(s) end",
    "local s = ('1'):rep(1 << 20) while true do tonumber(s) end",
    "local s = ('a'):rep(1 << 20) while true do string.format('%q', s) end",
    "while true do collectgarbage() end",
    "while true do string.rep('x', 1 << 20) end",
    "local s = ('x = 1 '):rep(1 << 15) while true do load(s) end",
    "while true do pcall(string.rep, 'x', 1 << 40) end",
    "while true do string.pack('c1000000', '') end",
    /* patterns */
    "string.find(('a'):rep(1 << 20), ('a*'):rep(30) .. 'b')",
    "string.find(('a'):rep(1 << 20), '.-.-.-.-b')",
    "string.match(('a'):rep(1 << 20), ('a?'):rep(60) .. ('a'):rep(60) .. 'b')",
    "for _ in string.gmatch(('a'):rep(1 << 20), 'a-a-a-a-b') do end",
    "string.gsub(('a'):rep(1 << 20), '(a*)(a*)(a*)b', '')",
    "string.find(('('):rep(1 << 20), ('%b()'):rep(10))",
    "string.find(('x'):rep(1 << 20), '[' .. ('y'):rep(1 << 20) .. ']')",
    "string.find(('x'):rep(1 << 20), ('%f[' .. ('y'):rep(1000) .. ']'))  while true do end",
    "while true do string.find(('a'):rep(1 << 21), ('a'):rep(1 << 20) .. 'b', 1, true) end",
};

/* Single instructions that touch a megabyte: for the clock and the token, since counting them would take minutes. */
static const char *const heavy[] = {
    "local s = ('1'):rep(1 << 20) while true do local x = s + 1 end",
    "local a, b = ('a'):rep(1 << 20), ('a'):rep(1 << 20) .. 'b' while true do local x = a < b end",
    "local s = ('a'):rep(1 << 20) while true do local t = s .. 'b' end",
    "local s = ('a'):rep(1 << 24) while true do local t = s .. 'b' end",
    "local t = {} for i = 1, 1 << 20 do t[i] = i end for i = 1, 1 << 20 do t[i] = nil end while true do next(t) end",
    "local function f(...) return f(1, ...) end f()",
};
enum { N_HEAVY = sizeof heavy / sizeof *heavy };
enum { N_ENDLESS = sizeof endless / sizeof *endless };

static void expect_stop(script_host *h, const char *text, vt_status want, const char *message) {
    double begin = host_seconds();
    vt_status st = host_load(h, text);
    if (st != want || !strstr(vt_error_message(), message)) fail_msg("%s: %s: %s", text, vt_status_name(st), st == VT_OK ? "" : vt_error_message());
    if (host_seconds() - begin > 5.0) fail_msg("%s: ended only after %.1f s", text, host_seconds() - begin);
}

static void instruction_limits_hold(void **state) {
    script_host h;
    vt_script_options opt = VT_STRUCT_INIT(vt_script_options);
    (void)state;
    opt.instruction_limit = 300000;
    host_open(&h, opt);
    for (int i = 0; i < N_ENDLESS; i++) expect_stop(&h, endless[i], VT_ERR_LIMIT, "instruction limit of 300000 reached");
    assert_int_equal(host_load(&h, "local n = 0 for i = 1, 10000 do n = n + i end"), VT_OK); /* limits count anew */
    host_close(&h);
}

static void time_limits_hold(void **state) {
    script_host h;
    vt_script_options opt = VT_STRUCT_INIT(vt_script_options);
    (void)state;
    opt.time_limit_ms = 15;
    host_open(&h, opt);
    for (int i = 0; i < N_ENDLESS; i++) expect_stop(&h, endless[i], VT_ERR_LIMIT, "time limit of 15 ms reached");
    for (int i = 0; i < N_HEAVY; i++) expect_stop(&h, heavy[i], VT_ERR_LIMIT, "time limit of 15 ms reached");
    assert_int_equal(host_load(&h, "x = 1"), VT_OK);
    host_close(&h);
}

/* Raised by the script itself, through print: from then on the script runs for ever. */
static int32_t raise_cancel(void *user, double fraction, const char *message) {
    (void)fraction, (void)message;
    vt_cancel_raise(user);
    return 0;
}

static void a_cancel_token_holds(void **state) {
    script_host h = {0};
    char text[1024];
    vt_script_options opt = VT_STRUCT_INIT(vt_script_options);
    (void)state;
    assert_int_equal(vt_context_create(NULL, &h.ctx), VT_OK);
    assert_int_equal(vt_cancel_create(h.ctx, &opt.cancel), VT_OK);
    opt.print = raise_cancel;
    opt.print_user = opt.cancel;
    assert_int_equal(vt_script_create(h.ctx, &opt, &h.script), VT_OK);
    for (int i = 0; i < N_ENDLESS + N_HEAVY; i++) {
        (void)snprintf(text, sizeof text, "print() %s", i < N_ENDLESS ? endless[i] : heavy[i - N_ENDLESS]);
        expect_stop(&h, text, VT_ERR_CANCELLED, "cancelled");
        assert_int_equal(host_load(&h, "x = 1"), VT_ERR_CANCELLED); /* still raised */
        vt_cancel_reset(opt.cancel);
    }
    assert_int_equal(host_load(&h, "x = 1"), VT_OK);
    vt_cancel_release(opt.cancel);
    host_close(&h);
}

static void limits_hold_in_calls_too(void **state) {
    script_host h;
    vt_status st;
    vt_script_options opt = VT_STRUCT_INIT(vt_script_options);
    (void)state;
    opt.instruction_limit = 100000;
    host_open(&h, opt);
    assert_int_equal(host_load(&h, "n = 0 function f() while true do n = n + 1 end end function g() return n > 1000 end"), VT_OK);
    assert_null(host_call(&h, "f", NULL, &st));
    assert_int_equal(st, VT_ERR_LIMIT);
    assert_string_equal(host_call(&h, "g", NULL, &st), "[true]");
    host_close(&h);
}

/* A coroutine that a limit stopped half way can go on in the next call, with a hook of the usual period. */
static void a_suspended_coroutine_survives_a_limit(void **state) {
    script_host h;
    vt_status st;
    vt_script_options opt = VT_STRUCT_INIT(vt_script_options);
    (void)state;
    opt.instruction_limit = 100000;
    host_open(&h, opt);
    assert_int_equal(host_load(&h, "gen = coroutine.wrap(function() local i = 0 while true do i = i + 1 coroutine.yield(i) end end)\n"
                                   "function next_one() return gen() end\n"
                                   "function loop() gen() while true do end end"), VT_OK);
    assert_string_equal(host_call(&h, "next_one", NULL, &st), "[1]");
    assert_null(host_call(&h, "loop", NULL, &st));
    assert_int_equal(st, VT_ERR_LIMIT);
    assert_string_equal(host_call(&h, "next_one", NULL, &st), "[3]");
    host_close(&h);
}

static void counts_are_near_the_truth(void **state) {
    static const struct { const char *text; int fits; } cases[] = {
        {"for i = 1, 40000 do end", 1},   {"for i = 1, 60000 do end", 0},
        {"local c = coroutine.wrap(function() for i = 1, 40000 do end end) c()", 1},
        {"local c = coroutine.wrap(function() for i = 1, 60000 do end end) c()", 0},
        {"string.find(('a'):rep(20000), 'b')", 1},  {"string.find(('a'):rep(120000), 'b*c')", 0},
    };
    script_host h;
    vt_script_options opt = VT_STRUCT_INIT(vt_script_options);
    (void)state;
    opt.instruction_limit = 50000;
    host_open(&h, opt);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (host_load(&h, cases[i].text) != (cases[i].fits ? VT_OK : VT_ERR_LIMIT)) fail_msg("%s", cases[i].text);
    host_close(&h);
    opt.instruction_limit = 8; /* fewer than the usual period */
    host_open(&h, opt);
    assert_int_equal(host_load(&h, "local a = 1"), VT_OK);
    assert_int_equal(host_load(&h, "local a, b = 1 a = b b = a a = b b = a a = b b = a a = b"), VT_ERR_LIMIT);
    host_close(&h);
}

/* Library functions execute no instruction: they are booked before they begin. */
static void limits_hold_in_library_calls(void **state) {
    static const char *const long_calls[] = {
        "vt.sections(s, 'html')", "vt.sections(s)", "vt.words(s)", "vt.json.decode(s)", "while true do vt.hash(s) end",
        "vt.index():search(s)", "local i = vt.index() i:put_source('a', 1) i:add('a', { text = s })", "vt.random.normal(1, 16000000)",
    };
    script_host h;
    char text[512], message[64];
    (void)state;
    for (int timed = 0; timed < 2; timed++) {
        vt_script_options opt = VT_STRUCT_INIT(vt_script_options);
        opt.time_limit_ms = timed ? 150 : 0;
        opt.instruction_limit = timed ? 0 : 15000000; /* the text itself counts with its size */
        for (size_t i = 0; i < sizeof long_calls / sizeof *long_calls; i++) {
            vt_status made = VT_ERR_LIMIT;
            for (int tries = 1; made == VT_ERR_LIMIT; tries++) { /* a busy machine may take over 150 ms for the text alone: the limit follows it */
                host_open(&h, opt);
                made = host_load(&h, "vt = require 'venturi' s = ('<p>words '):rep(1000):rep(60000000 // 9000)");
                if (made == VT_OK) break;
                if (made != VT_ERR_LIMIT || tries == 50) fail_msg("%s", vt_error_message());
                host_close(&h);
                if (timed && tries % 10 == 0) opt.time_limit_ms *= 2;
            }
            (void)snprintf(text, sizeof text, "%s", long_calls[i]);
            (void)snprintf(message, sizeof message, "time limit of %lld ms reached", (long long)opt.time_limit_ms);
            double begin = host_seconds();
            expect_stop(&h, text, VT_ERR_LIMIT, timed ? message : "instruction limit of 15000000 reached");
            if (host_seconds() - begin > 2.0) fail_msg("%s: ended only after %.1f s", text, host_seconds() - begin);
            host_close(&h);
        }
    }
}

static void memory_limits_hold(void **state) {
    static const char *const greedy[] = {
        "local t = {} while true do t[#t + 1] = {} end",
        "local s = 'x' while true do s = s .. s end",
        "string.rep('x', 1 << 40)",
        "string.rep('x', 1 << 28)",
        "local t = {} for i = 1, 1e8 do t[i] = ('x'):rep(i) end",
        "coroutine.wrap(function() local t = {} while true do t[#t + 1] = {} end end)()",
        "table.concat(setmetatable({}, { __index = type }), '', 1, 1 << 60)",
        "string.pack('c2000000000', '')",
        "local t = {} t[1] = ('x'):rep(1 << 20) for i = 2, 1000 do t[i] = t[1] end table.concat(t)",
        "local s = ('x'):rep(1 << 20) s:gsub('x', ('y'):rep(100))",
        "local t = setmetatable({}, { __len = function() return 2000000000 end }) table.sort(t)",
        "local n = 0 assert(load(function() n = n + 1 return 'x = \"' .. ('y'):rep(1 << 16) .. n .. '\" ' end))",
    };
    script_host h;
    vt_script_options opt = VT_STRUCT_INIT(vt_script_options);
    (void)state;
    opt.memory_limit = 8 << 20;
    host_open(&h, opt);
    uint64_t base = vt_context_memory(h.ctx) - vt_script_memory(h.script);
    for (size_t i = 0; i < sizeof greedy / sizeof *greedy; i++) {
        expect_stop(&h, greedy[i], VT_ERR_NOMEM, "memory");
        assert_true(vt_script_memory(h.script) <= opt.memory_limit);
        assert_true(vt_context_memory_peak(h.ctx) <= base + opt.memory_limit + 4096);
    }
    assert_int_equal(host_load(&h, "local ok, e = pcall(string.rep, 'x', 1 << 30) assert(not ok and e == 'not enough memory', e)"), VT_OK);
    host_close(&h);
}

static void deep_recursion_is_an_error(void **state) {
    static const char *const deep[] = {
        "local function f() return 1 + f() end f()",
        "local function f() return (('x'):gsub('x', f)) end f()",
        "local function f() return (table.sort({ 1, 2 }, f)) end f()",
        "local t = setmetatable({}, { __index = function(t, k) return t[k + 1] end }) return t[1]",
        "local t = setmetatable({}, {}) getmetatable(t).__tostring = function() return tostring(t) end tostring(t)",
        "local t = setmetatable({}, {}) getmetatable(t).__index = t return t.x.y",
        "local function f() coroutine.wrap(f)() end f()",
        "assert(load('return ' .. ('('):rep(100000) .. '1'))",
        "assert(load('x = ' .. ('{'):rep(100000)))",
        "assert(load(('do '):rep(100000)))",
        "assert(load('return ' .. ('not '):rep(100000) .. '1'))",
        "assert(load('x' .. ('.y'):rep(10) .. ' = ' .. ('a..'):rep(100000) .. '1'))",
        "string.find(('x'):rep(1000), ('x?'):rep(1000))",
        "string.find('x', ('('):rep(1000))",
        "local mt = {} mt.__eq = function(a, b) return a == b end return setmetatable({}, mt) == setmetatable({}, mt)",
        "local mt = {} mt.__concat = function(a, b) return a .. b end return setmetatable({}, mt) .. 'x'",
    };
    script_host h;
    (void)state;
    host_open(&h, (vt_script_options)VT_STRUCT_INIT(vt_script_options));
    for (size_t i = 0; i < sizeof deep / sizeof *deep; i++) {
        vt_status st = host_load(&h, deep[i]);
        if (st != VT_ERR_STATE) fail_msg("%s: %s", deep[i], vt_status_name(st));
    }
    /* Closing a coroutine does not count C calls in Lua 5.4.4: a chain of them would end on the C stack. */
    assert_int_equal(host_load(&h, "local co = {}\n"
                                   "for i = 1, 5000 do co[i] = coroutine.create(function()\n"
                                   "  local c <close> = setmetatable({}, { __close = function() if co[i + 1] then coroutine.close(co[i + 1]) end end })\n"
                                   "  coroutine.yield() end) coroutine.resume(co[i]) end\n"
                                   "coroutine.close(co[1])"), VT_OK);
    host_close(&h);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(instruction_limits_hold),
        cmocka_unit_test(time_limits_hold),
        cmocka_unit_test(a_cancel_token_holds),
        cmocka_unit_test(limits_hold_in_calls_too),
        cmocka_unit_test(a_suspended_coroutine_survives_a_limit),
        cmocka_unit_test(counts_are_near_the_truth),
        cmocka_unit_test(limits_hold_in_library_calls),
        cmocka_unit_test(memory_limits_hold),
        cmocka_unit_test(deep_recursion_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
