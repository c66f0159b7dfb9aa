#include "files/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "shared/command.h"

static int fail_system(const char *path) { return complain(EXIT_SYSTEM, "%s: %s", path, strerror(errno)); }

int sync_folder_of(const char *path) {
    char *folder = strdup(path);
    if (folder == NULL) return -1;
    char *slash = strrchr(folder, '/');
    if (slash != NULL) slash[slash == folder ? 1 : 0] = '\0';
    int descriptor = open(slash != NULL ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = descriptor < 0 ? -1 : fsync(descriptor);
    if (descriptor >= 0) close(descriptor);
    free(folder);
    return result;
}

int rename_new(const char *fresh, const char *path) {
    if (renameat2(AT_FDCWD, fresh, AT_FDCWD, path, RENAME_NOREPLACE) == 0) return 0;
    if (errno != EINVAL && errno != ENOSYS) return -1; /* a file system that cannot: two names, then one */
    return link(fresh, path) == 0 ? unlink(fresh) : -1;
}

static int copy_attribute(const char *path, int from, int to, const char *name) {
    ssize_t size = fgetxattr(from, name, NULL, 0);
    if (size < 0) return fail_system(path);
    char *value = malloc((size_t)size + 1);
    if (value == NULL) return complain(EXIT_SYSTEM, "out of memory");
    size = fgetxattr(from, name, value, (size_t)size);
    int code = size >= 0 && fsetxattr(to, name, value, (size_t)size, 0) == 0 ? EXIT_OK : EXIT_SYSTEM;
    if (code != EXIT_OK && (errno == EPERM || errno == ENOTSUP)) /* of the system's own, such as security labels */
        code = complain(EXIT_OK, "%s: attribute %s is not kept: %s", path, name, strerror(errno));
    else if (code != EXIT_OK)
        code = fail_system(path);
    free(value);
    return code;
}

static int copy_attributes(const char *path, int from, int to) {
    ssize_t size = flistxattr(from, NULL, 0);
    if (size <= 0) return size == 0 || errno == ENOTSUP ? EXIT_OK : fail_system(path);
    char *names = malloc((size_t)size);
    if (names == NULL) return complain(EXIT_SYSTEM, "out of memory");
    size = flistxattr(from, names, (size_t)size);
    int code = size < 0 ? fail_system(path) : EXIT_OK;
    for (const char *name = names; code == EXIT_OK && name < names + size; name += strlen(name) + 1)
        code = copy_attribute(path, from, to, name);
    free(names);
    return code;
}

/* As far as this user may. Who cannot keep the group takes nobody in by its permissions, nor by those for the rest. */
static mode_t copy_owner(const char *path, const struct stat *had, int to) {
    mode_t permissions = had->st_mode & 07777;
    if (fchown(to, had->st_uid, had->st_gid) == 0) return permissions;
    bool group_kept = fchown(to, (uid_t)-1, had->st_gid) == 0;
    complain(EXIT_OK, "%s: owner%s not kept: %s", path, group_kept ? " is" : " and group are", strerror(errno));
    return group_kept ? permissions & 0777 : permissions & 0700;
}

/* Owner first: changing it drops permissions. Attributes before permissions, because an ACL changes them. */
static int copy_what_it_had(const char *path, int from, int to) {
    struct stat had;
    if (fstat(from, &had) != 0) return fail_system(path);
    mode_t permissions = copy_owner(path, &had, to);
    int code = copy_attributes(path, from, to);
    if (code == EXIT_OK && fchmod(to, permissions) != 0) code = fail_system(path);
    if (code == EXIT_OK && fsync(to) != 0) code = fail_system(path);
    return code;
}

int replace_file(const char *fresh, const char *path) {
    int from = open(path, O_RDONLY | O_CLOEXEC), to = open(fresh, O_RDWR | O_CLOEXEC);
    int code = from >= 0 && to >= 0 ? copy_what_it_had(path, from, to) : fail_system(from < 0 ? path : fresh);
    if (from >= 0) close(from);
    if (to >= 0) close(to);
    if (code == EXIT_OK && rename(fresh, path) != 0) code = fail_system(path);
    if (code == EXIT_OK && sync_folder_of(path) != 0) code = fail_system(path);
    return code;
}
