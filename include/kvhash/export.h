/**
 * @file
 * Which symbols of libkvhash are public. Everything else is hidden.
 */
#ifndef KVHASH_EXPORT_H
#define KVHASH_EXPORT_H

#define KVHASH_API __attribute__((visibility("default")))

#endif
