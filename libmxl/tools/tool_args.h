/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arguments: numbers and times as users type them, and what all tools take the same way, the
 * domain and the flows.
 */
#ifndef MXL_TOOL_ARGS_H
#define MXL_TOOL_ARGS_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOOL_NSEC_PER_SEC UINT64_C(1000000000)

/**
 * tool_parse_number() - read a whole number, all of @text and nothing else
 * @text: decimal digits
 * @min: smallest value accepted
 * @max: largest value accepted
 * @ret_value: the number
 *
 * Return: 0, -EINVAL when it is no number, -ERANGE when it is outside the limits.
 */
int tool_parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value);

/**
 * tool_parse_seconds() - read a time in seconds, fractions down to a nanosecond allowed
 * @text: "2", "0.5"
 * @ret_ns: nanoseconds
 *
 * Return: 0, -EINVAL when it is no time, -ERANGE above one year.
 */
int tool_parse_seconds(const char *text, uint64_t *ret_ns);

/**
 * tool_arg_number() - tool_parse_number() inside an argp parser: ends the program on bad input
 * @state: of the parser
 * @option: how the user calls the option, for the message
 * @text: what the user gave
 * @min: smallest value accepted
 * @max: largest value accepted
 */
uint64_t tool_arg_number(struct argp_state *state, const char *option, const char *text,
			 uint64_t min, uint64_t max);

/**
 * tool_arg_seconds() - tool_parse_seconds() inside an argp parser: ends the program on bad input
 * @state: of the parser
 * @option: how the user calls the option, for the message
 * @text: what the user gave
 */
uint64_t tool_arg_seconds(struct argp_state *state, const char *option, const char *text);

/**
 * tool_is_uuid() - whether the library would take a text as the id of a flow
 * @text: hexadecimal digits with dashes, braces around them allowed
 * @ret_canonical: room for the lower case form without braces, 37 bytes; or NULL
 */
bool tool_is_uuid(const char *text, char *ret_canonical);

/**
 * struct tool_target - the domain and the flows the user named
 * @domain: directory, NULL as long as none was named
 * @ids: ids in lower case without braces, each once, in the order given
 * @count: number of @ids
 */
struct tool_target {
	char *domain;
	char (*ids)[37];
	size_t count;
};

/**
 * tool_target_argp - -d/--domain and -f/--flow as an argp child; its input is a
 * struct tool_target, to be handed down in ARGP_KEY_INIT
 */
extern const struct argp tool_target_argp;

/**
 * tool_target_is_address() - whether an argument is an address rather than a file
 * @text: the argument
 */
bool tool_target_is_address(const char *text);

/**
 * tool_target_add_address() - take domain and ids out of an address; ends the program on a bad one
 * @target: what to complete
 * @state: of the parser
 * @text: mxl://...
 */
void tool_target_add_address(struct tool_target *target, struct argp_state *state,
			     const char *text);

/**
 * tool_target_add_id() - add one id
 * @target: what to complete
 * @text: an id that tool_is_uuid() accepts; named twice it counts once
 *
 * Return: 0, -EINVAL, -ENOMEM.
 */
int tool_target_add_id(struct tool_target *target, const char *text);

/** tool_target_free() - release what a target holds */
void tool_target_free(struct tool_target *target);

/**
 * tool_parse_args() - argp_parse() with the exit codes and the --version all tools share
 * @argp: parser of the tool
 * @argc: from main()
 * @argv: from main()
 * @input: for the parser
 */
void tool_parse_args(const struct argp *argp, int argc, char **argv, void *input);

#endif /* MXL_TOOL_ARGS_H */
