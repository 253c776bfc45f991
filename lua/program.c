/* venturi.program: terminal, folders, the interrupt signal and the context of the `venturi` program; see program.h. */
#include "program.h"

#include <dirent.h>
#include <errno.h>
#include <lauxlib.h>
#include <lualib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "box.h"
#include "capability.h"
#include "venturi/context.h"
#include "venturi/tensor.h"

#ifdef VT_HAVE_LIBEDIT
#include <editline/readline.h>
#endif

#define EXIT_INTERRUPTED 130

/* A signal handler reaches nothing but statics; one program has one state. */
static lua_State *main_state;
static vt_cancel *volatile cancel;
static volatile sig_atomic_t n_interrupts;
static struct sigaction old_action;
static vt__capability capability;

/* ---- interrupt: the first one raises the token and stops Lua at its next instruction, the second one leaves ---- */

static void stop_hook(lua_State *L, lua_Debug *ar) {
    (void)ar;
    lua_sethook(L, NULL, 0, 0);
    box_raise(L, VT_ERR_CANCELLED, "interrupted");
}

static void on_interrupt(int sig) {
    (void)sig;
    if (n_interrupts++) _exit(EXIT_INTERRUPTED);
    vt_cancel_raise(cancel); /* safe in a handler, as its header says */
    lua_sethook(main_state, stop_hook, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

static int program_interrupted(lua_State *L) {
    lua_pushboolean(L, n_interrupts > 0);
    return 1;
}

/* Forgets an interrupt: the REPL goes on after it. */
static int program_rearm(lua_State *L) {
    lua_sethook(L, NULL, 0, 0);
    if (cancel) vt_cancel_reset(cancel);
    n_interrupts = 0;
    return 0;
}

static int close_context(lua_State *L) {
    (void)L;
    vt_cancel *token = cancel;
    cancel = NULL;
    (void)vt_op_cancel_set(NULL);
    vt_cancel_release(token);
    vt_context *ctx = capability.ctx;
    capability.ctx = NULL;
    vt_context_release(ctx);
    return 0;
}

/* start{ threads = 0 }: the context of this program, and from here on interrupts are caught. Once. */
static int program_start(lua_State *L) {
    static const char *const known[] = {"threads", NULL};
    vt_context_options opt = VT_STRUCT_INIT(vt_context_options);
    if (capability.ctx) return 0;
    lua_settop(L, 1);
    box_options(L, 1, "start", known);
    opt.n_threads = (int32_t)box_integer(L, 1, "start", "threads", 0, 0, 256);

    lua_newuserdatauv(L, 1, 0); /* releases both when the state is closed: after everything that is made later */
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, close_context);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    lua_setfield(L, LUA_REGISTRYINDEX, "venturi.program.context");
    box_ok(L, vt_context_create(&opt, &capability.ctx));
    vt_cancel *token = NULL;
    box_ok(L, vt_cancel_create(capability.ctx, &token));
    cancel = token;
    capability.cancel = token;
    (void)vt_op_cancel_set(token);
    capability.may = VT__CAN_MODELS | VT__CAN_WRITE;
    vt__capability_grant(L, &capability);

    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_interrupt; /* no SA_RESTART: a read from the terminal ends */
    sigemptyset(&action.sa_mask);
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
    main_state = lua_tothread(L, -1);
    sigaction(SIGINT, &action, &old_action);
    return 0;
}

void vt__program_close(lua_State *L) {
    lua_sethook(L, NULL, 0, 0);
    if (main_state) sigaction(SIGINT, &old_action, NULL);
    main_state = NULL;
}

/* clock() -> seconds of a clock that only goes forward */
static int program_clock(lua_State *L) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    lua_pushnumber(L, (lua_Number)now.tv_sec + (lua_Number)now.tv_nsec * 1e-9);
    return 1;
}

/* ---- terminal ---- */

/* tty(fd): is it a terminal? */
static int program_tty(lua_State *L) {
    lua_pushboolean(L, isatty((int)luaL_checkinteger(L, 1)));
    return 1;
}

