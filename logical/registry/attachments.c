/* What users attach to names: values by key, and callbacks for touches. */
#include "registry/registry.h"

static record *record_of(registry *r, const kvlogical_handle *handle) {
    bool valid = handle->registry == r->id && kvlogical__record_valid(&r->records, handle->record, handle->generation);
    return valid ? &r->records.rows[handle->record] : NULL;
}

static kvcore_status refuse(kvcore_error *error, kvcore_status code, kvlogical_attachment_key key, const char *text) {
    return kvcore_fail(error, &(kvcore_error){.code = code, .index = KVCORE_NO_INDEX, .actual = key}, "%s", text);
}

/* The first of a key; or NULL, and then *last is the first of the last key there is. */
static attachment *first_of(const attachments *all, kvlogical_attachment_key key, attachment **last) {
    *last = NULL;
    for (attachment *at = all->first; at != NULL; at = at->next_key) {
        if (at->key == key) return at;
        *last = at;
    }
    return NULL;
}

/* `made` goes, with the value that it replaces. */
static void replace(attachment *at, attachment *made, attachments *dead) {
    attachment old = *at;
    at->value = made->value;
    at->destructor = made->destructor;
    made->value = old.value;
    made->destructor = old.destructor;
    made->next = dead->first;
    if (dead->first == NULL) dead->last = made;
    dead->first = made;
}

static kvcore_status attach_to(registry *r, const kvlogical_handle *handle, attachment *made, kvcore_error *error) {
    record *to = record_of(r, handle);
    if (to == NULL) return refuse(error, KVLOGICAL_EGUARD, made->key, "handle is empty, foreign or released");
    attachments *all = &to->attachments;
    attachment *last, *first = first_of(all, made->key, &last);
    if (first != NULL && first->unique != made->unique)
        return refuse(error, KVLOGICAL_EATTACHMENT, made->key,
                      made->unique ? "key is already registered as multiple attachment"
                                   : "key is already registered as unique attachment");
    if (first != NULL && made->unique) {
        replace(first, made, &r->records.doomed.attachments);
        return KVCORE_OK;
    }
    if (first == NULL && last != NULL) last->next_key = made;
    *(all->first == NULL ? &all->first : &all->last->next) = made;
    all->last = made;
    return KVCORE_OK;
}

static kvcore_status attach(registry *r, const kvlogical_handle *handle, attachment made, kvcore_error *error) {
    if (r == NULL || handle == NULL) return refuse(error, KVCORE_EINVAL, made.key, "registry and handle must be given");
    if (r->fixed) return refuse(error, KVCORE_ENOTSUP, made.key, "a registry in caller's memory takes no attachments");
    attachment *at = kvcore_alloc(&r->allocator, 1, sizeof *at, _Alignof(attachment));
    if (at == NULL) return refuse(error, KVCORE_ENOMEM, made.key, "no memory for an attachment");
    *at = made;
    lock_take(&r->lock);
    kvcore_status status = attach_to(r, handle, at, error);
    registry_give(r);
    if (status != KVCORE_OK) kvcore_free(&r->allocator, at, 1, sizeof *at, _Alignof(attachment));
    return status;
}

kvcore_status kvlogical_handle_attach_unique(kvlogical_registry *r, const kvlogical_handle *handle,
                                             kvlogical_attachment_key key, void *value,
                                             kvlogical_attachment_destructor destructor, kvcore_error *error) {
    return attach(r, handle, (attachment){.key = key, .unique = true, .value = value, .destructor = destructor}, error);
}

kvcore_status kvlogical_handle_attach(kvlogical_registry *r, const kvlogical_handle *handle,
                                      kvlogical_attachment_key key, void *value,
                                      kvlogical_attachment_destructor destructor, kvcore_error *error) {
    return attach(r, handle, (attachment){.key = key, .value = value, .destructor = destructor}, error);
}

kvcore_status kvlogical_handle_attachments(const kvlogical_registry *given, const kvlogical_handle *handle,
                                           kvlogical_attachment_key key, void **values, size_t capacity,
                                           size_t *count) {
    registry *r = (registry *)(uintptr_t)given;
    if (r == NULL || handle == NULL || count == NULL || (capacity > 0 && values == NULL)) return KVCORE_EINVAL;
    lock_take(&r->lock);
    const record *from = record_of(r, handle);
    size_t found = 0;
    for (const attachment *at = from == NULL ? NULL : from->attachments.first; at != NULL; at = at->next) {
        if (at->key != key) continue;
        if (found < capacity) values[found] = at->value;
        found++;
    }
    lock_give(&r->lock);
    if (from == NULL) return KVLOGICAL_EGUARD;
    *count = found;
    return KVCORE_OK;
}

kvcore_status kvlogical_handle_on_touch(kvlogical_registry *r, const kvlogical_handle *handle,
                                        kvlogical_touch_callback callback, void *ctx) {
    if (r == NULL || handle == NULL || callback == NULL) return KVCORE_EINVAL;
    if (r->fixed) return KVCORE_ENOTSUP;
    touch_callback *made = kvcore_alloc(&r->allocator, 1, sizeof *made, _Alignof(touch_callback));
    if (made == NULL) return KVCORE_ENOMEM;
    *made = (touch_callback){NULL, callback, ctx};
    lock_take(&r->lock);
    record *to = record_of(r, handle);
    if (to != NULL) {
        *(to->callbacks.first == NULL ? &to->callbacks.first : &to->callbacks.last->next) = made;
        to->callbacks.last = made;
    }
    lock_give(&r->lock);
    if (to != NULL) return KVCORE_OK;
    kvcore_free(&r->allocator, made, 1, sizeof *made, _Alignof(touch_callback));
    return KVLOGICAL_EGUARD;
}

/* The list only grows while the record is held, and this call holds it: so it is read up to its present end without the
 * lock. */
kvcore_status kvlogical_handle_touch(kvlogical_registry *r, const kvlogical_handle *handle) {
    kvlogical_handle own;
    if (r == NULL || handle == NULL) return KVCORE_EINVAL;
    kvcore_status status = kvlogical_handle_clone(r, handle, &own);
    if (status != KVCORE_OK) return status;
    lock_take(&r->lock);
    kvhash_plh name = r->records.rows[own.record].name;
    const touch_callback *at = r->records.rows[own.record].callbacks.first,
                         *last = r->records.rows[own.record].callbacks.last;
    lock_give(&r->lock);
    while (at != NULL) {
        at->call(at->ctx, name);
        if (at == last) break;
        lock_take(&r->lock);
        at = at->next;
        lock_give(&r->lock);
    }
    return kvlogical_handle_release(r, &own, 1);
}
