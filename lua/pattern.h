/* Lua 5.4's patterns, matched with every step booked on a budget: backtracking can take exponential time, and stock Lua's matcher cannot be
 * stopped. Same language, same results and same complaints as the string library's. */
#ifndef VENTURI_LUA_PATTERN_H
#define VENTURI_LUA_PATTERN_H

#include <lua.h>
#include <stddef.h>
#include <stdint.h>

enum { VT__MAX_CAPTURES = 32 };

typedef struct vt__capture {
    const char *start;
    ptrdiff_t len; /* or one of the two below */
} vt__capture;

enum { VT__CAPTURE_OPEN = -1, VT__CAPTURE_POSITION = -2 };

typedef struct vt__matcher {
    lua_State *L;
    void (*charge)(lua_State *L, uint64_t steps);
    const char *text, *text_end;   /* subject; a NUL follows the last byte of both, as Lua's strings have it */
    const char *pattern, *pattern_end;
    int n_captures;
    int depth;                     /* recursions left */
    uint64_t steps;                /* not booked yet */
    vt__capture captures[VT__MAX_CAPTURES];
} vt__matcher;

/* charge may be NULL. The strings are borrowed. */
void vt__matcher_init(vt__matcher *m, lua_State *L, void (*charge)(lua_State *, uint64_t), const char *text, size_t text_len, const char *pattern,
                      size_t pattern_len);
/* End of the match of the pattern that begins exactly at `at`, or NULL. Raises for a malformed pattern, and what charge raises. */
const char *vt__matcher_run(vt__matcher *m, const char *at);
/* Books the steps that are open. */
void vt__matcher_book(vt__matcher *m);
/* Pushes capture i (0-based) of the last match, which lies in [start, end); the whole match is capture 0 when there are none. */
void vt__matcher_push(vt__matcher *m, int i, const char *start, const char *end);
/* Pushes all captures, the whole match if there are none and start is not NULL; returns how many. */
int vt__matcher_push_all(vt__matcher *m, const char *start, const char *end);

#endif
