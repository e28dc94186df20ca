/* SPDX-License-Identifier: Apache-2.0 */
#include "tool_address.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tool_args.h"

static int hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

/* Decode %XX between @text and @end. %00 is refused: it would cut the path short. */
static int percent_decode(const char *text, const char *end, char **ret_decoded)
{
	char *decoded = malloc((size_t)(end - text) + 1);
	char *at = decoded;

	if (!decoded)
		return -ENOMEM;
	while (text < end) {
		if (*text == '%') {
			int high = end - text > 2 ? hex_digit(text[1]) : -1;
			int low = end - text > 2 ? hex_digit(text[2]) : -1;

			if (high < 0 || low < 0 || high + low == 0) {
				free(decoded);
				return -EINVAL;
			}
			*at++ = (char)(high << 4 | low);
			text += 3;
		} else {
			*at++ = *text++;
		}
	}
	*at = '\0';
	*ret_decoded = decoded;
	return 0;
}

static int parse_port(const char *text, const char *end, unsigned int *ret_port)
{
	char digits[8];
	uint64_t port;
	size_t length = (size_t)(end - text);

	if (length == 0 || length >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, text, length);
	digits[length] = '\0';
	if (tool_parse_number(digits, 1, 65535, &port) < 0)
		return -EINVAL;
	*ret_port = (unsigned int)port;
	return 0;
}

/* [host[:port]] between @text and @end; nothing at all is fine */
static int parse_authority(struct tool_address *address, const char *text, const char *end,
			   const char **ret_reason)
{
	const char *host_end = text;

	if (text == end)
		return 0;
	if (*text == '[') {
		while (host_end < end && *host_end != ']')
			host_end++;
		if (host_end == end || host_end - text < 3) {
			*ret_reason = "the brackets around the host do not match";
			return -EINVAL;
		}
		host_end++;
	} else {
		while (host_end < end && *host_end != ':') {
			if (!isalnum((unsigned char)*host_end) && !strchr("-._~%", *host_end)) {
				*ret_reason = "the host has characters that hosts do not have";
				return -EINVAL;
			}
			host_end++;
		}
	}
	if (host_end == text) {
		*ret_reason = "there is a port but no host";
		return -EINVAL;
	}
	if (host_end < end &&
	    (*host_end != ':' || parse_port(host_end + 1, end, &address->port) < 0)) {
		*ret_reason = "the port is no number from 1 to 65535";
		return -EINVAL;
	}
	address->host = strndup(text, (size_t)(host_end - text));
	return address->host ? 0 : -ENOMEM;
}

static int add_id(struct tool_address *address, const char *text, size_t length)
{
	char **grown = reallocarray(address->ids, address->count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	address->ids = grown;
	grown[address->count] = strndup(text, length);
	if (!grown[address->count])
		return -ENOMEM;
	address->count++;
	return 0;
}

static int parse_query(struct tool_address *address, const char *query, const char **ret_reason)
{
	while (*query != '\0') {
		size_t length = strcspn(query, "&");
		int result;

		if (length < 3 || strncmp(query, "id=", 3) != 0) {
			*ret_reason = "after the question mark only id=FLOW may stand, joined by &";
			return -EINVAL;
		}
		/* in an address an id stands bare: 36 characters, no braces, nothing encoded */
		if (length != 3 + 36) {
			*ret_reason = "an id has 36 characters, "
				      "such as 5fbec3b1-1b0f-417d-9059-8b94a47197ed";
			return -EINVAL;
		}
		result = add_id(address, query + 3, length - 3);
		if (result < 0)
			return result;
		if (!tool_is_uuid(address->ids[address->count - 1], NULL)) {
			*ret_reason = "an id is no UUID";
			return -EINVAL;
		}
		query += length;
		if (*query == '&' && *++query == '\0') {
			*ret_reason = "it ends in &";
			return -EINVAL;
		}
	}
	return 0;
}

static int parse(struct tool_address *address, const char *text, const char **ret_reason)
{
	const char *path, *end;
	int result;

	if (strncasecmp(text, "mxl://", 6) != 0) {
		*ret_reason = "it does not begin with mxl://";
		return -EINVAL;
	}
	if (strchr(text, '#')) {
		*ret_reason = "it has a fragment (#)";
		return -EINVAL;
	}
	text += 6;
	path = text + strcspn(text, "/?");
	result = parse_authority(address, text, path, ret_reason);
	if (result < 0)
		return result;
	end = path + strcspn(path, "?");
	if (end - path < 2) {
		*ret_reason = "the path of the domain is missing, as in mxl:///dev/shm/domain";
		return -EINVAL;
	}
	result = percent_decode(path, end, &address->domain);
	if (result < 0) {
		*ret_reason = "a percent sign wants two hexadecimal digits, not both 0";
		return result;
	}
	return *end == '?' ? parse_query(address, end + 1, ret_reason) : 0;
}

int tool_address_parse(const char *text, struct tool_address *ret_address, const char **ret_reason)
{
	struct tool_address address = { 0 };
	int result;

	*ret_reason = "there is no memory";
	result = parse(&address, text, ret_reason);
	if (result < 0) {
		tool_address_free(&address);
		return result;
	}
	*ret_address = address;
	return 0;
}

void tool_address_free(struct tool_address *address)
{
	size_t i;

	for (i = 0; i < address->count; i++)
		free(address->ids[i]);
	free(address->ids);
	free(address->host);
	free(address->domain);
	*address = (struct tool_address){ 0 };
}

char *tool_address_format(const char *domain)
{
	char *absolute = realpath(domain, NULL);
	const char *at = absolute ? absolute : domain;
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	if (!stream) {
		free(absolute);
		return NULL;
	}
	fputs(*at == '/' ? "mxl://" : "mxl:///", stream);
	for (; *at != '\0'; at++) {
		if (isalnum((unsigned char)*at) || strchr("/-._~!$'()*+,;=:@", *at))
			fputc(*at, stream);
		else
			fprintf(stream, "%%%02X", (unsigned char)*at);
	}
	free(absolute);
	if (fclose(stream) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
