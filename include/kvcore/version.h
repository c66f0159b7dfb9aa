/**
 * @file
 * The version of the suite: one number for all its libraries.
 *
 * Before 1.0 a minor release may break the ABI (the SONAME is 0.MINOR); after, only a major one.
 */
#ifndef KVCORE_VERSION_H
#define KVCORE_VERSION_H

#include <kvcore/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The version of the headers, in three numbers. kvcore_version_number() is that of the library. */
#define KVCORE_VERSION_MAJOR 0
/** See KVCORE_VERSION_MAJOR. */
#define KVCORE_VERSION_MINOR 1
/** See KVCORE_VERSION_MAJOR. */
#define KVCORE_VERSION_PATCH 0
/** The headers' version as one number that grows with each release. */
#define KVCORE_VERSION_NUMBER (KVCORE_VERSION_MAJOR * 1000000 + KVCORE_VERSION_MINOR * 1000 + KVCORE_VERSION_PATCH)

/** The version of the library that is linked, as KVCORE_VERSION_NUMBER was when it was built. Any thread. */
KVCORE_API int kvcore_version_number(void);
/** The same as text, "major.minor.patch". Valid for the life of the process. */
KVCORE_API const char *kvcore_version_text(void);

#ifdef __cplusplus
}
#endif

#endif
