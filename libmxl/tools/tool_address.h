/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses: mxl://[host[:port]]/domain/path[?id=FLOW[&id=FLOW...]]
 */
#ifndef MXL_TOOL_ADDRESS_H
#define MXL_TOOL_ADDRESS_H

#include <stddef.h>

/**
 * struct tool_address - the parts of an address
 * @host: name or number, in brackets if it is IPv6; NULL when the address names this host
 * @port: 1 to 65535, 0 when none was given
 * @domain: directory, percent signs decoded
 * @ids: ids as written
 * @count: number of @ids
 */
struct tool_address {
	char *host;
	unsigned int port;
	char *domain;
	char **ids;
	size_t count;
};

/**
 * tool_address_parse() - take an address apart
 * @text: the address
 * @ret_address: its parts, to be given to tool_address_free(); untouched on failure
 * @ret_reason: on failure what is wrong with it, a static string
 *
 * Return: 0, -EINVAL, -ENOMEM.
 */
int tool_address_parse(const char *text, struct tool_address *ret_address, const char **ret_reason);

/** tool_address_free() - release the parts of an address */
void tool_address_free(struct tool_address *address);

/**
 * tool_address_format() - write the address of a domain on this host
 * @domain: directory; a relative one is made absolute, for an address has no current directory
 *
 * Ids are to be appended by the caller, "?id=" first, then "&id=".
 *
 * Return: a string to free(), or NULL when there is no memory.
 */
char *tool_address_format(const char *domain);

#endif /* MXL_TOOL_ADDRESS_H */
