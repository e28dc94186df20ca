/* SPDX-License-Identifier: Apache-2.0 */
#include "tool_digest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include <xxhash.h>

/**
 * struct tool_digest - a digest being made
 * @state: of the whole stream
 * @list: for the lines of single units, or NULL
 */
struct tool_digest {
	XXH3_state_t *state;
	FILE *list;
};

static void to_text(XXH128_hash_t hash, char ret_text[static TOOL_DIGEST_TEXT])
{
	XXH128_canonical_t canonical;
	size_t i;

	XXH128_canonicalFromHash(&canonical, hash);
	for (i = 0; i < sizeof(canonical.digest); i++)
		snprintf(ret_text + 2 * i, 3, "%02x", canonical.digest[i]);
}

struct tool_digest *tool_digest_new(FILE *list)
{
	struct tool_digest *digest = calloc(1, sizeof(*digest));

	if (!digest)
		return NULL;
	digest->state = XXH3_createState();
	if (!digest->state) {
		free(digest);
		return NULL;
	}
	XXH3_128bits_reset(digest->state);
	digest->list = list;
	return digest;
}

void tool_digest_add(struct tool_digest *digest, const void *data, size_t size)
{
	if (digest)
		XXH3_128bits_update(digest->state, data, size);
}

void tool_digest_add_unit(struct tool_digest *digest, uint64_t index, const void *data, size_t size)
{
	char text[TOOL_DIGEST_TEXT];

	if (!digest)
		return;
	tool_digest_add(digest, data, size);
	if (!digest->list)
		return;
	to_text(XXH3_128bits(data, size), text);
	fprintf(digest->list, "%" PRIu64 " %zu %s\n", index, size, text);
}

void tool_digest_text(const struct tool_digest *digest, char ret_text[static TOOL_DIGEST_TEXT])
{
	to_text(XXH3_128bits_digest(digest->state), ret_text);
}

int tool_digest_free(struct tool_digest *digest)
{
	int result = 0;

	if (!digest)
		return 0;
	if (digest->list) {
		if (ferror(digest->list))
			result = -EIO;
		if (fclose(digest->list) != 0)
			result = -errno;
	}
	XXH3_freeState(digest->state);
	free(digest);
	return result;
}
