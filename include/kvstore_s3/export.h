/**
 * @file
 * Which symbols of libkvstore_s3 are public. Everything else is hidden.
 */
#ifndef KVSTORE_S3_EXPORT_H
#define KVSTORE_S3_EXPORT_H

#define KVSTORE_S3_API __attribute__((visibility("default")))

#endif