/* width() -> columns of the terminal behind stderr; 80 where that is not known */
static int program_width(lua_State *L) {
    struct winsize size;
    int known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    lua_pushinteger(L, known ? size.ws_col : 80);
    return 1;
}

#ifdef VT_HAVE_LIBEDIT
/* readline(prompt) -> line with editing and history, or nil at the end of input */
static int program_readline(lua_State *L) {
    char *line = readline(luaL_checkstring(L, 1));
    if (!line) return 0;
    if (*line) add_history(line);
    lua_pushstring(L, line);
    free(line);
    return 1;
}

/* history(path, "read" | "write"): true when it could */
static int program_history(lua_State *L) {
    static const char *const ways[] = {"read", "write", NULL};
    const char *path = luaL_checkstring(L, 1);
    int failed = luaL_checkoption(L, 2, NULL, ways) == 0 ? read_history(path) : write_history(path);
    lua_pushboolean(L, !failed);
    return 1;
}
#endif

/* ---- files ---- */

/* kind(path) -> "file", "folder", "other", or nil when there is nothing that can be seen */
static int program_kind(lua_State *L) {
    struct stat st;
    if (stat(luaL_checkstring(L, 1), &st) != 0) return 0;
    lua_pushstring(L, S_ISREG(st.st_mode) ? "file" : S_ISDIR(st.st_mode) ? "folder" : "other");
    return 1;
}

/* realpath(path) -> absolute name without links, or nil */
static int program_realpath(lua_State *L) {
    char *path = realpath(luaL_checkstring(L, 1), NULL);
    if (!path) return 0;
    lua_pushstring(L, path);
    free(path);
    return 1;
}

static int close_dir(lua_State *L) {
    DIR **dir = lua_touserdata(L, 1);
    if (*dir) closedir(*dir);
    *dir = NULL;
    return 0;
}

/* list(path) -> names in a folder, links included, sorted; raises VT_ERR_NOT_FOUND */
static int program_list(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    DIR **dir = lua_newuserdatauv(L, sizeof *dir, 0);
    *dir = NULL;
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, close_dir);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    *dir = opendir(path);
    if (!*dir) return box_raise(L, VT_ERR_NOT_FOUND, "%s: %s", path, strerror(errno));
    luaL_requiref(L, LUA_TABLIBNAME, luaopen_table, 0);
    lua_getfield(L, -1, "sort");
    lua_newtable(L);
    lua_Integer n = 0;
    for (struct dirent *entry = readdir(*dir); entry; entry = readdir(*dir)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        lua_pushstring(L, entry->d_name);
        lua_rawseti(L, -2, ++n);
    }
    lua_pushvalue(L, -1);
    lua_insert(L, -3);
    lua_call(L, 1, 0);
    return 1;
}

/* mkdirs(path): the folder and those above it, as `mkdir -p`; raises VT_ERR_IO */
static int program_mkdirs(lua_State *L) {
    size_t len;
    const char *path = luaL_checklstring(L, 1, &len);
    char *part = lua_newuserdatauv(L, len + 1, 0);
    memcpy(part, path, len + 1);
    for (size_t i = 1; i <= len; i++) {
        if (part[i] != '/' && part[i] != '\0') continue;
        char kept = part[i];
        part[i] = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST) return box_raise(L, VT_ERR_IO, "%s: %s", part, strerror(errno));
        part[i] = kept;
    }
    return 0;
}

int vt__program_open(lua_State *L) {
    static const luaL_Reg functions[] = {{"start", program_start}, {"interrupted", program_interrupted}, {"rearm", program_rearm},
        {"clock", program_clock}, {"tty", program_tty}, {"width", program_width}, {"kind", program_kind}, {"realpath", program_realpath}, {"list", program_list}, {"mkdirs", program_mkdirs},
#ifdef VT_HAVE_LIBEDIT
        {"readline", program_readline}, {"history", program_history},
#endif
        {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
