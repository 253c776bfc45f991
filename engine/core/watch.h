/* What long work asks now and then: has the caller cancelled, and is it time to report progress? One a call, used on the calling thread. */
#ifndef VENTURI_CORE_WATCH_H
#define VENTURI_CORE_WATCH_H

#include "venturi/types.h"

typedef struct vt__watch {
    const char *what; /* "cluster": begins the message of a cancelled call */
    const vt_cancel *cancel;
    vt_progress_fn progress; /* NULL: none */
    void *progress_user;
    int64_t last_ns; /* of the last report; 0: none yet */
} vt__watch;

/* OK or CANCELLED. fraction in [0, 1] or negative when not known; progress hears of it at most ten times a second. NULL watch: OK. */
vt_status vt__watch_poll(vt__watch *watch, double fraction, const char *message);

#endif
