/* Chat templates: a template, and behind a NUL byte the conversation as JSON (fixed ones without it), through the interpreter in a script. A template
 * renders or fails with an error of its own; the script's limits stand far behind those of the template, so that hitting them is a finding: work that
 * the template's own limits do not count. */
#include <stdlib.h>
#include <string.h>

#include "venturi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_BYTES = 16384, HEAD_SIZE = 1 + 2 * 5 };

static const char text[] =
    "local jinja = require 'venturi.jinja'\n"
    "local limits = { steps = 20000, memory = 1 << 20, output = 1 << 18, now = 0 }\n"
    "local sane = { VT_ERR_INVALID = true, VT_ERR_FORMAT = true, VT_ERR_UNSUPPORTED = true, VT_ERR_LIMIT = true }\n"
    "-- What an error says, without its place and numbers.\n"
    "local function outcome(err)\n"
    "  if type(err) ~= 'table' or not sane[err.name] then error(err, 0) end\n"
    "  return (err.message:sub(1, 200):gsub('%d+', '#'))\n"
    "end\n"
    "local fixed = {\n"
    "  [[ [{\"role\": \"system\", \"content\": \"s\"}, {\"role\": \"user\", \"content\": \" Hi \\n\"}, {\"role\": \"assistant\", \"content\": \"<think>t</think>a\"}] ]],\n"
    "  [[ [{\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": \"é\"}, {\"type\": \"image\"}]}, {\"role\": \"assistant\", \"content\": null,\n"
    "      \"tool_calls\": [{\"function\": {\"name\": \"f\", \"arguments\": {\"x\": 1.5}}}]}, {\"role\": \"tool\", \"content\": \"7\"}] ]],\n"
    "}\n"
    "local tools = [[ [{\"type\": \"function\", \"function\": {\"name\": \"f\", \"parameters\": {\"properties\": {\"x\": {\"type\": \"number\"}}}}}] ]]\n"
    "-- What the template sees: a dict's items, or any other value as the messages.\n"
    "local function variables_of(value, i)\n"
    "  local seen = { messages = value, tools = jinja.from_json(tools), add_generation_prompt = true, bos_token = '<s>', eos_token = '</s>', x = i }\n"
    "  if jinja.value.is_dict(value) then\n"
    "    for _, key in ipairs(value.keys) do seen[key] = value.map[key] end\n"
    "  end\n"
    "  return seen\n"
    "end\n"
    "function render(template, json)\n"
    "  local ok, compiled = pcall(jinja.compile, template)\n"
    "  if not ok then return outcome(compiled) end\n"
    "  local seen = {}\n"
    "  for i, conversation in ipairs(json and { json } or fixed) do\n"
    "    local read, value = pcall(jinja.from_json, conversation)\n" /* anew: a template may change what it is given */
    "    if not read then return outcome(value) end\n"
    "    local rendered, result = pcall(compiled.render, compiled, variables_of(value, i), limits)\n"
    "    if rendered and #result > limits.output then error('too much output') end\n"
    "    seen[i] = rendered and #('%x'):format(#result) or outcome(result)\n"
    "  end\n"
    "  return table.unpack(seen)\n"
    "end\n";

static void need(int holds) {
    if (!holds) abort();
}

static vt_script *make_script(void) {
    vt_context *ctx;
    vt_script *s;
    vt_script_options opt = VT_STRUCT_INIT(vt_script_options);

    /* A step of a template is about ten instructions; the conversations are two, and compiling is linear in the bytes. */
    opt.instruction_limit = 40000000;
    opt.memory_limit = UINT64_C(128) << 20;
    need(vt_context_create(NULL, &ctx) == VT_OK);
    need(vt_script_create(ctx, &opt, &s) == VT_OK);
    vt_context_release(ctx);
    need(vt_script_load(s, "render", text, sizeof text - 1) == VT_OK);
    return s;
}

/* Bytes as a MessagePack "bin 32". */
static size_t put_binary(uint8_t *to, const uint8_t *bytes, size_t n) {
    to[0] = 0xc6;
    for (int i = 0; i < 4; i++) to[1 + i] = (uint8_t)(n >> (24 - 8 * i));
    if (n) memcpy(to + 5, bytes, n);
    return 5 + n;
}

/* The interpreter is not instrumented, and what runs is Lua: libFuzzer learns of new outcomes through these counters. */
__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t outcomes[1 << 14];

static void count_outcome(const uint8_t *bytes, size_t n) {
    uint32_t h = 2166136261U;
    for (size_t i = 0; i < n; i++) h = (h ^ bytes[i]) * 16777619U;
    outcomes[(h ^ (h >> 14)) % sizeof outcomes] = 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    vt_buffer *out;
    static vt_script *script; /* one for all inputs: what a template does must not outlive it; reachable, so no leak */
    static uint8_t args[MOST_BYTES + HEAD_SIZE];

    if (size > MOST_BYTES) return 0;
    if (!script) script = make_script();
    const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
    size_t len = nul ? (size_t)(nul - data) : size;
    args[0] = nul ? 0x92 : 0x91;
    size_t used = 1 + put_binary(args + 1, data, len);
    if (nul) used += put_binary(args + used, nul + 1, size - len - 1);
    need(vt_script_call(script, "render", args, used, &out) == VT_OK);
    count_outcome(vt_buffer_data(out), vt_buffer_size(out));
    vt_buffer_release(out);
    return 0;
}
