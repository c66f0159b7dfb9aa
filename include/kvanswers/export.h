/**
 * @file
 * Which symbols of libkvanswers are public. Everything else is hidden.
 */
#ifndef KVANSWERS_EXPORT_H
#define KVANSWERS_EXPORT_H

#define KVANSWERS_API __attribute__((visibility("default")))

#endif
