/**
 * @file
 * Which symbols of libkvcore are public. Everything else is hidden.
 */
#ifndef KVCORE_EXPORT_H
#define KVCORE_EXPORT_H

#define KVCORE_API __attribute__((visibility("default")))

#endif
