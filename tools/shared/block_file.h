/* Files named by blocks: the 32 hexadecimal digits of the name's wire form, and ".kv". */
#ifndef TOOLS_BLOCK_FILE_H
#define TOOLS_BLOCK_FILE_H

#include <stdbool.h>

#include <kvhash/plh.h>

enum { NAME_DIGITS = 2 * KVHASH_PLH_BYTES, FILE_NAME_BYTES = NAME_DIGITS + sizeof ".kv" };

void file_name_of(kvhash_plh name, char text[FILE_NAME_BYTES]);
bool name_of_file(const char *text, kvhash_plh *name);

#endif
