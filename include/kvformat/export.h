/**
 * @file
 * Which symbols of libkvformat are public. Everything else is hidden.
 */
#ifndef KVFORMAT_EXPORT_H
#define KVFORMAT_EXPORT_H

#define KVFORMAT_API __attribute__((visibility("default")))

#endif
