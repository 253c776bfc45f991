/* The sandbox's own pattern matching against stock Lua's string library: the same program, the same seeds, in a script and in a plain state;
 * results and complaints must be the same to the byte. */
#include <lauxlib.h>
#include <lualib.h>

#include "script_host.h"

enum { CASES = 3000, SEEDS = 10 };

/* batch(seed, n) -> one line a case: what was called, and what came of it. Uses no pattern itself outside the calls under test. */
static const char program[] =
    "local state\n"
    "local function random(n) state = (state * 6364136223846793005 + 1442695040888963407) return (state >> 33) % n + 1 end\n"
    "local pieces = { 'a', 'b', 'c', '1', ' ', '_', '.', '%a', '%d', '%w', '%W', '%s', '%p', '%u', '%l', '%x', '%c', '%g', '%A', '%z', '%.', '%%',\n"
    "  '[ab]', '[^a]', '[a-c]', '[%a_]', '[]]', '[^]a]', '[a-]', '[%]]', '[-a]', '[^%w]', '[%a-z]', '[a', '[', ']', '[^', '%', '*', '+', '-', '?', '*', '+', '-', '?',\n"
    "  '(', ')', '()', '(a)', '(a*)', '(.-)', '(%w+)', '^', '$', '%b()', '%bab', '%b', '%f[a]', '%f[%W]', '%f', '%f[', '%1', '%2', '%0', '%9', '\\0', '\\xE9' }\n"
    "local letters = { 'a', 'a', 'a', 'b', 'b', 'c', '1', ' ', '_', '(', ')', '\\0', '\\xE9', 'Z', '.', ']', '-' }\n"
    "local templates = { '', 'x', '<%0>', '%1', '%2', '%%', '%9', '%', '%x', '[%1%0]', 'a%', '\\0%0' }\n"
    "local function build(from, most) local t = {} for i = 1, random(most + 1) - 1 do t[i] = from[random(#from)] end return table.concat(t) end\n"
    "local function show(v)\n"
    "  if type(v) == 'string' then local t = {} for i = 1, #v do t[i] = tostring(v:byte(i)) end return '\"' .. table.concat(t, ' ') .. '\"' end\n"
    "  return type(v) == 'table' and 'table' or tostring(v) end\n"
    "local function list(...) local t = {} for i = 1, select('#', ...) do t[i] = show((select(i, ...))) end return table.concat(t, ',') end\n"
    "local function answer(...)\n"
    "  local k, results = random(5), { 'r', 7, false, {}, 2.5 }\n"
    "  if k == 5 then return nil end\n"
    "  return random(12) == 1 and results[4] or k ~= 4 and results[k] or list(...) end\n"
    "local function init() return random(3) == 1 and random(20) - 10 or nil end\n"
    "local calls = {\n"
    "  function(s, p) return string.find(s, p, init()) end,\n"
    "  function(s, p) return string.find(s, p, init(), true) end,\n"
    "  function(s, p) return string.match(s, p, init()) end,\n"
    "  function(s, p) local t = {} for a, b, c in string.gmatch(s, p, init()) do t[#t + 1] = list(a, b, c) end return table.concat(t, ';') end,\n"
    "  function(s, p) return string.gsub(s, p, templates[random(#templates)], random(4) == 1 and random(4) - 1 or nil) end,\n"
    "  function(s, p) return string.gsub(s, p, answer) end,\n"
    "  function(s, p) return string.gsub(s, p, { a = 'A', ab = 1, b = false, [1] = 'one', c = random(9) == 1 and {} or 'C', [''] = '-' }) end,\n"
    "  function(s, p) return string.gsub(s, p, random(2) == 1 and 5 or nil) end,\n"
    "}\n"
    "function batch(seed, n)\n"
    "  local out = {}\n"
    "  state = seed\n"
    "  for i = 1, n do\n"
    "    local k, s, p = random(#calls), build(letters, 14), build(pieces, 7)\n"
    "    out[i] = list(k, s, p) .. ' -> ' .. list(pcall(calls[k], s, p))\n"
    "  end\n"
    "  return table.concat(out, '\\n')\n"
    "end\n";

static void first_difference(const char *ours, const char *stock) {
    size_t i = 0, begin = 0;
    for (; ours[i] && ours[i] == stock[i]; i++)
        if (ours[i] == '\n') begin = i + 1;
    fail_msg("bytes in decimal:\nours:  %.*s\nstock: %.*s", (int)strcspn(ours + begin, "\n"), ours + begin, (int)strcspn(stock + begin, "\n"), stock + begin);
}

