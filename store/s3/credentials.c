/* Where the key comes from. Nothing is guessed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "s3.h"

enum { EARLY_SECONDS = 300, AGAIN_SECONDS = 10 };

static bool copy(char *to, size_t room, const char *from) {
    size_t length = from == NULL ? 0 : strlen(from);
    if (length >= room) return false;
    if (length > 0) memcpy(to, from, length);
    to[length] = '\0';
    return true;
}

static bool take_three(kvstore_s3_secrets *to, const char *key, const char *secret, const char *token) {
    return key != NULL && secret != NULL && key[0] != '\0' && secret[0] != '\0' &&
           copy(to->access_key, sizeof to->access_key, key) && copy(to->secret_key, sizeof to->secret_key, secret) &&
           copy(to->session_token, sizeof to->session_token, token);
}

/* "name = value" of the wanted section. */
static char *trim(char *text) {
    while (*text == ' ' || *text == '\t') text++;
    size_t length = strlen(text);
    while (length > 0 && strchr(" \t\r\n", text[length - 1]) != NULL) text[--length] = '\0';
    return text;
}

static bool load_file(const kvs3 *self, kvstore_s3_secrets *to) {
    FILE *file = fopen(self->credentials_file, "re");
    char line[KVSTORE_S3_SECRET_BYTES + 64], section[256] = "";
    bool fits = true;
    const char *wanted = self->profile == NULL ? "default" : self->profile;
    if (file == NULL) return false;
    while (fgets(line, sizeof line, file) != NULL) {
        char *text = trim(line), *equals = strchr(text, '=');
        size_t length = strlen(text);
        if (text[0] == '[' && length > 1 && text[length - 1] == ']') {
            text[length - 1] = '\0';
            fits = copy(section, sizeof section, trim(text + 1)) && fits;
        } else if (equals != NULL && strcmp(section, wanted) == 0 && text[0] != '#') {
            *equals = '\0';
            const char *name = trim(text), *value = trim(equals + 1);
            if (strcmp(name, "aws_access_key_id") == 0)
                fits = copy(to->access_key, sizeof to->access_key, value) && fits;
            else if (strcmp(name, "aws_secret_access_key") == 0)
                fits = copy(to->secret_key, sizeof to->secret_key, value) && fits;
            else if (strcmp(name, "aws_session_token") == 0)
                fits = copy(to->session_token, sizeof to->session_token, value) && fits;
        }
    }
    explicit_bzero(line, sizeof line);
    fclose(file);
    return fits && to->access_key[0] != '\0' && to->secret_key[0] != '\0';
}

static bool is_clean(const char *text) {
    for (; *text != '\0'; text++)
        if ((unsigned char)*text <= ' ' || (unsigned char)*text == 127) return false;
    return true;
}

bool kvstore_s3__load(kvs3 *self) {
    kvstore_s3_secrets fresh = {.expires_s = 0};
    bool loaded = false;
    switch (self->provider) {
    case KVSTORE_S3_CREDENTIALS_STATIC:
        loaded = take_three(&fresh, self->static_key, self->static_secret, self->static_token);
        break;
    case KVSTORE_S3_CREDENTIALS_ENVIRONMENT:
        loaded = take_three(&fresh, getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY"),
                            getenv("AWS_SESSION_TOKEN"));
        break;
    case KVSTORE_S3_CREDENTIALS_FILE: loaded = load_file(self, &fresh); break;
    case KVSTORE_S3_CREDENTIALS_CALLBACK: loaded = self->callback(self->callback_ctx, &fresh); break;
    default: break;
    }
    loaded = loaded && is_clean(fresh.access_key) && is_clean(fresh.secret_key) && is_clean(fresh.session_token);
    if (loaded) self->secrets = fresh;
    explicit_bzero(&fresh, sizeof fresh);
    self->loaded_ns = kvstore_clock_ns(&self->options);
    return loaded;
}

void kvstore_s3__renew(kvs3 *self, uint64_t now_ns) {
    if (self->secrets.expires_s == 0 || now_ns - self->loaded_ns < AGAIN_SECONDS * KVS3_SECOND) return;
    if ((uint64_t)time(NULL) + EARLY_SECONDS >= self->secrets.expires_s) (void)kvstore_s3__load(self);
}
