/* JSON schemas: what their grammars take, what is refused by name, and that whatever they write satisfies the schema. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "torture_each.h"

#include "one_context.h"

static int32_t check(const char *schema, const char *text) {
    vt_grammar *g;
    int32_t is = -1;
    if (vt_grammar_create_from_schema(ctx, schema, strlen(schema), &g) != VT_OK) fail_msg("%s: %s", schema, vt_error_message());
    assert_int_equal(vt_grammar_check(g, text, strlen(text), &is), VT_OK);
    vt_grammar_release(g);
    return is;
}

#define OBJ "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"},\"b\":{\"type\":\"string\"},\"c\":{\"type\":\"null\"}}"

static void values_are_told_apart(void **state) {
    static const struct {
        const char *schema, *yes[6], *no[8];
    } cases[] = {
        {"true", {"1", "{}", "[1, {\"a\":null}]", "\"x\\n\""}, {"", "tru", "{\"a\"}", "01", "[1,]"}},
        {"{}", {"false", "-1.5e3", "\"\\ud7ff\""}, {"+1", "nul", "\"\\ud800\"", "\"\\u0000\""}},
        {"{\"type\":\"boolean\"}", {"true", "false"}, {"null", "1"}},
        {"{\"type\":[\"string\",\"null\"]}", {"\"\"", "null"}, {"1"}},
        {"{\"type\":\"integer\"}", {"0", "-12", "9999999999999999"}, {"-0", "1.0", "012", "99999999999999999"}},
        {"{\"type\":\"integer\",\"minimum\":3,\"maximum\":120}", {"3", "9", "10", "99", "100", "120"}, {"2", "121", "1", "0", "-3", "03", "1200"}},
        {"{\"type\":\"integer\",\"minimum\":-15,\"maximum\":7}", {"-15", "-1", "0", "7", "-9", "-10"}, {"-16", "8", "-20", "-0", "70"}},
        {"{\"type\":\"integer\",\"exclusiveMinimum\":9.5,\"exclusiveMaximum\":12}", {"10", "11"}, {"9", "12"}},
        {"{\"type\":\"integer\",\"minimum\":1000}", {"1000", "99999"}, {"999", "-1000"}},
        {"{\"type\":\"integer\",\"maximum\":-5}", {"-5", "-100"}, {"-4", "0", "5"}},
        {"{\"type\":\"number\"}", {"0", "-0.5", "1e5", "12.25"}, {".5", "1.", "-", "00"}},
        {"{\"type\":\"string\",\"minLength\":2,\"maxLength\":3}", {"\"ab\"", "\"\xC3\xA9\xF0\x9F\x98\x80!\"", "\"\\u00e9\\n\""}, {"\"a\"", "\"abcd\""}},
        {"{\"enum\":[\"x\",1,null,[1,\"a\"],{\"k\":2.5}]}", {"\"x\"", "1", "null", "[1,\"a\"]", "{\"k\":2.5}"}, {"\"y\"", "2"}},
        {"{\"const\":\"a\\\"b\\\\\\n\"}", {"\"a\\\"b\\\\\\n\""}, {"\"ab\""}},
        {"{\"type\":\"string\",\"enum\":[\"x\",1]}", {"\"x\""}, {"1"}},
        {OBJ "}", {"{}", "{\"a\":1}", "{\"b\":\"x\"}", "{\"a\": 1, \"c\": null}", "{\n  \"a\": 1,\n  \"b\": \"\"\n}"}, {"{\"d\":1}", "{\"b\":\"\",\"a\":1}", "{\"a\":1,}", "{,}"}},
        {OBJ ",\"required\":[\"b\"]}", {"{\"b\":\"\"}", "{\"a\":1,\"b\":\"\"}", "{\"b\":\"\",\"c\":null}"}, {"{}", "{\"a\":1}", "{\"c\":null}"}},
        {OBJ ",\"required\":[\"a\",\"c\"],\"additionalProperties\":false}", {"{\"a\":1,\"c\":null}", "{\"a\":1,\"b\":\"\",\"c\":null}"}, {"{\"a\":1}", "{\"c\":null}"}},
        {OBJ ",\"additionalProperties\":{\"type\":\"boolean\"}}", {"{}", "{\"x\":true}", "{\"a\":1,\"x\":true,\"\":false}", "{\"ab\":true}"}, {"{\"a\":true}", "{\"x\":1}", "{\"x\":true,\"a\":1}"}},
        {"{\"type\":\"object\",\"additionalProperties\":{\"type\":\"null\"}}", {"{}", "{\"x\":null,\"y\":null}"}, {"{\"x\":1}"}},
        {"{\"type\":\"object\",\"required\":[\"z\"]}", {"{\"z\":1}", "{\"z\":[{}]}"}, {"{}"}},
        {"{\"type\":\"array\",\"items\":{\"type\":\"null\"},\"minItems\":1,\"maxItems\":3}", {"[null]", "[null, null,null]"}, {"[]", "[null,null,null,null]", "[1]"}},
        {"{\"type\":\"array\",\"items\":{\"type\":\"null\"},\"maxItems\":0}", {"[]"}, {"[null]"}},
        {"{\"prefixItems\":[{\"const\":1},{\"const\":2}],\"items\":{\"const\":3},\"minItems\":3}", {"[1,2,3]", "[1,2,3,3]"}, {"[1,2]", "[1]"}},
        {"{\"prefixItems\":[{\"const\":1},{\"const\":2}]}", {"[1,2]"}, {"[1,2,3]", "[2]"}},
        {"{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"integer\"}]}", {"null", "5"}, {"true"}},
        {"{\"oneOf\":[{\"type\":\"null\"},{\"type\":\"integer\"}]}", {"null", "5"}, {"true"}},
        {"{\"allOf\":[{\"type\":\"object\",\"properties\":{\"a\":{\"const\":1}},\"required\":[\"a\"]},{\"properties\":{\"b\":{\"const\":2}}}]}", {"{\"a\":1}", "{\"a\":1,\"b\":2}"}, {"{}", "{\"b\":2}"}},
        {"{\"$ref\":\"#/$defs/t\",\"$defs\":{\"t\":{\"type\":\"object\",\"properties\":{\"l\":{\"$ref\":\"#/$defs/t\"},\"v\":{\"type\":\"integer\"}},\"required\":[\"v\"]}}}",
         {"{\"v\":1}", "{\"l\":{\"l\":{\"v\":3},\"v\":2},\"v\":1}"}, {"{\"l\":{},\"v\":1}"}},
        {"{\"type\":\"array\",\"items\":{\"$ref\":\"#\"}}", {"[]", "[[],[[]]]"}, {"[1]"}},
        {"{\"type\":\"string\",\"format\":\"date\"}", {"\"2024-02-29\"", "\"2023-12-31\""}, {"\"2023-02-29\"", "\"2023-13-01\"", "\"2023-04-31\""}},
        {"{\"format\":\"date-time\"}", {"\"2024-01-01T23:59:59Z\"", "\"2024-01-01T00:00:00.5+02:30\""}, {"\"2024-01-01T24:00:00Z\"", "\"2024-01-01\""}},
        {"{\"format\":\"uuid\"}", {"\"123e4567-e89b-12d3-a456-426614174000\""}, {"\"123e4567\""}},
        {"{\"format\":\"ipv4\"}", {"\"255.0.10.199\""}, {"\"256.1.1.1\"", "\"1.1.1\"", "\"01.1.1.1\""}},
        {"{\"pattern\":\"^[A-Z]{2}-\\\\d+$\"}", {"\"AB-12\""}, {"\"A-1\"", "\"AB-\"", "\"xAB-1\""}},
        {"{\"pattern\":\"b|^a$\"}", {"\"xxbyy\"", "\"a\"", "\"b\""}, {"\"aa\"", "\"x\""}},
        {"{\"pattern\":\"^(?:x|\\\"y\\\\\\\\)?.$\"}", {"\"xz\"", "\"\\\"y\\\\q\"", "\"\\t\""}, {"\"\"", "\"\\n\"", "\"xyz\""}},
        {"{\"pattern\":\"^[^\\\\s\\\"]*?$\"}", {"\"ab\"", "\"\\\\\""}, {"\"a b\"", "\"\\\"\"", "\"\xC2\xA0\""}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t k = 0; k < 6 && cases[i].yes[k]; k++)
            if (check(cases[i].schema, cases[i].yes[k]) != VT_GRAMMAR_MATCH) fail_msg("%s does not take %s", cases[i].schema, cases[i].yes[k]);
        for (size_t k = 0; k < 8 && cases[i].no[k]; k++)
            if (check(cases[i].schema, cases[i].no[k]) == VT_GRAMMAR_MATCH) fail_msg("%s takes %s", cases[i].schema, cases[i].no[k]);
    }
}

static void what_is_not_supported_is_named(void **state) {
    static const struct {
        const char *schema, *says;
        vt_status want;
    } cases[] = {
        {"{\"type\":\"string\",\"contentEncoding\":\"base64\"}", "'contentEncoding'", VT_ERR_UNSUPPORTED},
        {"{\"not\":{}}", "'not'", VT_ERR_UNSUPPORTED},
        {"{\"type\":\"array\",\"uniqueItems\":true}", "'uniqueItems'", VT_ERR_UNSUPPORTED},
        {"{\"type\":\"object\",\"patternProperties\":{}}", "'patternProperties'", VT_ERR_UNSUPPORTED},
        {"{\"type\":\"integer\",\"multipleOf\":3}", "'multipleOf'", VT_ERR_UNSUPPORTED},
        {"{\"type\":\"number\",\"minimum\":3}", "'minimum'", VT_ERR_UNSUPPORTED},
        {"{\"type\":\"string\",\"format\":\"email\"}", "'email'", VT_ERR_UNSUPPORTED},
        {"{\"type\":\"string\",\"pattern\":\"(?=a)\"}", "assertion", VT_ERR_UNSUPPORTED},
        {"{\"type\":\"string\",\"pattern\":\"a\\\\b\"}", "escape '\\b'", VT_ERR_UNSUPPORTED},
        {"{\"type\":\"string\",\"pattern\":\"a\",\"minLength\":3}", "one at a time", VT_ERR_UNSUPPORTED},
        {"{\"items\":[{}]}", "as a list", VT_ERR_UNSUPPORTED},
        {"{\"$ref\":\"http://x\"}", "http://x", VT_ERR_UNSUPPORTED},
        {"{\"$ref\":\"#\",\"type\":\"null\"}", "'type' beside '$ref'", VT_ERR_UNSUPPORTED},
        {"{\"oneOf\":[{\"type\":\"integer\"},{\"type\":\"number\"}]}", "may overlap", VT_ERR_UNSUPPORTED},
        {"{\"anyOf\":[{}],\"type\":\"null\"}", "'type' beside 'anyOf'", VT_ERR_UNSUPPORTED},
        {"{\"allOf\":[{\"type\":\"string\"},{\"type\":\"string\"}]}", "'allOf' of schemas with 'type'", VT_ERR_UNSUPPORTED},
        {"false", "admits nothing", VT_ERR_UNSUPPORTED},
        {"{\"$ref\":\"#/$defs/x\"}", "no such part", VT_ERR_NOT_FOUND},
        {"{\"$ref\":\"#\"}", "circle", VT_ERR_FORMAT},
        {"{\"anyOf\":[{\"$ref\":\"#\"},{\"type\":\"null\"}]}", "begins with itself", VT_ERR_FORMAT},
        {"{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#\"}},\"required\":[\"a\"]}", "comes to an end", VT_ERR_FORMAT},
        {"{\"type\":\"thing\"}", "'type'", VT_ERR_FORMAT},
        {"{\"type\":\"integer\",\"minimum\":5,\"maximum\":4}", "no integer", VT_ERR_FORMAT},
        {"{\"minLength\":-1}", "'minLength'", VT_ERR_FORMAT},
        {"{\"minItems\":3,\"maxItems\":2}", "'maxItems'", VT_ERR_FORMAT},
        {"{\"enum\":[]}", "'enum'", VT_ERR_FORMAT},
        {"{\"properties\":{},\"required\":[\"x\"],\"additionalProperties\":false}", "'x'", VT_ERR_FORMAT},
        {"{\"pattern\":\"(\"}", "group", VT_ERR_FORMAT},
        {"[]", "an object, true or false", VT_ERR_FORMAT},
        {"{", "json", VT_ERR_FORMAT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        vt_grammar *g;
        vt_status st = vt_grammar_create_from_schema(ctx, cases[i].schema, strlen(cases[i].schema), &g);
        if (st != cases[i].want || !strstr(vt_error_message(), cases[i].says))
            fail_msg("%s: %d '%s', not %d '%s'", cases[i].schema, st, vt_error_message(), cases[i].want, cases[i].says);
    }
}

/* ---- random schemas, random texts of their grammars ---- */

