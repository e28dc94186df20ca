/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writers and readers in processes of their own, each with the kind of library it is told to use.
 * What they do with a flow they are told line by line, so that a test decides who does what first.
 */
#ifndef MXL_KMODE_ROLES_H
#define MXL_KMODE_ROLES_H

#include "helpers.h"

/**
 * enum kind - how a process works with a flow
 * @KERNEL: this library in kernel mode
 * @POSIX: this library in posix mode
 * @OTHER: another library of the same API, which knows nothing of the module; see has_other()
 */
enum kind {
	KERNEL,
	POSIX,
	OTHER,
	KINDS
};

const char *kind_name(enum kind kind);
/* Whether the environment names another library, MXL_OTHER_LIB. */
bool has_other(void);
/* Skips a test that is about the other library where there is none. */
void need_other(void);
/* Those of all kinds that can be tested here. */
unsigned int kinds_here(void);

/* Skips unless the module is there. */
void need_module(void);

/**
 * struct peer - a writer or reader in a process of its own
 * @child: the process
 * @kind: how it works
 * @pid: of the process that uses the flow, as this one sees it
 * @status: what its last call returned
 * @at: when it returned, CLOCK_MONOTONIC
 * @right: what was read was what had to be there
 * @value: what else there is to say, see tell()
 */
struct peer {
	struct child *child;
	enum kind kind;
	pid_t pid;
	mxlStatus status;
	uint64_t at;
	bool right;
	uint64_t value;
};

/* Runs a role of this program as @kind; see child_exec(). */
#define child_as(kind, ...) (become(kind), child_exec(__VA_ARGS__))
void become(enum kind kind);

/*
 * A writer of @def in @dir, which fails the test unless the flow could be opened and had to be
 * created or not as @created says. try_writer() leaves the result in @status.
 */
struct peer *start_writer(enum kind kind, const char *dir, const char *def, bool created);
struct peer *try_writer(enum kind kind, const char *dir, const char *def);
struct peer *start_reader(enum kind kind, const char *dir, const char *id);
struct peer *try_reader(enum kind kind, const char *dir, const char *id);
/*
 * The same for a child that has these roles, but was started otherwise: introduced() expects it to
 * have become what @want says, "created", "opened" or "ready", tried() takes what it says.
 */
struct peer *peer_from(struct child *child, enum kind kind);
struct peer *introduced(struct peer *peer, const char *want);
struct peer *tried(struct peer *peer);

/*
 * Tell a peer what to do, and hear of it. What a writer can be told:
 *	grain I			write all of grain I
 *	slices I N		write up to slice N of grain I
 *	samples I N		write the N samples before I
 *	spin I MS		write from I on, as fast as it can; says how many
 *	pace N			write N grains, each at its time; says when it wrote the first
 *	lock MS			wait for the lock
 * and a reader, where -1 ms is for ever:
 *	grain I MS		wait for all of grain I
 *	slices I N MS		wait for N slices of grain I
 *	samples I N MS		wait for the N samples before I
 *	get I			all of grain I, without waiting
 *	chase I MS		read what is there while a writer spins from I on; says how much
 *	follow N		read N grains of a writer that paces; says the longest pause, in ns
 * and both:
 *	release
 */
void tell(struct peer *peer, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void hear(struct peer *peer);
/* Both, and expects @want, and what was read to be right. */
#define order(peer, want, ...)                               \
	do {                                                 \
		tell(peer, __VA_ARGS__);                     \
		hear_status(peer, want, __FILE__, __LINE__); \
	} while (0)
#define hear_ok(peer) hear_status(peer, MXL_STATUS_OK, __FILE__, __LINE__)
void hear_status(struct peer *peer, mxlStatus want, const char *file, int line);

/* Waits until it sleeps in a call of the library. */
void asleep(struct peer *peer);

/* How long after @event the @peer returned: 0 if it returned before. */
uint64_t delay_after(const struct peer *peer, uint64_t event);

void kill_peer(struct peer *peer);
void release_peer(struct peer *peer);

/* The roles, for the table of a test program. */
int role_writer(int argc, char **argv);
int role_reader(int argc, char **argv);
#define PEER_ROLES                    \
	{ "writer", role_writer },    \
	{                             \
		"reader", role_reader \
	}

/* Obeys as the roles above do, once the process is who and where it should be. */
int obey_writer(const char *dir, const char *def);
int obey_reader(const char *dir, const char *id);

#endif
