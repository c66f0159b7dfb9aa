/**
 * @file
 * Which symbols of libkvstore_offload are public. Everything else is hidden.
 */
#ifndef KVSTORE_OFFLOAD_EXPORT_H
#define KVSTORE_OFFLOAD_EXPORT_H

#define KVSTORE_OFFLOAD_API __attribute__((visibility("default")))

#endif