static uint32_t seed;
static uint32_t dice(uint32_t n) {
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

static json_t *random_schema(int depth) {
    switch (dice(depth > 0 ? 9 : 6)) {
    case 0: return json_pack("{s:s,s:i,s:i}", "type", "integer", "minimum", (int)dice(300) - 150, "maximum", 150 + (int)dice(5000));
    case 1: return json_pack("{s:s,s:i,s:i}", "type", "string", "minLength", (int)dice(3), "maxLength", 3 + (int)dice(4));
    case 2: return json_pack("{s:[s,s]}", "type", "boolean", "null");
    case 3: return json_pack("{s:[s,i,b]}", "enum", "q\"\n", (int)dice(9), 1);
    case 4: return json_pack("{s:s}", "type", "number");
    case 5: return json_pack("{s:s}", "const", "\xE2\x82\xAC");
    case 6: return json_pack("{s:s,s:o,s:i,s:i}", "type", "array", "items", random_schema(depth - 1), "minItems", (int)dice(3), "maxItems", 2 + (int)dice(2));
    case 7: return json_pack("{s:[o,o]}", "anyOf", random_schema(depth - 1), random_schema(depth - 1));
    default: break;
    }
    json_t *properties = json_object(), *required = json_array();
    for (uint32_t i = 0, n = dice(5); i < n; i++) {
        char name[8] = {(char)('a' + (char)dice(3)), (char)('a' + (char)i), 0};
        json_object_set_new(properties, name, random_schema(depth - 1));
        if (dice(2)) json_array_append_new(required, json_string(name));
    }
    json_t *s = json_pack("{s:s,s:o,s:o}", "type", "object", "properties", properties, "required", required);
    if (dice(2)) json_object_set_new(s, "additionalProperties", dice(2) ? random_schema(0) : json_false());
    return s;
}

static int is_type(const json_t *v, const char *type) {
    return strcmp(type, "object") == 0    ? json_is_object(v)
           : strcmp(type, "array") == 0   ? json_is_array(v)
           : strcmp(type, "string") == 0  ? json_is_string(v)
           : strcmp(type, "integer") == 0 ? json_is_integer(v)
           : strcmp(type, "number") == 0  ? json_is_number(v)
           : strcmp(type, "boolean") == 0 ? json_is_boolean(v)
                                          : json_is_null(v);
}

static json_int_t number_in(const json_t *s, const char *key, json_int_t dflt) {
    const json_t *v = json_object_get(s, key);
    return v ? json_integer_value(v) : dflt;
}

static json_int_t code_points(const char *text) {
    json_int_t n = 0;
    for (; *text; text++) n += ((unsigned char)*text & 0xC0) != 0x80;
    return n;
}

/* The validator: JSON Schema as its specification has it, for the keywords that random schemas have. */
static int satisfies(const json_t *v, const json_t *s);

static int object_satisfies(const json_t *v, const json_t *s) {
    const json_t *properties = json_object_get(s, "properties"), *required = json_object_get(s, "required"), *rest = json_object_get(s, "additionalProperties");
    for (size_t i = 0; i < json_array_size(required); i++)
        if (!json_object_get(v, json_string_value(json_array_get(required, i)))) return 0;
    for (void *it = json_object_iter((json_t *)(uintptr_t)v); it; it = json_object_iter_next((json_t *)(uintptr_t)v, it)) {
        const json_t *known = json_object_get(properties, json_object_iter_key(it)), *x = json_object_iter_value(it);
        if (known ? !satisfies(x, known) : json_is_false(rest) || (json_is_object(rest) && !satisfies(x, rest))) return 0;
    }
    return 1;
}

static int one_of_types(const json_t *v, const json_t *type) {
    if (!type) return 1;
    if (json_is_string(type)) return is_type(v, json_string_value(type));
    for (size_t i = 0; i < json_array_size(type); i++)
        if (is_type(v, json_string_value(json_array_get(type, i)))) return 1;
    return 0;
}

static int listed(const json_t *v, const json_t *list) {
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_equal(v, json_array_get(list, i))) return 1;
    return !list;
}

