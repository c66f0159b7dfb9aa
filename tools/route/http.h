/* The router behind HTTP, by libmicrohttpd: one thread serves all connections. */
#ifndef TOOLS_ROUTE_HTTP_H
#define TOOLS_ROUTE_HTTP_H

#include <stdint.h>

#include "route/router.h"

typedef struct http_server http_server;

typedef struct http_options {
    const char *host; /* an address, not a name */
    uint16_t port;    /* 0: any */
    unsigned connections;
    unsigned timeout_s; /* of a silent connection */
} http_options;

/* NULL, and *why, when it cannot listen. The router must outlive it. */
http_server *http_start(const http_options *options, router *to, const char **why);
void http_stop(http_server *of);

uint16_t http_port(const http_server *of);

#endif
