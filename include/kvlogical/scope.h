/**
 * @file
 * Variables that give back what they hold on any way out of their scope: GCC and Clang, C.
 *
 *     KVLOGICAL_SCOPED_HELD(pool, held, 512);            // kvlogical_immutable held[512], all empty
 *     TRY(kvlogical_match_prefix(pool, names, 512, held, &hits));
 *     return EARLY;                                       // every guard in held is released
 *
 * Guards that moved on, to a transition or into another object, read as empty and are skipped. To keep one beyond the scope, copy
 * it elsewhere and set it to zero. Held blocks go last one first (kvlogical_release_tail_first()), others in order.
 *
 * Capacities are constant expressions. Pointers start as NULL. What is declared last goes first, so declare the manager before its guards.
 * In C++ use kvstrata.hpp.
 */
#ifndef KVLOGICAL_SCOPE_H
#define KVLOGICAL_SCOPE_H

#include <kvhash/sequence.h>
#include <kvlogical/assignments.h>
#include <kvlogical/external_assignments.h>
#include <kvlogical/manager.h>
#include <kvlogical/request.h>

#if defined(__GNUC__) && !defined(__cplusplus)

/* NOLINTBEGIN(bugprone-macro-parentheses): the arguments are types and names */

/** An array of guards with whom to give them back to. */
typedef struct kvlogical_scope {
    void *owner; /**< manager or registry */
    void *guards;
    size_t count;
} kvlogical_scope;

#define KVLOGICAL_SCOPE_FUNCTION(kind, owner_type, guard_type, release)                       \
    static inline void kvlogical_scope_end_##kind(kvlogical_scope *scope) {                   \
        (void)release((owner_type *)scope->owner, (guard_type *)scope->guards, scope->count); \
    }
KVLOGICAL_SCOPE_FUNCTION(mutable, kvlogical_manager, kvlogical_mutable, kvlogical_release_mutable)
KVLOGICAL_SCOPE_FUNCTION(complete, kvlogical_manager, kvlogical_complete, kvlogical_release_complete)
KVLOGICAL_SCOPE_FUNCTION(held, kvlogical_manager, kvlogical_immutable, kvlogical_release_tail_first)
KVLOGICAL_SCOPE_FUNCTION(pins, kvlogical_manager, kvlogical_pin, kvlogical_release_pins)
KVLOGICAL_SCOPE_FUNCTION(weak, kvlogical_manager, kvlogical_weak, kvlogical_release_weak)
KVLOGICAL_SCOPE_FUNCTION(handles, kvlogical_registry, kvlogical_handle, kvlogical_handle_release)
#undef KVLOGICAL_SCOPE_FUNCTION

#define KVLOGICAL_SCOPED(kind, type, owner, name, capacity)      \
    type name[capacity] = {{0}};                                 \
    __attribute__((cleanup(kvlogical_scope_end_##kind), unused)) \
    kvlogical_scope name##_scope = {(owner), name, (capacity)}

/** @name Arrays of guards: the manager (for handles the registry), the array's name, how many it has room for. @{ */
#define KVLOGICAL_SCOPED_MUTABLE(manager, name, capacity) \
    KVLOGICAL_SCOPED(mutable, kvlogical_mutable, manager, name, capacity)
#define KVLOGICAL_SCOPED_COMPLETE(manager, name, capacity) \
    KVLOGICAL_SCOPED(complete, kvlogical_complete, manager, name, capacity)
#define KVLOGICAL_SCOPED_HELD(manager, name, capacity) \
    KVLOGICAL_SCOPED(held, kvlogical_immutable, manager, name, capacity)
#define KVLOGICAL_SCOPED_PINS(manager, name, capacity) KVLOGICAL_SCOPED(pins, kvlogical_pin, manager, name, capacity)
#define KVLOGICAL_SCOPED_WEAK(manager, name, capacity) KVLOGICAL_SCOPED(weak, kvlogical_weak, manager, name, capacity)
#define KVLOGICAL_SCOPED_HANDLES(registry, name, capacity) \
    KVLOGICAL_SCOPED(handles, kvlogical_handle, registry, name, capacity)
/** @} */

#define KVLOGICAL_SCOPE_POINTER(kind, type, destroy) \
    static inline void kvlogical_scope_destroy_##kind(type **object) { (void)destroy(*object); }
#define KVLOGICAL_SCOPE_VOID_POINTER(kind, type, destroy) \
    static inline void kvlogical_scope_destroy_##kind(type **object) { destroy(*object); }
KVLOGICAL_SCOPE_POINTER(manager, kvlogical_manager, kvlogical_manager_destroy)
KVLOGICAL_SCOPE_POINTER(registry, kvlogical_registry, kvlogical_registry_destroy)
KVLOGICAL_SCOPE_VOID_POINTER(sequence, kvhash_sequence, kvhash_sequence_destroy)
KVLOGICAL_SCOPE_VOID_POINTER(request, kvlogical_request, kvlogical_request_destroy)
KVLOGICAL_SCOPE_VOID_POINTER(assignments, kvlogical_assignments, kvlogical_assignments_destroy)
KVLOGICAL_SCOPE_VOID_POINTER(external, kvlogical_external_assignments, kvlogical_external_assignments_destroy)
#undef KVLOGICAL_SCOPE_POINTER
#undef KVLOGICAL_SCOPE_VOID_POINTER

#define KVLOGICAL_SCOPED_POINTER(kind, type, name) \
    __attribute__((cleanup(kvlogical_scope_destroy_##kind))) type *name = NULL

/** @name Objects: a pointer that is NULL until a create call fills it. @{ */
#define KVLOGICAL_SCOPED_MANAGER(name) KVLOGICAL_SCOPED_POINTER(manager, kvlogical_manager, name)
#define KVLOGICAL_SCOPED_REGISTRY(name) KVLOGICAL_SCOPED_POINTER(registry, kvlogical_registry, name)
#define KVLOGICAL_SCOPED_SEQUENCE(name) KVLOGICAL_SCOPED_POINTER(sequence, kvhash_sequence, name)
#define KVLOGICAL_SCOPED_REQUEST(name) KVLOGICAL_SCOPED_POINTER(request, kvlogical_request, name)
#define KVLOGICAL_SCOPED_ASSIGNMENTS(name) KVLOGICAL_SCOPED_POINTER(assignments, kvlogical_assignments, name)
#define KVLOGICAL_SCOPED_EXTERNAL(name) KVLOGICAL_SCOPED_POINTER(external, kvlogical_external_assignments, name)
/** @} */

/* NOLINTEND(bugprone-macro-parentheses) */

#endif

#endif
