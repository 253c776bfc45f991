#include "core/clock.h"

#include <time.h>

int64_t vt__clock_thread_cpu(void) {
    struct timespec t = {0, 0};
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}
