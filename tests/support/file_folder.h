/* A folder of a test's own, with small files in it, gone at the end. Needs _XOPEN_SOURCE 700 before the first header, and cmocka's headers. */
#ifndef VENTURI_TESTS_FILE_FOLDER_H
#define VENTURI_TESTS_FILE_FOLDER_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder_path[64];

static inline int folder_make(void **state) {
    (void)state;
    strcpy(folder_path, "/tmp/vt-test-XXXXXX");
    return mkdtemp(folder_path) ? 0 : -1;
}

static inline int folder_remove_one(const char *path, const struct stat *st, int type, struct FTW *at) {
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static inline int folder_remove(void **state) {
    (void)state;
    return nftw(folder_path, folder_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Path of a file in it; good until the fourth call after. */
static inline const char *in_folder(const char *name) {
    static char path[4][256];
    static int next;
    char *p = path[next++ % 4];
    (void)snprintf(p, sizeof path[0], "%s/%s", folder_path, name);
    return p;
}

static inline void write_file(const char *name, const void *data, size_t size) {
    FILE *f = fopen(in_folder(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

/* The bytes of a file at a path, in a block of malloc. */
static inline unsigned char *read_file(const char *path, size_t *size) {
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    *size = (size_t)ftell(f);
    rewind(f);
    unsigned char *data = malloc(*size + 1);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, *size, f), *size);
    (void)fclose(f);
    return data;
}

/* Names in the folder, `.` and `..` not counted. */
static inline int count_files(void) {
    char command[128];
    int n = -1;
    (void)snprintf(command, sizeof command, "ls -A '%s' | wc -l", folder_path);
    FILE *p = popen(command, "r");
    assert_non_null(p);
    assert_int_equal(fscanf(p, "%d", &n), 1);
    (void)pclose(p);
    return n;
}

#endif
