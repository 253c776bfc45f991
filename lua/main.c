/* The `venturi` program. */
#include <stdio.h>

#include "venturi/context.h"

int main(void) {
    return printf("venturi %s\n", vt_version()) < 0;
}
