/* Documents to answers: folder, sections, index, commit, search. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "faults.h"

static const char html[] = "<html><head><title>Pets</title></head><body><h1>Cats</h1><p>A cat sleeps on the mat.</p><h2>Food</h2>"
                           "<p>Cats eat fish &amp; mice.</p><pre>two\nlines</pre></body></html>";
static const char markdown[] = "# Dogs\n\nA dog guards the house.\n\n## Walks\n\nDogs walk in the park with \xc3\x89mile.\n";

static void put_file(const char *folder, const char *name, const char *text) {
    char path[256];
    (void)snprintf(path, sizeof path, "%s/docs", folder);
    (void)mkdir(path, 0700);
    (void)snprintf(path, sizeof path, "%s/docs/%s", folder, name);
    FILE *f = fopen(path, "wb");
    if (!f) return;
    (void)fwrite(text, 1, strlen(text), f);
    (void)fclose(f);
}

static vt_status add_sections(vt_index *index, const char *name, const vt_sections *sections) {
    vt_status st = VT_OK;
    for (int64_t i = 0; st == VT_OK && i < vt_sections_count(sections); i++) {
        vt_section s = VT_STRUCT_INIT(vt_section);
        vt_passage p = VT_STRUCT_INIT(vt_passage);
        st = vt_sections_get(sections, i, &s);
        if (st != VT_OK) break;
        p.title = s.title;
        p.title_len = s.title_len;
        p.text = s.text;
        p.text_len = s.text_len;
        st = vt_index_add(index, name, &p);
    }
    return st;
}

static vt_status add_file(world *w, vt_index *index, vt_folder *folder, int64_t i) {
    const char *name = vt_folder_name(folder, i);
    vt_buffer *text = NULL;
    vt_sections *sections = NULL;
    uint64_t fingerprint;
    if (vt_index_fingerprint(index, name, &fingerprint) == VT_OK) return VT_OK;
    vt_status st = vt_folder_read(folder, name, 0, &text);
    if (st == VT_OK)
        st = vt_sections_parse(w->ctx, strstr(name, ".html") ? VT_DOCUMENT_HTML : VT_DOCUMENT_MARKDOWN, vt_buffer_data(text), vt_buffer_size(text), &sections);
    if (st == VT_OK) st = vt_index_put_source(index, name, 42);
    if (st == VT_OK) st = add_sections(index, name, sections);
    vt_sections_release(sections);
    vt_buffer_release(text);
    return st;
}

static vt_status build(world *w, const char *path) {
    char docs[256];
    vt_index_options io = VT_STRUCT_INIT(vt_index_options);
    vt_index *index = NULL;
    vt_folder *folder = NULL;

    (void)snprintf(docs, sizeof docs, "%s/docs", w->folder);
    io.flags = VT_INDEX_CREATE;
    vt_status st = vt_folder_open(w->ctx, docs, &folder);
    if (st == VT_OK) st = vt_index_open(w->ctx, path, &io, &index);
    for (int64_t i = 0; st == VT_OK && i < vt_folder_count(folder); i++) st = add_file(w, index, folder, i);
    if (st == VT_OK) st = vt_index_commit(index);
    vt_index_release(index);
    vt_folder_release(folder);
    return st;
}

static vt_status ask(world *w, const vt_index *index, const char *query) {
    vt_hits *hits = NULL;
    vt_status st = vt_index_search(index, query, strlen(query), NULL, &hits);
    for (int64_t i = 0; st == VT_OK && i < vt_hits_count(hits); i++) {
        vt_hit h = VT_STRUCT_INIT(vt_hit);
        st = vt_hits_get(hits, i, &h);
        torture_note(w, "%lld %.9g %.*s\n", (long long)h.id, h.score, (int)h.title_len, h.title);
    }
    vt_hits_release(hits);
    return st;
}

static vt_status search(world *w) {
    char path[256];
    vt_index_options io = VT_STRUCT_INIT(vt_index_options);
    vt_index *index = NULL;

    put_file(w->folder, "a.html", html);
    put_file(w->folder, "b.md", markdown);
    (void)snprintf(path, sizeof path, "%s/index", w->folder);
    vt_status st = build(w, path);
    io.flags = VT_INDEX_READ_ONLY;
    if (st == VT_OK) st = vt_index_open(w->ctx, path, &io, &index);
    if (st == VT_OK) st = ask(w, index, "the cat food");
    if (st == VT_OK) st = ask(w, index, "\xc3\x89MILE dogs");
    vt_index_release(index);
    return st;
}

int main(void) {
    /* A commit maps the file that it wrote so as to give the image's memory back, and does as well without. */
    static const torture_case cases[] = {{.name = "search", .run = search, .faults = FAULT_MEMORY | FAULT_FILES, .economies = 1}};
    return torture_main(cases, sizeof cases / sizeof *cases);
}
