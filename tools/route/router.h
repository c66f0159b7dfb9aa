/* The router's question, without HTTP: engines are registered, heard, and asked for how much of a prompt each has.
 *
 * A model is an index of names; each engine and rank of it is a source of a subscriber and three holders of the index: what is
 * on the device, there or on the host, there or on the disk. Requests and answers are JSON, in the two spellings of the field.
 *
 * Threads: safe. */
#ifndef TOOLS_ROUTER_H
#define TOOLS_ROUTER_H

#include <stdbool.h>
#include <stddef.h>

typedef struct router router;

typedef struct router_options {
    const char **allowed; /* endpoints may begin so; none: any of the schemes */
    size_t allowed_count;
    size_t engines; /* at most, over all models and ranks; 0: 256 */
} router_options;

/* NULL: no memory. */
router *router_create(const router_options *options);
void router_destroy(router *of);

/* What is answered: a text of malloc, and its HTTP status. */
typedef struct router_answer {
    int status;
    char *text;
} router_answer;

/* Calls that have a body, by path: /register /unregister /query /query_by_hash /choose. The body is changed. */
router_answer router_post(router *of, const char *path, char *body, size_t size, bool conductor);

/* Calls that have none: /workers /dump /metrics /health. */
router_answer router_get(router *of, const char *path);

#endif
