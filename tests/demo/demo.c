// SPDX-License-Identifier: Apache-2.0
/* What the writer, the reader and the report of the demonstration have in common. */
#include <stdarg.h>

#include "demo.h"

volatile sig_atomic_t demo_stop;

void demo_die(const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static void on_signal(int number)
{
	demo_stop = number;
}

/* Without SA_RESTART, so that a sleep or a poll ends at once. */
void demo_catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, NULL);
}

const char *demo_status(mxlStatus status)
{
	switch (status) {
	case MXL_STATUS_OK:
		return "ok";
	case MXL_ERR_FLOW_NOT_FOUND:
		return "no such flow";
	case MXL_ERR_OUT_OF_RANGE_TOO_LATE:
		return "too late, the writer has overwritten it";
	case MXL_ERR_OUT_OF_RANGE_TOO_EARLY:
		return "nothing arrived in time";
	case MXL_ERR_INVALID_ARG:
		return "invalid argument";
	case MXL_ERR_CONFLICT:
		return "another writer has the flow";
	case MXL_ERR_PERMISSION_DENIED:
		return "permission denied";
	case MXL_ERR_FLOW_INVALID:
		return "the flow was deleted";
	default:
		return "unexpected error (MXL_LOG_LEVEL=debug tells more)";
	}
}

/* What "auto" becomes depends on the device alone, so this needs no open flow. */
const char *demo_backend(void)
{
	const char *wanted = getenv("MXL_BACKEND");

	if (wanted && *wanted && strcmp(wanted, "auto") != 0)
		return wanted;
	return access("/dev/mxl", R_OK | W_OK) ? "posix" : "kernel";
}

bool demo_parse_size(const char *text, unsigned int *width, unsigned int *height)
{
	char rest;

	return sscanf(text, "%5ux%5u%c", width, height, &rest) == 2 && *width && *height;
}

bool demo_parse_rate(const char *text, mxlRational *rate)
{
	long long num, den = 1;
	char rest;
	int n = sscanf(text, "%9lld/%9lld%c", &num, &den, &rest);

	if ((n != 2 && (n != 1 || strchr(text, '/'))) || num <= 0 || den <= 0)
		return false;
	rate->numerator = num;
	rate->denominator = den;
	return true;
}

void demo_digest_init(struct demo_digest *digest)
{
	digest->piece = XXH3_createState();
	digest->total = XXH3_createState();
	if (!digest->piece || !digest->total)
		demo_die("out of memory");
	XXH3_64bits_reset(digest->piece);
	XXH3_128bits_reset(digest->total);
}

void demo_digest_add(struct demo_digest *digest, const void *data, size_t size)
{
	XXH3_64bits_update(digest->piece, data, size);
}

/*
 * Ends the piece. The total is taken over the digests of the pieces, which costs half of hashing
 * every byte twice and differs as surely when a piece is changed, lost or out of order.
 */
uint64_t demo_digest_piece(struct demo_digest *digest)
{
	uint64_t value = XXH3_64bits_digest(digest->piece);

	XXH3_128bits_update(digest->total, &value, sizeof(value));
	XXH3_64bits_reset(digest->piece);
	return value;
}

void demo_digest_text(struct demo_digest *digest, char text[33])
{
	XXH128_hash_t value = XXH3_128bits_digest(digest->total);

	snprintf(text, 33, "%016" PRIx64 "%016" PRIx64, (uint64_t)value.high64,
		 (uint64_t)value.low64);
}

void demo_digest_free(struct demo_digest *digest)
{
	XXH3_freeState(digest->piece);
	XXH3_freeState(digest->total);
}
