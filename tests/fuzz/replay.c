/* Stand-alone driver of a fuzz target: runs every file of the folders given, and a few inputs of its own, and says so in TAP.
 * A crash or a sanitizer's report is the failure; the file that caused it is the last one named. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int n_done;

static void run(const char *name, const uint8_t *data, size_t size) {
    /* A copy of the exact size, so that AddressSanitizer sees one byte read too many. */
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy) abort();
    if (size) memcpy(copy, data, size);
    fprintf(stderr, "%s (%zu bytes)\n", name, size);
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    printf("ok %d - %s\n", ++n_done, name);
}

static void run_file(const char *path, const char *name) {
    FILE *f = fopen(path, "rb");
    long size = -1;
    if (f && fseek(f, 0, SEEK_END) == 0) size = ftell(f);
    uint8_t *data = size >= 0 ? malloc((size_t)size + 1) : NULL;
    if (!data || fseek(f, 0, SEEK_SET) != 0 || fread(data, 1, (size_t)size, f) != (size_t)size)
        printf("not ok %d - %s cannot be read\n", ++n_done, name);
    else
        run(name, data, (size_t)size);
    free(data);
    if (f) fclose(f);
}

static int is_input(const struct dirent *entry) { return entry->d_name[0] != '.'; }

static void run_folder(const char *folder) {
    struct dirent **entries;
    char path[4096];
    int n = scandir(folder, &entries, is_input, alphasort);
    for (int i = 0; i < n; i++) {
        if (snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name) < (int)sizeof path) run_file(path, entries[i]->d_name);
        free(entries[i]);
    }
    if (n >= 0) free(entries);
}

int main(int argc, char **argv) {
    static const uint8_t zeros[256];
    uint8_t ones[256];

    setvbuf(stdout, NULL, _IOLBF, 0);
    memset(ones, 0xff, sizeof ones);
    run("no bytes", zeros, 0);
    run("256 zeros", zeros, sizeof zeros);
    run("256 times 0xff", ones, sizeof ones);
    for (int i = 1; i < argc; i++) run_folder(argv[i]);
    printf("1..%d\n", n_done);
    return 0;
}
