/* What a script cannot reach, and what of Lua's standard library works as usual all the same. */
#include "script_host.h"

/* Each is a chunk that returns true when the wall stands. */
static const char *const walls[] = {
    "return io == nil and debug == nil and dofile == nil and loadfile == nil",
    "return os.execute == nil and os.getenv == nil and os.remove == nil and os.rename == nil and os.exit == nil and os.tmpname == nil and os.date == nil "
    "and os.setlocale == nil",
    "return type(os.time()) == 'number' and type(os.clock()) == 'number'",
    "return string.dump == nil and ('').dump == nil",
    "return package.loadlib == nil and package.cpath == nil and package.path == nil and package.searchers == nil and package.searchpath == nil",
    "for _, name in ipairs { 'io', 'debug', 'ffi', 'os.x', 'socket', 'lfs', 'venturi/../x', '' } do if pcall(require, name) then return false end end return true",
    /* bytecode, by every way in */
    "return load('\\27Lua\\x54') == nil",
    "return load('\\27Lua\\x54', 'x', 'b') == nil and load('\\27Lua', 'x', 'bt') == nil",
    "local n = 0 return load(function() n = n + 1 return n == 1 and '\\27' or n == 2 and 'Lua' or nil end, 'x', 'b') == nil",
    "return load('return 1', 'x', 'b') == nil and load('return 1', 'x', 't')() == 1 and load('return 1', 'x', 'bt')() == 1",
    "return not pcall(load, 1) and not pcall(load) and load('x', 'y', 'zzz') == nil",
    /* finalizers run with hooks off */
    "return not pcall(setmetatable, {}, { __gc = function() end })",
    "return not pcall(setmetatable, {}, { __gc = true })",
    "local mt = {} local t = setmetatable({}, mt) mt.__gc = function() error('ran') end t = nil collectgarbage() return true",
    /* metatables that are shared */
    "return getmetatable('') == false and not pcall(setmetatable, '', {})",
    "local vt = require('venturi') return type(getmetatable(vt.sampler {})) ~= 'table'",
    "local vt = require('venturi') local ok, e = pcall(vt.index, '/') return type(e) == 'table' and type(getmetatable(e)) ~= 'table'",
    /* the collector's knobs */
    "return not pcall(collectgarbage, 'stop') and not pcall(collectgarbage, 'incremental') and not pcall(collectgarbage, 'generational') "
    "and not pcall(collectgarbage, 'setpause', 1e9 // 1)",
    "return type(collectgarbage('count')) == 'number' and collectgarbage() == 0 and type(collectgarbage('step')) == 'boolean'",
    "return select('#', math.randomseed()) == 0",
    /* nothing but what is listed */
    "local known = {} for w in ('_G _VERSION assert collectgarbage coroutine error getmetatable ipairs load math next os package pairs pcall print rawequal "
    "rawget rawlen rawset require select setmetatable string table tonumber tostring type utf8 warn xpcall'):gmatch('%S+') do known[w] = true end "
    "for k in pairs(_G) do if not known[k] then error(k) end end return true",
    "local known = {} for w in ('byte char find format gmatch gsub len lower match pack packsize rep reverse sub unpack upper'):gmatch('%S+') do "
    "known[w] = true end for k in pairs(string) do if not known[k] then error(k) end end return true",
    /* no table with a metatable of C can be reached from what is given */
    "local seen = {}\n"
    "local function walk(v) if seen[v] then return end\n"
    "  local t = type(v)\n"
    "  if t == 'table' or t == 'userdata' or t == 'function' then seen[v] = true\n"
    "    local mt = getmetatable(v)\n"
    "    if type(mt) == 'table' then assert(rawget(mt, '__gc') == nil, 'finalizer in reach') walk(mt) end end\n"
    "  if t == 'table' then for k, x in next, v do walk(k) walk(x) end end end\n"
    "walk(_G) walk(package.loaded) walk(require('venturi')) return true",
};

static void the_wall_stands(void **state) {
    script_host h;
    char text[4096];
    (void)state;
    host_open(&h, (vt_script_options)VT_STRUCT_INIT(vt_script_options));
    for (size_t i = 0; i < sizeof walls / sizeof *walls; i++) {
        (void)snprintf(text, sizeof text, "assert((function() %s end)() == true)", walls[i]);
        if (host_load(&h, text) != VT_OK) fail_msg("%s: %s", walls[i], vt_error_message());
    }
    host_close(&h);
}

