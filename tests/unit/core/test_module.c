/* Loadable parts: found beside a library that was loaded by an absolute path, and never through a relative one. */
#define _XOPEN_SOURCE 700
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/error.h"
#include "core/module.h"

#define PART "libventuri_test_part.so"
static const char no_library[] = "this is no library\n";

/* The loader names a program as its first argument does: that is how a child of this one gets a path to its liking. Says what came of it. */
static int child(void) {
    const void *address;
    vt_status st = vt__module_symbol(PART, "lua", "x", &address);
    if (st != VT_ERR_UNSUPPORTED) return 1;
    return strstr(vt__error_message(), "No such file") ? 2 : 3;
}

static int run_as(const char *folder, const char *name) {
    int how = -1;
    char self[4096];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(len > 0);
    self[len] = '\0';
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (chdir(folder) == 0) (void)execl(self, name, "child", (char *)NULL);
        _exit(100);
    }
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_true(WIFEXITED(how));
    return WEXITSTATUS(how);
}

static void a_part_is_never_looked_for_through_a_relative_path(void **state) {
    (void)state;
    char folder[] = "/tmp/vt-module-XXXXXX", part[64], name[64];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(part, sizeof part, "%s/%s", folder, PART);
    (void)snprintf(name, sizeof name, "%s/program", folder);
    FILE *f = fopen(part, "wb");
    assert_non_null(f);
    assert_true(fputs(no_library, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(run_as(folder, name), 3); /* found, and refused as no library */
    assert_int_equal(run_as(folder, "./program"), 2);
    assert_int_equal(run_as(folder, "program"), 2);
    assert_int_equal(run_as("/", name), 3);
    assert_int_equal(unlink(part), 0);
    assert_int_equal(run_as(folder, name), 2);
    assert_int_equal(rmdir(folder), 0);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_is_never_looked_for_through_a_relative_path),
    };
    if (argc == 2 && strcmp(argv[1], "child") == 0) return child();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
