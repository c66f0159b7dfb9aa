/* Name a prompt: tokens, salt and adapter in, one name a complete block out. */
#include <stdio.h>

#include <kvhash/request.h>

int main(void) {
    uint32_t prompt[50];
    for (uint32_t i = 0; i < 50; i++) prompt[i] = 100 + i;

    kvhash_request request = KVHASH_REQUEST_INIT;
    request.tokens = prompt; /* borrowed */
    request.token_count = 50;
    request.salt = kvcore_text("tenant-7");
    request.lora_name = kvcore_text("support-bot");
    request.block_tokens = 16;

    kvhash_plh names[512];
    size_t count; /* complete blocks only; the tail has no name yet */
    kvcore_error error;
    if (kvhash_request_names(&request, names, 512, &count, &error) != KVCORE_OK) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    for (size_t i = 0; i < count; i++) {
        char text[KVHASH_PLH_TEXT_BYTES];
        kvhash_plh_format(names[i], text);
        puts(text);
    }
    return count == 3 ? 0 : 1;
}
