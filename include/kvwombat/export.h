/**
 * @file
 * Which symbols of libkvwombat are public. Everything else is hidden.
 */
#ifndef KVWOMBAT_EXPORT_H
#define KVWOMBAT_EXPORT_H

#define KVWOMBAT_API __attribute__((visibility("default")))

#endif
