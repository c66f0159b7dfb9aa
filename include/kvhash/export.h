/**
 * @file
 * Which symbols of libkvhash are public. Everything else is hidden.
 */
#ifndef KVHASH_EXPORT_H
#define KVHASH_EXPORT_H

#define KVHASH_API __attribute__((visibility("default")))

/** A function that callers inline and that the library exports too, so that other languages can call it. */
#ifdef __cplusplus
#define KVHASH_INLINE inline
#else
#define KVHASH_INLINE KVHASH_API inline
#endif

#endif
