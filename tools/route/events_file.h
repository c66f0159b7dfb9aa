/* kvstrata events record and play: the messages of an engine in a file, and from it onto a socket.
 *
 * A line a message: nanoseconds since the first one, then its frames in hexadecimal, "-" for an empty one. */
#ifndef TOOLS_EVENTS_FILE_H
#define TOOLS_EVENTS_FILE_H

#include <stdint.h>

int events_record(const char *endpoint, const char *topic, const char *path, uint64_t count);
/* Bind the endpoint, wait, and send: at the times of the file, or as fast as possible. */
int events_play(const char *path, const char *endpoint, uint64_t wait_ms, int fast);

#endif
