/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the writer, the reader and the report of the demonstration share: the flows, the words
 * they exchange and the format of their logs.
 *
 * The reader decides when to start, because only it knows when it is ready: once attached it
 * sends the line "start TAI" through a FIFO, and "done" when it has everything. The FIFO also
 * tells the writer when the reader dies.
 */
#ifndef MXL_DEMO_H
#define MXL_DEMO_H

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include <mxl/flow.h>
#include <mxl/mxl.h>
#include <mxl/time.h>

#define DEMO_VIDEO_ID "6f1c2b4e-5d7a-4b0e-9c41-2a8e35d0f001"
#define DEMO_AUDIO_ID "6f1c2b4e-5d7a-4b0e-9c41-2a8e35d0f002"
#define DEMO_AUDIO_RATE 48000
#define DEMO_AUDIO_CHANNELS 2

#define DEMO_NS_PER_S UINT64_C(1000000000)

/**
 * struct demo_plan - what is exchanged, the same for both programs
 * @domain: directory of the domain
 * @width: of a frame in pixels
 * @height: of a frame in lines
 * @rate: frames per second
 * @frames: how many frames to exchange
 */
struct demo_plan {
	const char *domain;
	unsigned int width;
	unsigned int height;
	mxlRational rate;
	unsigned int frames;
};

/**
 * struct demo_digest - digest of one piece of a flow, and of everything up to it
 * @piece: state for the piece at hand
 * @total: state over all pieces in order
 */
struct demo_digest {
	XXH3_state_t *piece;
	XXH3_state_t *total;
};

/* One line of a log is: kind, index, time in TAI ns, digest. Kind is 'v' or 'a'. */
struct demo_record {
	uint64_t index;
	uint64_t time;
	uint64_t digest;
};

extern volatile sig_atomic_t demo_stop;

void demo_die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void demo_catch_signals(void);
const char *demo_status(mxlStatus status);
const char *demo_backend(void);
bool demo_parse_size(const char *text, unsigned int *width, unsigned int *height);
bool demo_parse_rate(const char *text, mxlRational *rate);

static inline size_t demo_line_bytes(unsigned int width)
{
	return (size_t)(width + 47) / 48 * 128;
}

/* Index of the first sample that is not yet due when frame @frame is due. */
static inline uint64_t demo_samples_until(const mxlRational *rate, uint64_t frame)
{
	const mxlRational audio = { DEMO_AUDIO_RATE, 1 };

	return mxlTimestampToIndex(&audio, mxlIndexToTimestamp(rate, frame));
}

void demo_digest_init(struct demo_digest *digest);
void demo_digest_add(struct demo_digest *digest, const void *data, size_t size);
uint64_t demo_digest_piece(struct demo_digest *digest);
void demo_digest_text(struct demo_digest *digest, char text[33]);
void demo_digest_free(struct demo_digest *digest);

#endif
