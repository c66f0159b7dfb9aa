/**
 * @file
 * Which symbols of libkvradix are public. Everything else is hidden.
 */
#ifndef KVRADIX_EXPORT_H
#define KVRADIX_EXPORT_H

#define KVRADIX_API __attribute__((visibility("default")))

#endif