/* Functions that are not stock behave like stock; expected values are those of lua5.4. */
static const struct { const char *expression, *want; } usual[] = {
    {"pcall(error, 'x')", "[false,\"x\"]"},
    {"pcall(function(...) return ... end, 1, nil, 3)", "[true,1,null,3]"},
    {"xpcall(function(a) error('e' .. a, 0) end, function(m) return m .. '!' end, 7)", "[false,\"e7!\"]"},
    {"xpcall(function(...) return select('#', ...) end, print, 1, nil, nil)", "[true,3]"},
    {"pcall(pcall)", "[false,\"bad argument #1 to 'pcall' (value expected)\"]"},
    {"pcall(xpcall, print)", "[false,\"bad argument #2 to 'xpcall' (function expected, got no value)\"]"},
    {"select(2, coroutine.resume(coroutine.create(function() return pcall(function() return coroutine.yield(1), 2 end) end)))", "[1]"},
    {"coroutine.wrap(function() return pcall(function() coroutine.yield(5) error('late', 0) end) end)()", "[5]"},
    {"(function() local c = coroutine.wrap(function() return pcall(function() coroutine.yield(5) error('late', 0) end) end) c() return c() end)()", "[false,\"late\"]"},
    {"(function() local c = coroutine.create(function() error('in', 0) end) return coroutine.resume(c) end)()", "[false,\"in\"]"},
    {"(function() local c = coroutine.create(function() end) coroutine.resume(c) return coroutine.resume(c) end)()", "[false,\"cannot resume dead coroutine\"]"},
    {"(function() local c = coroutine.create(function() error('e', 0) end) coroutine.resume(c) return coroutine.close(c) end)()", "[false,\"e\"]"},
    {"(function() local c = coroutine.create(function() coroutine.yield() end) coroutine.resume(c) return coroutine.close(c), coroutine.status(c) end)()", "[true,\"dead\"]"},
    {"pcall(coroutine.close, coroutine.running())", "[false,\"cannot close a running coroutine\"]"},
    {"coroutine.resume(coroutine.running())", "[false,\"cannot resume non-suspended coroutine\"]"},
    {"pcall(coroutine.wrap(function() error({ code = 1 }) end))", "[false,{\"code\":1}]"},
    {"coroutine.isyieldable(), coroutine.wrap(function() return coroutine.isyieldable() end)()", "[false,true]"},
    {"pcall(coroutine.resume, 1)", "[false,\"bad argument #1 to 'coroutine.resume' (thread expected, got number)\"]"},
    {"load('return ...', 'c', 't', {})(4)", "[4]"},
    {"load('x = y return _ENV', 'c', 't', { y = 2 })().x, x", "[2,null]"},
    {"load('syntax error here')", "[null,\"[string \\\"syntax error here\\\"]:1: syntax error near 'error'\"]"},
    {"(function() local p, i = { 'return ', '1', '+1' }, 0 return load(function() i = i + 1 return p[i] end)() end)()", "[2]"},
    {"pcall(load, function() return {} end)", "[true,null,\"reader function must return a string\"]"},
    {"table.concat({ 1, 2, 'x', 2.5 }, ', ')", "[\"1, 2, x, 2.5\"]"},
    {"table.concat({ 1, 2, 3 }, '-', 2, 3), table.concat({}, 'x'), table.concat({ 1 }, 'x', 2)", "[\"2-3\",\"\",\"\"]"},
    {"pcall(table.concat, { 1, {} })", "[false,\"invalid value (table) at index 2 in table for 'concat'\"]"},
    {"(function() local t = { 1, 2, 3 } table.insert(t, 4) table.insert(t, 1, 0) return t end)()", "[[0,1,2,3,4]]"},
    {"pcall(table.insert, { 1 }, 3, 1)", "[false,\"bad argument #2 to 'table.insert' (position out of bounds)\"]"},
    {"pcall(table.insert, { 1 })", "[false,\"wrong number of arguments to 'insert'\"]"},
    {"(function() local t = { 1, 2, 3 } return table.remove(t, 1), table.remove(t), t end)()", "[1,3,[2]]"},
    {"table.remove({}), table.remove({}, 0), pcall(table.remove, { 1 }, 5)", "[null,null,false,\"bad argument #2 to 'table.remove' (position out of bounds)\"]"},
    {"table.move({ 1, 2, 3 }, 1, 3, 2), table.move({ 1, 2, 3 }, 2, 3, 1), table.move({ 1 }, 1, 1, 1, { 9, 8 })", "[[1,1,2,3],[2,3,3],[1,8]]"},
    {"pcall(table.move, {}, 1, math.maxinteger, 2)", "[false,\"bad argument #4 to 'table.move' (destination wrap around)\"]"},
    {"table.unpack({ 1, 2, 3 }), (table.unpack({ 1, 2, 3 }, 2)), table.unpack({ 1, 2 }, 2, 3)", "[1,2,2,null]"},
    {"pcall(table.unpack, {}, 1, 1e8 // 1 | 0)", "[false,\"too many results to unpack\"]"},
    {"(function() local t = { 3, 1, 2 } table.sort(t) table.sort(t, function(a, b) return a > b end) return t end)()", "[[3,2,1]]"},
    {"(function() local t = {} for i = 1, 300 do t[i] = i * 7919 % 307 end table.sort(t) for i = 2, 300 do assert(t[i - 1] <= t[i]) end return #t end)()", "[300]"},
    {"(pcall(table.sort, { 1, 'x' }))", "[false]"},
    {"pcall(table.sort, 1)", "[false,\"bad argument #1 to 'table.sort' (table expected, got number)\"]"},
    {"('ab'):rep(3), ('ab'):rep(3, ','), ('x'):rep(0), ('x'):rep(-1), (''):rep(1 << 60), ('x'):rep(1)", "[\"ababab\",\"ab,ab,ab\",\"\",\"\",\"\",\"x\"]"},
    {"('x'):rep(1000, 'yy'):len(), pcall(string.rep, 'x', 1 << 62, 'y')", "[2998,false,\"resulting string too large\"]"},
    {"('hello'):sub(2, -2), ('hello'):sub(-3), ('hello'):sub(0), ('hello'):sub(9), ('hello'):sub(-99, 2), ('hello'):sub(3, 2)", "[\"ell\",\"llo\",\"hello\",\"\",\"he\",\"\"]"},
    {"('hello'):sub(math.mininteger, math.maxinteger), ('hello'):sub(math.maxinteger, math.mininteger)", "[\"hello\",\"\"]"},
    {"('abc'):byte(1, -1), ('abc'):byte(10)", "[97]"},
    {"('a%d %s %q'):format(1, {} == nil, 'x\\n')", "[\"a1 false \\\"x\\\\\\n\\\"\"]"},
    {"string.unpack('<i4', string.pack('<i4', -2)), string.packsize('i4i8'), string.pack('z', 'a') == 'a\\0'", "[-2,12,true]"},
    {"pcall(string.format, '%d', 'x')", "[false,\"bad argument #2 to 'string.format' (number expected, got string)\"]"},
    {"utf8.len('a\\u{20AC}'), utf8.offset('a\\u{20AC}b', 3), utf8.char(8364) == '\\u{20AC}', utf8.len('\\xFF')", "[2,5,true,null,1]"},
    {"tonumber('0x10'), tonumber('z', 36), tonumber('1e1'), tonumber('x')", "[16,35,10.0,null]"},
    {"#tostring(print) > 10, tostring(nil), tostring(1.5)", "[true,\"nil\",\"1.5\"]"},
    {"rawlen({ 1, 2 }), rawequal('a', 'a'), select('#', nil, nil)", "[2,true,2]"},
    {"getmetatable(setmetatable({}, { __metatable = 'mine' })), pcall(setmetatable, setmetatable({}, { __metatable = 1 }), {})", "[\"mine\",false,\"cannot change a protected metatable\"]"},
    {"(function() local r = {} do local x <close> = setmetatable({}, { __close = function() r[1] = 'closed' end }) end return r end)()", "[[\"closed\"]]"},
    {"math.type(1), math.tointeger(3.0), math.maxinteger, 7 // 2, 2^53", "[\"integer\",3,9223372036854775807,3,9007199254740992.0]"},
    {"warn('quiet')", "[]"},
};

