/* Loadable parts of the library: shared objects that live beside it and are loaded at first need. Not here: what is inside them. */
#ifndef VENTURI_CORE_MODULE_H
#define VENTURI_CORE_MODULE_H

#include "venturi/types.h"

/* Address of `symbol` in the shared object `file` ("libventuri_lua.so"), which is never unloaded again. Looked for beside this library,
 * then in ../ROOM beside its folder (a build tree), both only if this library was loaded by an absolute path, then where the system looks
 * (the current folder is not among these unless LD_LIBRARY_PATH says so). `file` has no '/'. Its own libraries come before the host's when its symbols
 * are bound, so that a host that exports the same names does not capture it. Errors: UNSUPPORTED, with the loader's words. */
vt_status vt__module_symbol(const char *file, const char *room, const char *symbol, const void **out);

#endif
