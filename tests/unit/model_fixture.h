/*
 * model_fixture.h - a model from its text, or a failed test
 */
#ifndef TESTS_UNIT_MODEL_FIXTURE_H
#define TESTS_UNIT_MODEL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "aggregate/model.h"

static inline struct model *parse(const char *text)
{
	struct error err = ERROR_INIT;
	struct model *model = NULL;

	if (!model_parse(&model, "model.sql", "shop", "daily", text, &err))
		fail_msg("%s", err.text);
	return model;
}

#endif
