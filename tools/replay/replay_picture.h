/* Hit ratio over capacity as a picture. */
#ifndef TOOLS_REPLAY_PICTURE_H
#define TOOLS_REPLAY_PICTURE_H

#include <stddef.h>

#include <kvcore/status.h>

#include "picture/picture_file.h"
#include "replay/replay_report.h"

/* Draw the rows and write the file. A line is drawn through the rows that differ in nothing but capacity, which stand next to
 * each other. Errors: those of picture_write(), KVCORE_ENOMEM. */
KVCORE_NODISCARD kvcore_status replay_picture(picture_file *picture, const char *title, const replay_row *rows,
                                              size_t count, kvcore_error *error);

#endif
