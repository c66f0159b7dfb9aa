/* A new file in the place of an old one that keeps what the old one had. */
#ifndef TOOLS_REPLACE_H
#define TOOLS_REPLACE_H

/* Give `fresh` the owner, the permissions and the extended attributes (ACLs among them) of `path`, and then its name; the folder
 * is synced. What must not be lost in silence is complained about: when the owner cannot be kept nobody but the owner may
 * read the file. Returns an exit code; after a failure `fresh` is still there. */
int replace_file(const char *fresh, const char *path);

/* Sync the folder that a path is in. 0, or -1 with errno. */
int sync_folder_of(const char *path);

/* Put `fresh` where nothing may be yet: EEXIST otherwise. 0, or -1 with errno. */
int rename_new(const char *fresh, const char *path);

#endif