static void the_rest_is_stock(void **state) {
    script_host h;
    char text[1024];
    (void)state;
    host_open(&h, (vt_script_options)VT_STRUCT_INIT(vt_script_options));
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        vt_status st;
        (void)snprintf(text, sizeof text, "function f() return %s end", usual[i].expression);
        if (host_load(&h, text) != VT_OK) fail_msg("%s: %s", text, vt_error_message());
        const char *got = host_call(&h, "f", NULL, &st);
        if (!got) fail_msg("%s: %s", usual[i].expression, vt_error_message());
        if (strcmp(got, usual[i].want) != 0) fail_msg("%s: got %s, want %s", usual[i].expression, got, usual[i].want);
    }
    host_close(&h);
}

/* The same text in two scripts of two contexts: nothing of one is seen by the other. */
static void scripts_share_nothing(void **state) {
    script_host a, b;
    vt_status st;
    (void)state;
    host_open(&a, (vt_script_options)VT_STRUCT_INIT(vt_script_options));
    host_open(&b, (vt_script_options)VT_STRUCT_INIT(vt_script_options));
    assert_int_equal(host_load(&a, "x = 1 string.leak = 1 function f() return x, string.leak end"), VT_OK);
    assert_int_equal(host_load(&b, "function f() return x, string.leak end"), VT_OK);
    assert_string_equal(host_call(&a, "f", NULL, &st), "[1,1]");
    assert_string_equal(host_call(&b, "f", NULL, &st), "[null,null]");
    host_close(&a);
    assert_string_equal(host_call(&b, "f", NULL, &st), "[null,null]");
    host_close(&b);
}

static void capabilities_are_the_hosts_to_give(void **state) {
    static const struct { uint32_t flags; const char *text; int allowed; } cases[] = {
        {0, "require('venturi').index('/nonexistent/x')", 0},
        {VT_SCRIPT_ALLOW_MODELS, "require('venturi').index('/nonexistent/x')", 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        script_host h;
        vt_script_options opt = VT_STRUCT_INIT(vt_script_options);
        opt.flags = cases[i].flags;
        host_open(&h, opt);
        vt_status st = host_load(&h, cases[i].text);
        assert_int_not_equal(st, VT_OK);
        if ((st != VT_ERR_UNSUPPORTED) != cases[i].allowed) fail_msg("flags %u: %s: %s", cases[i].flags, cases[i].text, vt_error_message());
        host_close(&h);
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_wall_stands),
        cmocka_unit_test(the_rest_is_stock),
        cmocka_unit_test(scripts_share_nothing),
        cmocka_unit_test(capabilities_are_the_hosts_to_give),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
