/**
 * @file
 * Which symbols of libkvstore are public. Everything else is hidden.
 */
#ifndef KVSTORE_EXPORT_H
#define KVSTORE_EXPORT_H

#define KVSTORE_API __attribute__((visibility("default")))

#endif
