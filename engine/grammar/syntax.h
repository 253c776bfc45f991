/* A grammar as it was written: rules of expressions over code points. Parsed by gbnf.c, judged by syntax.c, compiled by compile.c. */
#ifndef VENTURI_GRAMMAR_SYNTAX_H
#define VENTURI_GRAMMAR_SYNTAX_H

#include "core/hash.h"
#include "venturi/types.h"

enum {
    VT__GBNF_SIZE = 1 << 20,     /* bytes of a grammar's text, at most */
    VT__GBNF_RULES = 1 << 13,
    VT__GBNF_EXPRS = 1 << 18,
    VT__GBNF_NESTING = 64,       /* parentheses */
    VT__GBNF_WORK = 1 << 26,     /* looks at an expression until all is known of the rules; about half a second */
    VT__GBNF_REPEAT = 100000     /* of {m,n} */
};

enum { VT__EXPR_CHARS, VT__EXPR_RULE, VT__EXPR_SEQUENCE, VT__EXPR_CHOICE, VT__EXPR_REPEAT };

typedef struct vt__expr {
    int32_t kind;
    int32_t first;   /* CHARS: first range; RULE: its number; otherwise: first child, -1: none */
    int32_t count;   /* CHARS: ranges; REPEAT: least */
    int32_t most;    /* REPEAT: -1 without end */
    int32_t sibling; /* next child of the same parent, -1: none */
} vt__expr;

typedef struct vt__char_range {
    uint32_t low, high; /* code points; those of a class are sorted, apart, and without surrogates */
} vt__char_range;

typedef struct vt__rule {
    int32_t body;     /* expression; -1: not defined */
    int32_t line;     /* where it was named first */
    uint8_t nullable; /* can be the empty text */
    uint8_t finite;   /* can come to an end */
} vt__rule;

typedef struct vt__syntax {
    vt_context *ctx;
    vt__expr *exprs;
    int64_t n_exprs, cap_exprs;
    vt__char_range *ranges;
    int64_t n_ranges, cap_ranges;
    vt__rule *rules;
    int64_t n_rules, cap_rules;
    vt__map names; /* of rules: entry i is rule i */
    int64_t work;  /* looks at expressions so far */
    int32_t root;
} vt__syntax;

/* Errors: FORMAT, LIMIT, NOMEM. vt__syntax_free in any case. */
vt_status vt__syntax_parse(vt_context *ctx, const char *gbnf, size_t len, vt__syntax *out);
void vt__syntax_free(vt__syntax *s);
/* Fills in nullable and finite. FORMAT: a rule begins with itself, or root can never end. LIMIT: rules so entangled that this takes for ever. */
vt_status vt__syntax_judge(vt__syntax *s);

#endif
