/* Saved graphs as models: the model has the steps and the weights, each graph made of it the memory that a run needs. */
#include <string.h>

#include "core/error.h"
#include "core/io.h"
#include "core/memory.h"
#include "llm/model.h"
#include "llm/model_internal.h"
#include "plan/file.h"

static const vt__arch graph_arch = {.name = "graph"};

static vt_status find_kind(vt_model *m, const char *path, int *is_graph) {
    vt__mapping file;
    vt_status st = vt__map_file(m->ctx, path, &file);
    if (st != VT_OK) return st;
    *is_graph = vt__graph_is_file(file.data, file.size);
    vt__unmap_file(m->ctx, &file);
    return VT_OK;
}

static vt_status copy_path(vt_model *m, const char *path) {
    size_t size = strlen(path) + 1;
    m->graph_path = vt__alloc(m->ctx, size);
    if (!m->graph_path) return vt__fail_nomem("model", size);
    memcpy(m->graph_path, path, size);
    return VT_OK;
}

vt_status vt__model_load_graph(vt_model *m, const char *path, int *is_graph) {
    *is_graph = 0;
    vt_status st = find_kind(m, path, is_graph);
    if (st != VT_OK || !*is_graph) return st;
    struct vt__program *p = vt__calloc(m->ctx, sizeof *p);
    if (!p) return vt__fail_nomem("model", sizeof *p);
    m->arch = &graph_arch;
    m->graph = p;
    st = vt__program_open(m->ctx, path, 0, p);
    if (st != VT_OK) {
        vt__free(m->ctx, p);
        m->graph = NULL;
        return st;
    }
    /* Many graphs will read them, and hand them out as results. */
    for (int64_t i = 0; i < p->n_values; i++)
        if (p->values[i].storage && !p->values[i].is_written) p->values[i].storage->read_only = 1;
    m->n_params = vt__program_count_weights(p, &m->size);
    return copy_path(m, path);
}

void vt__model_drop_graph(vt_model *m) {
    if (m->graph) vt__program_free(m->graph);
    vt__free(m->ctx, m->graph);
    vt__free(m->ctx, m->graph_path);
}

vt_status vt__model_graph(vt_model *model, vt_graph **out) {
    struct vt__program own;
    *out = NULL;
    if (!model->graph) return vt__fail(VT_ERR_UNSUPPORTED, "model: %s is a language model of architecture %s, no saved graph", vt__gguf_name(model->gguf), model->arch->name);
    vt_status st = vt__program_share(model->graph, &own);
    return st == VT_OK ? vt__graph_of_program(&own, 1, out) : st;
}

vt_status vt__model_need_text(const vt_model *model, const char *what) {
    if (!model->graph) return VT_OK;
    return vt__fail(VT_ERR_UNSUPPORTED, "%s: %s is a saved graph, no language model", what, model->graph_path);
}
