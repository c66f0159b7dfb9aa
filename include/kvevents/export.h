/**
 * @file
 * Which symbols of libkvevents are public. Everything else is hidden.
 */
#ifndef KVEVENTS_EXPORT_H
#define KVEVENTS_EXPORT_H

#define KVEVENTS_API __attribute__((visibility("default")))

#endif