static int satisfies(const json_t *v, const json_t *s) {
    const json_t *any = json_object_get(s, "anyOf"), *same = json_object_get(s, "const");
    int found = !any;
    for (size_t i = 0; i < json_array_size(any); i++) found |= satisfies(v, json_array_get(any, i));
    if (!found || !one_of_types(v, json_object_get(s, "type")) || !listed(v, json_object_get(s, "enum")) || (same && !json_equal(v, same))) return 0;
    if (json_is_integer(v) && (json_integer_value(v) < number_in(s, "minimum", INT64_MIN) || json_integer_value(v) > number_in(s, "maximum", INT64_MAX))) return 0;
    if (json_is_string(v)) {
        json_int_t n = code_points(json_string_value(v));
        if (n < number_in(s, "minLength", 0) || n > number_in(s, "maxLength", INT64_MAX)) return 0;
    }
    if (json_is_array(v)) {
        json_int_t n = (json_int_t)json_array_size(v);
        if (n < number_in(s, "minItems", 0) || n > number_in(s, "maxItems", INT64_MAX)) return 0;
        for (json_int_t i = 0; i < n; i++)
            if (json_object_get(s, "items") && !satisfies(json_array_get(v, (size_t)i), json_object_get(s, "items"))) return 0;
    }
    return !json_is_object(v) || object_satisfies(v, s);
}

