/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How mxl-info shows things.
 */
#ifndef MXL_INFO_PRINT_H
#define MXL_INFO_PRINT_H

#include <stdio.h>

#include "info_flow.h"

/**
 * struct info_domain - a domain
 * @path: directory
 * @tmpfs: it lies in memory
 * @definition: text of domain_def.json, NULL if there is none
 * @definition_problem: why that text cannot be used, NULL if it can
 */
struct info_domain {
	const char *path;
	bool tmpfs;
	char *definition;
	const char *definition_problem;
};

/** info_use_color() - whether stdout is a terminal on which colours are welcome */
bool info_use_color(void);

/**
 * info_text_domain() - print what is known about a domain, for people
 * @domain: the domain
 */
void info_text_domain(const struct info_domain *domain);

/**
 * info_text_list() - print flows by group, for people
 * @domain: their domain
 * @flows: the flows, sorted by group in place
 * @count: how many
 */
void info_text_list(const struct info_domain *domain, struct info_flow *flows, size_t count);

/**
 * info_text_flow() - print everything about one flow, for people
 * @domain: its domain
 * @flow: after info_flow_look()
 */
void info_text_flow(const struct info_domain *domain, const struct info_flow *flow);

/**
 * info_json() - print everything about a domain and flows as one JSON object in one line
 * @stream: where to
 * @domain: the domain
 * @flows: the flows
 * @count: how many
 * @pretty: over several lines instead
 */
void info_json(FILE *stream, const struct info_domain *domain, const struct info_flow *flows,
	       size_t count, bool pretty);

/**
 * info_json_removed() - print the ids of flows that garbage collection removed, as JSON
 * @ids: the ids
 * @count: how many
 */
void info_json_removed(char (*ids)[37], size_t count);

#endif /* MXL_INFO_PRINT_H */
