/* Public calls of venturi/document.h: check and forward. */
#include "venturi/document.h"

#include "core/error.h"
#include "core/options.h"
#include "document/sections.h"

_Static_assert((int)VT_DOCUMENT_TEXT == (int)VT__DOCUMENT_TEXT && (int)VT_DOCUMENT_MARKDOWN == (int)VT__DOCUMENT_MARKDOWN &&
                   (int)VT_DOCUMENT_HTML == (int)VT__DOCUMENT_HTML,
               "one numbering");

vt_status vt_sections_parse(vt_context *ctx, int32_t format, const char *text, size_t len, vt_sections **out) {
    if (out) *out = NULL;
    if (!ctx || !out || (!text && len)) return vt__fail(VT_ERR_INVALID, "sections: needs a context, a text and out");
    if (format < VT_DOCUMENT_TEXT || format > VT_DOCUMENT_HTML) return vt__fail(VT_ERR_INVALID, "sections: format %d, need 0 to 2", format);
    return vt__sections_parse(ctx, format, text ? text : "", len, out);
}

vt_sections *vt_sections_retain(vt_sections *sections) { return vt__sections_retain(sections); }
void vt_sections_release(vt_sections *sections) { vt__sections_release(sections); }
int64_t vt_sections_count(const vt_sections *sections) { return sections ? vt__sections_count(sections) : 0; }
const char *vt_sections_title(const vt_sections *sections) { return sections ? vt__sections_title(sections) : ""; }

vt_status vt_sections_get(const vt_sections *sections, int64_t i, vt_section *out) {
    enum { FIRST_SIZE = 40 };
    if (!sections || !out || i < 0 || i >= vt__sections_count(sections))
        return vt__fail(VT_ERR_INVALID, "sections: %lld of %lld", (long long)i, (long long)vt_sections_count(sections));
    vt__section s = vt__sections_get(sections, i);
    vt_section v = {sizeof v, s.level, s.title, s.title_len, s.text, s.text_len};
    return vt__result_write("section", out, &v, sizeof v, FIRST_SIZE);
}
