/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mxl-info: what is in a domain.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mxl/mxl.h>

#include "info_options.h"
#include "info_print.h"
#include "info_watch.h"
#include "tool_args.h"
#include "tool_domain.h"
#include "tool_msg.h"
#include "tool_signal.h"

static int list_ids(const char *domain, char (**ret_ids)[37], size_t *ret_count)
{
	int result = tool_domain_list(domain, ret_ids, ret_count);

	if (result < 0)
		tool_error("cannot read the domain: %s", strerror(-result));
	return result;
}

static bool is_among(char (*ids)[37], size_t count, const char *id)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (strcmp(ids[i], id) == 0)
			return true;
	}
	return false;
}

/* The library does not tell what it deleted; compare the domain before and after. */
static int collect_garbage(mxlInstance instance, const struct info_options *options)
{
	const char *domain = options->target.domain;
	size_t before_count = 0, after_count = 0, removed = 0, i;
	char(*before)[37] = NULL, (*after)[37] = NULL;
	mxlStatus status;
	int result;

	result = list_ids(domain, &before, &before_count);
	if (result < 0)
		return result;
	status = mxlGarbageCollectFlows(instance);
	if (status != MXL_STATUS_OK) {
		tool_error("cannot collect garbage: %s", tool_status_text(status));
		result = -EIO;
	}
	if (list_ids(domain, &after, &after_count) < 0)
		result = -EIO;
	for (i = 0; i < before_count && result == 0; i++) {
		if (!is_among(after, after_count, before[i]))
			memcpy(before[removed++], before[i], sizeof(*before));
	}
	if (result == 0 && options->json) {
		info_json_removed(before, removed);
	} else if (result == 0) {
		for (i = 0; i < removed; i++)
			printf("removed flow %s\n", before[i]);
		printf("%zu %s removed\n", removed, removed == 1 ? "flow" : "flows");
	}
	free(before);
	free(after);
	return result;
}

/* Open and look at flows. Those that have gone are left out if @lenient, else they are errors. */
static int gather(mxlInstance instance, const struct info_options *options, char (*ids)[37],
		  size_t *count, bool lenient, struct info_flow *flows)
{
	const char *domain = options->target.domain;
	size_t found = 0, i;
	int result = 0;

	for (i = 0; i < *count; i++) {
		struct info_flow *flow = &flows[found];
		/* a list for people needs the definitions only, which is much less work */
		bool with_reader = !lenient || options->json;
		int opened = info_flow_open(instance, domain, ids[i], with_reader, flow);

		if (opened != -ENOENT && info_flow_look(instance, domain, flow) < 0)
			opened = -ENOENT;
		if (opened != -ENOENT) {
			found++;
		} else {
			info_flow_close(instance, flow);
		}
		if (opened == 0 || lenient)
			continue;
		result = opened;
		if (opened == -ENOENT)
			tool_error("there is no flow %s in %s", ids[i], domain);
		else
			tool_error("flow %s: %s", ids[i], flow->problem);
	}
	*count = found;
	return result;
}

static void print_flows(const struct info_options *options, const struct info_domain *domain,
			struct info_flow *flows, size_t count, bool listing)
{
	size_t i;

	if (options->json) {
		info_json(stdout, domain, flows, count, true);
	} else if (listing) {
		info_text_domain(domain);
		info_text_list(domain, flows, count);
	} else {
		info_text_domain(domain);
		for (i = 0; i < count; i++)
			info_text_flow(domain, &flows[i]);
	}
}

static int show(mxlInstance instance, const struct info_options *options,
		const struct info_domain *domain)
{
	bool listing = options->list || options->target.count == 0;
	char(*ids)[37] = options->target.ids;
	size_t count = options->target.count, i;
	struct info_flow *flows;
	int result;

	if (listing) {
		ids = NULL;
		result = list_ids(domain->path, &ids, &count);
		if (result < 0)
			return result;
	}
	flows = calloc(count + 1, sizeof(*flows));
	if (!flows) {
		tool_error("there is no memory for %zu flows", count);
		result = -ENOMEM;
	} else {
		result = gather(instance, options, ids, &count, listing, flows);
		info_flow_mark_conflicts(flows, count);
		print_flows(options, domain, flows, count, listing);
		for (i = 0; i < count; i++)
			info_flow_close(instance, &flows[i]);
	}
	free(flows);
	if (listing)
		free(ids);
	return result;
}

static void find_domain(const char *path, struct info_domain *domain)
{
	int result;

	*domain = (struct info_domain){ .path = path };
	mxlIsTmpFs(path, &domain->tmpfs);
	result = tool_domain_definition(path, &domain->definition);
	if (result == -EFBIG)
		domain->definition_problem = "(larger than 1 MiB)";
	else if (result < 0 && result != -ENOENT)
		domain->definition_problem = strerror(-result);
	if (result == 0) {
		cJSON *json = cJSON_ParseWithOpts(domain->definition, NULL, true);

		if (!cJSON_IsObject(json))
			domain->definition_problem = "(no JSON object)";
		cJSON_Delete(json);
	}
}

static int run(const struct info_options *options)
{
	struct info_domain domain;
	mxlInstance instance;
	int result = 0;

	result = tool_domain_check(options->target.domain);
	if (result < 0)
		return result;
	instance = mxlCreateInstance(options->target.domain, "");
	if (!instance) {
		tool_error("the library refuses the domain, for the reason it logged");
		return -EIO;
	}
	find_domain(options->target.domain, &domain);
	if (options->collect)
		result = collect_garbage(instance, options);
	else if (options->watch)
		result = info_watch(instance, options, &domain);
	else
		result = show(instance, options, &domain);
	free(domain.definition);
	mxlDestroyInstance(instance);
	return result;
}

int main(int argc, char **argv)
{
	struct info_options options = { .interval = TOOL_NSEC_PER_SEC };
	int result, closed;

	tool_parse_args(&info_options_argp, argc, argv, &options);
	tool_catch_signals();
	result = run(&options);
	tool_target_free(&options.target);
	if (result == -EPIPE)
		return TOOL_SIGNAL + SIGPIPE;
	closed = tool_close_stdout();
	if (closed != TOOL_OK)
		return closed;
	/* a signal is how one ends a live view, and everything else is over before one comes */
	return result < 0 ? TOOL_FAILURE : TOOL_OK;
}
