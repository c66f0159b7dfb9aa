/**
 * @file
 * Which symbols of libkvcore are public. Everything else is hidden.
 */
#ifndef KVCORE_EXPORT_H
#define KVCORE_EXPORT_H

#define KVCORE_API __attribute__((visibility("default")))

/** A function that callers inline and that the library exports too, so that other languages can call it. */
#ifdef __cplusplus
#define KVCORE_INLINE inline
#else
#define KVCORE_INLINE KVCORE_API inline
#endif

#endif
