/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flow definitions (NMOS IS-04 flow resources): making one, and taking from one what is shown.
 */
#ifndef MXL_TOOL_FLOWDEF_H
#define MXL_TOOL_FLOWDEF_H

#include <cjson/cJSON.h>

#include "tool_spec.h"

/**
 * struct tool_identity - what a flow definition says besides the media format
 * @id: UUID text, NULL for a new random one
 * @label: NULL for one made of the format
 * @group: "name:role", NULL for one made of the label and the format
 */
struct tool_identity {
	const char *id;
	const char *label;
	const char *group;
};

/**
 * tool_flowdef_build() - make the definition of a flow
 * @spec: media format
 * @identity: whose flow it is
 * @ret_json: the definition, to free()
 *
 * Return: 0 or -ENOMEM.
 */
int tool_flowdef_build(const struct tool_spec *spec, const struct tool_identity *identity,
		       char **ret_json);

/**
 * tool_flowdef_load() - read a definition from a file
 * @path: the file
 * @identity: members that are not NULL replace what the file says
 * @ret_json: the definition, to free(); byte for byte the file if nothing is replaced
 *
 * Return: 0; -errno of reading; -EFBIG above 1 MiB; -EBADMSG when it is no JSON object.
 */
int tool_flowdef_load(const char *path, const struct tool_identity *identity, char **ret_json);

/**
 * struct tool_flowdef - a definition as read, leniently: what is missing or odd is ""
 * @json: the whole, NULL when it is no JSON object
 * @id: flow id
 * @label: label
 * @description: description
 * @media_type: media type
 * @interlace_mode: interlace mode
 * @group: name of the first group hint
 * @role: role in the first group hint, with the device or node part if it has one
 * @width: frame width, 0 when not given
 * @height: frame height, 0 when not given
 */
struct tool_flowdef {
	cJSON *json;
	const char *id;
	const char *label;
	const char *description;
	const char *media_type;
	const char *interlace_mode;
	char *group;
	char *role;
	unsigned int width;
	unsigned int height;
};

/**
 * tool_flowdef_parse() - look into a definition
 * @text: what claims to be one
 * @flowdef: filled in whatever @text is; to be given to tool_flowdef_free()
 */
void tool_flowdef_parse(const char *text, struct tool_flowdef *flowdef);

/** tool_flowdef_free() - release what tool_flowdef_parse() made */
void tool_flowdef_free(struct tool_flowdef *flowdef);

#endif /* MXL_TOOL_FLOWDEF_H */
