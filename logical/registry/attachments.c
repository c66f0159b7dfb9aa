/* What users attach to names: values by key, and callbacks for touches. */
#include "registry/registry.h"

static record *record_of(registry *r, const kvlogical_handle *handle) {
    bool valid = handle->registry == r->id && kvlogical__record_valid(&r->records, handle->record, handle->generation);
    return valid ? &r->records.rows[handle->record] : NULL;
}

static kvcore_status refuse(kvcore_error *error, kvcore_status code, kvlogical_attachment_key key, const char *text) {
    return kvcore_fail(error, &(kvcore_error){.code = code, .index = KVCORE_NO_INDEX, .actual = key}, "%s", text);
}

static kvcore_status attach_to(registry *r, const kvlogical_handle *handle, attachment *made, kvcore_error *error) {
    record *to = record_of(r, handle);
    if (to == NULL) return refuse(error, KVLOGICAL_EGUARD, made->key, "handle is empty, foreign or released");
    attachment **at = &to->attachments;
    for (; *at != NULL; at = &(*at)->next) {
        if ((*at)->key != made->key) continue;
        if ((*at)->unique != made->unique)
            return refuse(error, KVLOGICAL_EATTACHMENT, made->key,
                          made->unique ? "key is already registered as multiple attachment"
                                       : "key is already registered as unique attachment");
        if (!made->unique) continue;
        attachment *old = *at;
        made->next = old->next;
        *at = made;
        old->next = r->records.doomed.attachments;
        r->records.doomed.attachments = old;
        return KVCORE_OK;
    }
    *at = made;
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
    for (const attachment *at = from == NULL ? NULL : from->attachments; at != NULL; at = at->next) {
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
        touch_callback **at = &to->callbacks;
        while (*at != NULL) at = &(*at)->next;
        *at = made;
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
    const touch_callback *at = r->records.rows[own.record].callbacks, *last = at;
    while (last != NULL && last->next != NULL) last = last->next;
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
