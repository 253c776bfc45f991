/* The only file that asks the CPU what it can do. */
#include <pthread.h> /* not <threads.h>: ThreadSanitizer does not see C11 call_once */
#include <stdlib.h>
#include <string.h>

#include "vtk.h"

static vtk_table table;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void pick(void) { vtk_fill_ref(&table); }

const vtk_table *vtk_get(void) {
    pthread_once(&once, pick);
    return &table;
}
