/**
 * @file
 * Which symbols of libkvcontent are public. Everything else is hidden.
 */
#ifndef KVCONTENT_EXPORT_H
#define KVCONTENT_EXPORT_H

#define KVCONTENT_API __attribute__((visibility("default")))

#endif
