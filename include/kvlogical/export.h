/**
 * @file
 * Which symbols of libkvlogical are public. Everything else is hidden.
 */
#ifndef KVLOGICAL_EXPORT_H
#define KVLOGICAL_EXPORT_H

#define KVLOGICAL_API __attribute__((visibility("default")))

#endif
