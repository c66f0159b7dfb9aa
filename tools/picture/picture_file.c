#include "picture/picture_file.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static kvcore_status fail(kvcore_error *error, kvcore_status status, const char *text) {
    return kvcore_fail(error, &(kvcore_error){.code = status, .index = KVCORE_NO_INDEX}, "%s", text);
}

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), end_length = strlen(end);
    return length > end_length && strcmp(text + length - end_length, end) == 0;
}

/* ---- PNG ---- */

/* Run rsvg-convert with these two files as its input and output. Whether it was there and succeeded. */
static bool convert(FILE *in, FILE *out, char *const arguments[]) {
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions) != 0) return false;
    int failed = posix_spawn_file_actions_adddup2(&actions, fileno(in), STDIN_FILENO);
    failed = failed != 0 ? failed : posix_spawn_file_actions_adddup2(&actions, fileno(out), STDOUT_FILENO);
    pid_t child = 0;
    failed = failed != 0 ? failed : posix_spawnp(&child, arguments[0], &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) return false;
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return false;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool has_converter(void) {
    char *const arguments[] = {(char[]){"rsvg-convert"}, (char[]){"--version"}, NULL};
    FILE *nothing = fopen("/dev/null", "r+");
    bool has = nothing != NULL && convert(nothing, nothing, arguments);
    if (nothing != NULL) fclose(nothing);
    return has;
}

static bool copy(FILE *from, FILE *to) {
    char piece[4096];
    size_t length;
    rewind(from);
    while ((length = fread(piece, 1, sizeof piece, from)) > 0)
        if (fwrite(piece, 1, length, to) != length) return false;
    return !ferror(from);
}

/* Files on both sides, not pipes: neither process waits for the other. */
static kvcore_status write_png(FILE *file, const char *svg, size_t size_bytes, kvcore_error *error) {
    char *const arguments[] = {(char[]){"rsvg-convert"}, (char[]){"--format=png"}, NULL};
    FILE *in = tmpfile(), *out = tmpfile();
    kvcore_status status = KVCORE_OK;
    if (in == NULL || out == NULL || fwrite(svg, 1, size_bytes, in) != size_bytes || fflush(in) != 0 ||
        fseek(in, 0, SEEK_SET) != 0)
        status = fail(error, KVCORE_EIO, strerror(errno));
    else if (!convert(in, out, arguments))
        status = fail(error, KVCORE_ENOTSUP, "rsvg-convert cannot draw it");
    else if (!copy(out, file))
        status = fail(error, KVCORE_EIO, strerror(errno));
    if (in != NULL) fclose(in);
    if (out != NULL) fclose(out);
    return status;
}

/* ---- the file ---- */

kvcore_status picture_open(picture_file *picture, const char *path, kvcore_error *error) {
    *picture = (picture_file){.path = path, .png = ends_with(path, ".png")};
    if (!picture->png && !ends_with(path, ".svg"))
        return fail(error, KVCORE_ECONFIG, "expected a picture named .svg or .png");
    if (picture->png && !has_converter())
        return fail(error, KVCORE_ENOTSUP, "a PNG takes rsvg-convert (Debian: librsvg2-bin); an SVG does not");
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    picture->created = file >= 0;
    if (file < 0 && errno == EEXIST) file = open(path, O_WRONLY | O_CLOEXEC);
    picture->file = file >= 0 ? fdopen(file, "wb") : NULL;
    if (picture->file == NULL) {
        kvcore_status status = fail(error, KVCORE_EIO, strerror(errno));
        if (file >= 0) close(file);
        picture_discard(picture);
        return status;
    }
    return KVCORE_OK;
}

void picture_discard(picture_file *picture) {
    if (picture->file != NULL) fclose(picture->file);
    if (picture->created) unlink(picture->path);
    *picture = (picture_file){.path = NULL};
}

kvcore_status picture_write(picture_file *picture, const char *svg, size_t size_bytes, kvcore_error *error) {
    /* EINVAL: a device, which has no length */
    if (ftruncate(fileno(picture->file), 0) != 0 && errno != EINVAL) return fail(error, KVCORE_EIO, strerror(errno));
    kvcore_status status = KVCORE_OK;
    if (picture->png)
        status = write_png(picture->file, svg, size_bytes, error);
    else if (fwrite(svg, 1, size_bytes, picture->file) != size_bytes)
        status = fail(error, KVCORE_EIO, strerror(errno));
    if (fclose(picture->file) != 0 && status == KVCORE_OK) status = fail(error, KVCORE_EIO, strerror(errno));
    picture->file = NULL;
    if (status == KVCORE_OK) picture->created = false; /* it is the user's now */
    return status;
}
