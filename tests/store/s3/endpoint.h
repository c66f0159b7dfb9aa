/* A server for tests: keeps objects in memory, speaks as much of S3 as the store asks for, and does on demand what no real
 * server does: refuses, stalls, cuts, lies about lengths. It checks no signatures. */
#ifndef ENDPOINT_H
#define ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum endpoint_fault {
    ENDPOINT_SOUND = 0,
    ENDPOINT_SLOW_DOWN,       /* 503 SlowDown */
    ENDPOINT_INTERNAL,        /* 500 */
    ENDPOINT_CONFLICT,        /* 409 */
    ENDPOINT_REDIRECT,        /* 307 */
    ENDPOINT_DENIED,          /* 403 AccessDenied */
    ENDPOINT_EXPIRED,         /* 403 ExpiredToken */
    ENDPOINT_SKEWED,          /* 403 RequestTimeTooSkewed */
    ENDPOINT_NO_BUCKET,       /* 404 NoSuchBucket */
    ENDPOINT_BAD_DIGEST,      /* 400 BadDigest */
    ENDPOINT_NOT_IMPLEMENTED, /* 501 for If-None-Match */
    ENDPOINT_CUT_BODY,        /* half of the body, then the connection closes */
    ENDPOINT_SHORT_BODY,      /* a length that is 10 less than the object's */
    ENDPOINT_LONG_BODY,       /* 10 bytes more */
    ENDPOINT_NO_LENGTH,       /* no Content-Length */
    ENDPOINT_FLIP,            /* one bit of the body changed */
    ENDPOINT_ERROR_AS_200,    /* 200 with an error document */
    ENDPOINT_STALL,           /* headers, then nothing */
    ENDPOINT_SILENT,          /* no answer at all */
    ENDPOINT_ENDLESS,         /* headers without end */
    ENDPOINT_CLOSE,           /* the connection closes without an answer */
    ENDPOINT_GARBAGE,         /* not HTTP */
    ENDPOINT_FAULTS,
} endpoint_fault;

typedef struct endpoint endpoint;

endpoint *endpoint_start(void);
void endpoint_stop(endpoint *server);
unsigned endpoint_port(const endpoint *server);

/* The next `times` requests of a method (NULL: any) go wrong. */
void endpoint_misbehave(endpoint *server, endpoint_fault fault, const char *method, unsigned times);

/* Without conditional create, checksums, or with an overwrite that it refused (the object of a bad checksum stays). */
void endpoint_lacks(endpoint *server, bool conditions, bool checksums, bool keeps_refused);

size_t endpoint_objects(endpoint *server);
unsigned endpoint_requests(endpoint *server, const char *method);
/* A bit of every object's body changes. */
void endpoint_damage_all(endpoint *server);
uint64_t endpoint_bytes_sent(endpoint *server);
/* What the last listing gives in place of XML of the objects; NULL: the objects. */
void endpoint_hostile_listing(endpoint *server, const char *xml);

#endif
