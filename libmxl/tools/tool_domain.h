/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of a domain tell and the C API does not: which flows there are, who writes them.
 */
#ifndef MXL_TOOL_DOMAIN_H
#define MXL_TOOL_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/**
 * tool_domain_check() - say what is wrong with a domain's directory, if anything is
 * @domain: directory, NULL when the user named none
 *
 * Return: 0, or a negative value after a message.
 */
int tool_domain_check(const char *domain);

/**
 * tool_domain_list() - the ids of all flows of a domain, in order
 * @domain: directory
 * @ret_ids: array to free()
 * @ret_count: its length
 *
 * Return: 0 or -errno.
 */
int tool_domain_list(const char *domain, char (**ret_ids)[37], size_t *ret_count);

/**
 * tool_domain_path() - path of a file of a flow, or of the flow's directory
 * @domain: directory
 * @id: flow, in lower case
 * @file: name inside the flow's directory, NULL for the directory
 *
 * Return: a string to free(), or NULL when there is no memory.
 */
char *tool_domain_path(const char *domain, const char *id, const char *file);

/**
 * struct tool_process - a process
 * @pid: as this process's pid namespace sees it
 * @name: of its main thread, "?" when it cannot be found out
 */
struct tool_process {
	pid_t pid;
	char name[32];
};

/**
 * tool_domain_writers() - who holds the lock that writers of a flow hold
 * @domain: directory
 * @id: flow, in lower case
 * @writers: room for @room of them
 * @room: so many
 *
 * Processes of other pid namespaces are not seen.
 *
 * Return: number of writers, may be more than @room; 0 too when nothing can be found out.
 */
size_t tool_domain_writers(const char *domain, const char *id, struct tool_process *writers,
			   size_t room);

/**
 * tool_domain_definition() - the definition of a domain, domain_def.json
 * @domain: directory
 * @ret_text: content, to free()
 *
 * Return: 0; -ENOENT when there is none; -errno.
 */
int tool_domain_definition(const char *domain, char **ret_text);

#endif /* MXL_TOOL_DOMAIN_H */
