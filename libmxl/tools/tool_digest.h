/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests of media, to compare what was sent with what arrived. XXH3 with 128 bits keeps up with
 * uncompressed video on one core; it finds errors, it does not stop forgers. The digest of a
 * stream is what "xxh128sum" prints for a file with the same bytes.
 */
#ifndef MXL_TOOL_DIGEST_H
#define MXL_TOOL_DIGEST_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define TOOL_DIGEST_TEXT 33

struct tool_digest;

/**
 * tool_digest_new() - begin a digest
 * @list: where to write one line per grain or batch, NULL for nowhere; closed by
 *	tool_digest_free()
 *
 * Return: the digest or NULL when there is no memory.
 */
struct tool_digest *tool_digest_new(FILE *list);

/**
 * tool_digest_add() - add media to the stream's digest
 * @digest: from tool_digest_new(), or NULL for no effect
 * @data: bytes
 * @size: how many
 */
void tool_digest_add(struct tool_digest *digest, const void *data, size_t size);

/**
 * tool_digest_add_unit() - add a whole grain or batch, and write its line to the list
 * @digest: from tool_digest_new(), or NULL for no effect
 * @index: of the grain, or of the sample after the batch
 * @data: bytes
 * @size: how many
 */
void tool_digest_add_unit(struct tool_digest *digest, uint64_t index, const void *data,
			  size_t size);

/**
 * tool_digest_text() - the digest of everything added so far
 * @digest: from tool_digest_new()
 * @ret_text: 32 hexadecimal digits and a NUL
 */
void tool_digest_text(const struct tool_digest *digest, char ret_text[static TOOL_DIGEST_TEXT]);

/**
 * tool_digest_free() - end a digest and close its list
 * @digest: may be NULL
 *
 * Return: 0, or -errno when the list could not be written in full.
 */
int tool_digest_free(struct tool_digest *digest);

#endif /* MXL_TOOL_DIGEST_H */
