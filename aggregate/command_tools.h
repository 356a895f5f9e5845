/*
 * command_tools.h - the commands that look, and change nothing in the marts
 *
 * plan, ls, compile, doctor, init: rows of the table in commands.c.
 */
#ifndef AGGREGATE_COMMAND_TOOLS_H
#define AGGREGATE_COMMAND_TOOLS_H

#include <stdbool.h>

#include "aggregate/options.h"
#include "aggregate/run.h"

bool command_plan(const struct options *options, struct run *run,
		  struct error *err) MUST_CHECK;
bool command_ls(const struct options *options, struct run *run,
		struct error *err) MUST_CHECK;
bool command_compile(const struct options *options, struct run *run,
		     struct error *err) MUST_CHECK;
bool command_doctor(const struct options *options, struct run *run,
		    struct error *err) MUST_CHECK;
bool command_init(const struct options *options, struct run *run,
		  struct error *err) MUST_CHECK;

#endif
