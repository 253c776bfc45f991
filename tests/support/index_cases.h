/* A passage of plain strings, for the tests of the index. */
#ifndef VENTURI_INDEX_CASES_H
#define VENTURI_INDEX_CASES_H

#include <string.h>

#include "venturi.h"

static inline vt_status index_add(vt_index *ix, const char *source, const char *title, const char *text, uint32_t flags) {
    vt_passage p = VT_STRUCT_INIT(vt_passage);
    p.flags = flags;
    p.title = title;
    p.title_len = strlen(title);
    p.text = text;
    p.text_len = strlen(text);
    return vt_index_add(ix, source, &p);
}

#endif
