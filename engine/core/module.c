#define _GNU_SOURCE
#include "core/module.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"

/* The sanitizers' runtimes must come first for every symbol they replace: they refuse deep binding. */
#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define UNDER_SANITIZER 1
#endif
#endif
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__ || defined UNDER_SANITIZER || !defined RTLD_DEEPBIND
enum { LOAD_FLAGS = RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE };
#else
enum { LOAD_FLAGS = RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE | RTLD_DEEPBIND };
#endif

enum { PATH_SIZE = 4096 };

/* Folder of this library with the closing '/'. "" when the loader does not say, or has only a relative name: the current folder may be
 * another one by now, with anything in it. */
static void own_folder(char *folder, size_t size) {
    Dl_info info;
    const char *slash = NULL;
    if (dladdr((const void *)(uintptr_t)&vt__module_symbol, &info) && info.dli_fname && info.dli_fname[0] == '/')
        slash = strrchr(info.dli_fname, '/');
    size_t len = slash ? (size_t)(slash - info.dli_fname) + 1 : 0;
    if (len >= size) len = 0;
    if (len) memcpy(folder, info.dli_fname, len);
    folder[len] = '\0';
}

static void *load_near(const char *folder, const char *way, const char *file, int *found) {
    char path[PATH_SIZE];
    int n = snprintf(path, sizeof path, "%s%s%s", folder, way, file);
    if (n < 0 || n >= PATH_SIZE || access(path, F_OK) != 0) return NULL;
    *found = 1;
    return dlopen(path, LOAD_FLAGS);
}

vt_status vt__module_symbol(const char *file, const char *room, const char *symbol, const void **out) {
    char folder[PATH_SIZE], way[64];
    void *handle = NULL;
    int found = 0; /* a file that is there and does not load is not looked for elsewhere: its own error says more */

    own_folder(folder, sizeof folder);
    (void)snprintf(way, sizeof way, "../%s/", room);
    if (*folder) handle = load_near(folder, "", file, &found);
    if (*folder && !found) handle = load_near(folder, way, file, &found);
    if (!found) handle = dlopen(file, LOAD_FLAGS);
    if (!handle) {
        const char *why = dlerror();
        return vt__fail(VT_ERR_UNSUPPORTED, "module: %s", why ? why : file);
    }
    const void *address = dlsym(handle, symbol);
    if (!address) return vt__fail(VT_ERR_UNSUPPORTED, "module: %s has no '%s'", file, symbol);
    *out = address;
    return VT_OK;
}