static void random_patterns_do_as_stock_lua_does(void **state) {
    script_host h;
    (void)state;
    host_open(&h, (vt_script_options)VT_STRUCT_INIT(vt_script_options));
    if (host_load(&h, program) != VT_OK) fail_msg("%s", vt_error_message());
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    if (luaL_loadbuffer(L, program, sizeof program - 1, "@test.lua") != LUA_OK || lua_pcall(L, 0, 0, 0) != LUA_OK) fail_msg("%s", lua_tostring(L, -1));
    for (int seed = 1; seed <= SEEDS; seed++) {
        const unsigned char args[] = {0x92, (unsigned char)seed, 0xCD, CASES >> 8, CASES & 0xFF};
        vt_buffer *out = NULL;
        lua_getglobal(L, "batch");
        lua_pushinteger(L, seed);
        lua_pushinteger(L, CASES);
        if (lua_pcall(L, 2, 1, 0) != LUA_OK) fail_msg("%s", lua_tostring(L, -1));
        if (vt_script_call(h.script, "batch", args, sizeof args, &out) != VT_OK) fail_msg("%s", vt_error_message());
        const char *ours = (const char *)vt_buffer_data(out) + 6, *stock = lua_tostring(L, -1); /* behind the heads of array and str32 */
        assert_int_equal(((const unsigned char *)vt_buffer_data(out))[1], 0xDB);
        if (strcmp(ours, stock) != 0) first_difference(ours, stock);
        vt_buffer_release(out);
        lua_pop(L, 1);
    }
    lua_close(L);
    host_close(&h);
}

/* What a random pattern does not meet. */
static const struct { const char *expression, *want; } cases[] = {
    {"('hello world'):find('o w')", "[5,7]"},
    {"('a.b'):find('.', 2, true), ('abc'):find('', 4), ('abc'):find('', 5), ('abc'):find('b', -2)", "[2,4,null,2,2]"},
    {"('  trim me '):match('^%s*(.-)%s*$')", "[\"trim me\"]"},
    {"('key = value'):match('^(%w+)%s*=%s*(%w+)$')", "[\"key\",\"value\"]"},
    {"('THE (quick) fox'):find('%((%a+)%)')", "[5,11,\"quick\"]"},
    {"('f(a(b)c)d'):match('%b()')", "[\"(a(b)c)\"]"},
    {"('THE (quick) fox'):gsub('%f[%a]%a+%f[%A]', string.lower)", "[\"the (quick) fox\",3]"},
    {"('hello'):gsub('', '-')", "[\"-h-e-l-l-o-\",6]"},
    {"('abc'):gsub('%w', '%0%0', 2)", "[\"aabbc\",2]"},
    {"('hello hello'):match('(h%w+) %1')", "[\"hello\"]"},
    {"('x'):rep(5000):match('^(x*)$') == ('x'):rep(5000)", "[true]"},
    {"pcall(string.rep, 'x', -1)", "[true,\"\"]"},
    {"pcall(string.find, ('a'):rep(33), ('(a)'):rep(33))", "[false,\"too many captures\"]"},
    {"(('a'):rep(32):match(('(a)'):rep(32)))", "[\"a\"]"},
    {"pcall(string.find, ('a'):rep(300), ('a?'):rep(300))", "[false,\"pattern too complex\"]"},
    {"(#(''):match(('a?'):rep(300)))", "[0]"},
    {"pcall(string.gsub, 'a', 'a', print, 'x')", "[false,\"bad argument #4 to 'string.gsub' (number expected, got string)\"]"},
    {"pcall(string.gsub, 'a', 'a', true)", "[false,\"bad argument #3 to 'string.gsub' (string/function/table expected, got boolean)\"]"},
    {"pcall(string.find, 'a')", "[false,\"bad argument #2 to 'string.find' (string expected, got no value)\"]"},
    {"(('a b c'):gsub('%w', setmetatable({}, { __index = function(_, k) return k .. k end })))", "[\"aa bb cc\"]"},
    {"select('#', ('abc'):match('()b()'))", "[2]"},
    {"(function() local n = 0 for k in ('a,b,,c'):gmatch('[^,]*') do n = n + 1 end return n end)()", "[4]"},
    {"(function() local t = {} for k, v in ('a=1, b=2'):gmatch('(%w+)=(%w+)') do t[k] = v end return t.a, t.b end)()", "[\"1\",\"2\"]"},
};

static void the_manuals_cases_hold(void **state) {
    script_host h;
    char text[512];
    (void)state;
    host_open(&h, (vt_script_options)VT_STRUCT_INIT(vt_script_options));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vt_status st;
        (void)snprintf(text, sizeof text, "function f() return %s end", cases[i].expression);
        assert_int_equal(host_load(&h, text), VT_OK);
        const char *got = host_call(&h, "f", NULL, &st);
        if (!got) fail_msg("%s: %s", cases[i].expression, vt_error_message());
        if (strcmp(got, cases[i].want) != 0) fail_msg("%s: got %s, want %s", cases[i].expression, got, cases[i].want);
    }
    host_close(&h);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_patterns_do_as_stock_lua_does),
        cmocka_unit_test(the_manuals_cases_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