/* A text of the grammar, byte by byte: any byte that goes on; the end is taken at once where there is one, most of the time. 0: it got too long. */
static size_t random_text(vt_grammar *g, char *text, size_t room) {
    static const char likely[] = "\"\"\"{}[],,::0123456789-. abctruefalsn\\ul\xE2\x82\xAC\xC3\xA9";
    size_t len = 0;
    for (int tries = 0; len < room && tries < 1000; tries++) {
        int32_t is;
        text[len] = tries % 4 ? likely[dice(sizeof likely - 1)] : (char)dice(256);
        assert_int_equal(vt_grammar_check(g, text, len + 1, &is), VT_OK);
        if (is == VT_GRAMMAR_MISMATCH) continue;
        len++;
        if (is == VT_GRAMMAR_MATCH && dice(8)) return len;
    }
    return 0;
}

static void what_is_written_satisfies_the_schema(void **state) {
    int n_texts = 0;
    (void)state;
    for (int trial = 0; trial < 80; trial++) {
        seed = (uint32_t)trial + 1;
        json_t *schema = random_schema(2);
        char *text = json_dumps(schema, 0), out[160];
        vt_grammar *g;
        if (vt_grammar_create_from_schema(ctx, text, strlen(text), &g) != VT_OK) fail_msg("%s: %s", text, vt_error_message());
        for (int k = 0; k < 3; k++) {
            json_error_t e;
            size_t len = random_text(g, out, sizeof out);
            if (len == 0) continue;
            json_t *v = json_loadb(out, len, JSON_DECODE_ANY, &e);
            if (!v || !satisfies(v, schema)) fail_msg("trial %d: %.*s does not satisfy %s", trial, (int)len, out, text);
            json_decref(v);
            n_texts++;
        }
        vt_grammar_release(g);
        free(text);
        json_decref(schema);
    }
    assert_true(n_texts > 60);
}

static vt_status work(vt_context *c) {
    static const char schema[] = "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\",\"minimum\":-5,\"maximum\":77},\"b\":{\"pattern\":\"^[^a]+$\"},"
                                 "\"c\":{\"enum\":[1,\"x\"]}},\"required\":[\"b\"],\"additionalProperties\":{\"$ref\":\"#\"}}";
    vt_grammar *g = NULL;
    vt_status st = vt_grammar_create_from_schema(c, schema, sizeof schema - 1, &g);
    vt_grammar_release(g);
    return st;
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    torture_each(work);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_told_apart),
        cmocka_unit_test(what_is_not_supported_is_named),
        cmocka_unit_test(what_is_written_satisfies_the_schema),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
