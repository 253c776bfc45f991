/* Fault torture: runs a scenario with its k-th allocation, file operation or library allocation failing, for every k (a sample above
 * MOST points), once transient and once from then on. Whatever happens the status is the right one, nothing leaks, and an undisturbed run
 * on the same folder afterwards answers as if nothing had happened. */
#ifndef VENTURI_FAULTS_H
#define VENTURI_FAULTS_H

#include "venturi.h"

typedef struct world {
    vt_context *ctx;
    const char *folder; /* empty at the first run of a point; files stay for the second */
    char answer[4096];  /* what the scenario found out; compared between runs */
} world;

/* Releases all that it made, whatever happens. */
typedef vt_status (*scenario)(world *w);

enum faults { FAULT_MEMORY = 1, FAULT_FILES = 2, FAULT_LIBRARIES = 4 };

/* Runs the kinds of faults asked for and prints one TAP line each; exit code of the program. The environment narrows it to one point:
 * VT_TORTURE="NAME KIND K STICKY". VT_TORTURE_SEED picks another sample. */
typedef struct torture_case {
    const char *name;
    scenario run;
    int faults;
    int economies; /* parts of it are there to save something and may give up silently: a run may pass with the answer of the undisturbed one */
} torture_case;
int torture_main(const torture_case *cases, int n);

/* Appends to w->answer. */
void torture_note(world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* What malloc_hook.c, where it is linked in, fails and counts: mallocs of this thread while armed, ours through the context left out. */
typedef struct library_faults {
    long calls, fail_at;
    int sticky, armed;
} library_faults;
extern _Thread_local library_faults torture_libraries;
/* Blocks of such mallocs that are still alive. */
extern long torture_libraries_live(void);

#endif
