/* A main() that runs a fuzz target once over each file of the folders given. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fuzz.h"

/* In a buffer of exactly its size, so that a sanitizer sees the first byte read past it. */
static int replay_file(const char *path) {
    struct stat facts;
    if (stat(path, &facts) != 0) return -1;
    if (!S_ISREG(facts.st_mode)) return 0;
    FILE *file = fopen(path, "rb");
    if (file == NULL) return -1;
    size_t size = (size_t)facts.st_size;
    uint8_t *data = malloc(size > 0 ? size : 1);
    int done = -1;
    if (data != NULL && fread(data, 1, size, file) == size) {
        LLVMFuzzerTestOneInput(data, size);
        done = 1;
    }
    free(data);
    fclose(file);
    return done;
}

/* How many files were run, or −1. */
static int replay_folder(const char *folder) {
    DIR *entries = opendir(folder);
    if (entries == NULL) return -1;
    int count = 0;
    for (struct dirent *entry; count >= 0 && (entry = readdir(entries)) != NULL;) {
        char path[4096];
        int length = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        int done = length < (int)sizeof path ? replay_file(path) : -1;
        if (done < 0) fprintf(stderr, "cannot read %s\n", path);
        count = done < 0 ? -1 : count + done;
    }
    closedir(entries);
    return count;
}

int main(int argc, char **argv) {
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++) {
        int count = replay_folder(argv[i]);
        if (count <= 0) {
            fprintf(stderr, "%s: no corpus\n", argv[i]);
            return 1;
        }
        printf("%s: %d inputs\n", argv[i], count);
    }
    return 0;
}
