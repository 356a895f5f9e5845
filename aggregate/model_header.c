#include "aggregate/model_header.h"

#include <string.h>

#include "aggregate/model_tests.h"
#include "common/nearest.h"

enum section {
	SECTION_NONE,
	SECTION_CONFIG,
	SECTION_DESCRIPTION,
	SECTION_TESTS
};

static const char *const sections[] = {"config", "description", "tests"};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* What has been read of a header. */
struct header {
	struct model_at at;
	enum section section;
	struct model_config *config;
};

/* A line that is not indented: a section, or a comment. */
static bool read_section(struct header *h, const char *text)
{
	struct model *model = h->at.model;
	size_t len = model_key_length(text), i;
	const char *key = arena_strndup(&model->arena, text, len);
	const char *value = text + len + (len > 0);

	/* what is meant for an entry must not be lost */
	if (h->section != SECTION_NONE && strncmp(text, "- ", 2) == 0)
		return model_refuse(&h->at,
				    "\"%s\" is no entry: indent it by two "
				    "blanks or more behind the --",
				    text);
	h->section = SECTION_NONE;
	if (len == 0)
		return true;
	i = model_find(key, sections, COUNT(sections));
	if (i == SIZE_MAX && model_key_is_known(key))
		return model_refuse(&h->at,
				    "\"%s\" belongs below \"-- config:\", "
				    "indented by two blanks or more",
				    key);
	if (i == SIZE_MAX)
		return !nearest(key, sections, COUNT(sections)) ||
		       model_unknown(&h->at, "section", key, sections,
				     COUNT(sections));
	h->section = (enum section)(SECTION_CONFIG + i);
	value = model_trim(model, value, strlen(value));
	if (h->section == SECTION_DESCRIPTION)
		model->description = value;
	else if (*value != '\0' && *value != '#')
		return model_refuse(&h->at,
				    "\"%s:\" stands alone: its entries follow, "
				    "indented, one a line",
				    key);
	return true;
}

/* An indented line that belongs to nothing: prose, unless its section is
 * misspelt. */
static bool read_stray(struct header *h, const char *text)
{
	if (strncmp(text, "materialized:", 13) != 0 &&
	    strncmp(text, "strategy:", 9) != 0)
		return true;
	return model_refuse(&h->at,
			    "\"%s\" belongs to no section: the line above "
			    "its entries is \"-- config:\"",
			    text);
}

static bool read_line(struct header *h, const char *line, size_t len)
{
	struct model *model = h->at.model;
	size_t indent = 0;
	const char *text;

	while (indent < len && strchr(" \t", line[indent]))
		indent++;
	text = model_trim(model, line + indent, len - indent);
	if (*text == '\0')
		return true;
	if (indent <= 1)
		return read_section(h, text);
	switch (h->section) {
	case SECTION_CONFIG:
		return model_config_read(&h->at, h->config, text);
	case SECTION_DESCRIPTION:
		model->description = arena_format(
			&model->arena, "%s%s%s", model->description,
			*model->description ? " " : "", text);
		return true;
	case SECTION_TESTS:
		return model_tests_entry(&h->at, text);
	default:
		return read_stray(h, text);
	}
}

/* Behind a comment of the other kind, or inside of the query, nobody would
 * read it. */
static bool check_body(struct header *h, const char *p)
{
	static const char *const lines[] = {"-- config:", "-- tests:"};

	for (; *p; h->at.line++) {
		const char *begin = p + strspn(p, " \t");
		size_t len = strcspn(begin, "\n");
		const char *text = "";

		if (strncmp(begin, "--", 2) == 0)
			text = model_trim(h->at.model, begin, len);
		if (model_find(text, lines, COUNT(lines)) != SIZE_MAX)
			return model_refuse(&h->at,
					    "\"%s\" stands too late: only "
					    "comments with -- come before it",
					    text);
		p = begin + len + (begin[len] == '\n');
	}
	return true;
}

bool model_header_read(struct model *model, struct model_config *config,
		       struct error *err)
{
	struct header h = {.at = {.model = model, .line = 1, .err = err},
			   .config = config};
	const char *p = model->text;

	for (;;) {
		size_t blank = strspn(p, " \t\r");
		size_t len = strcspn(p, "\n");

		if (blank < len && strncmp(p + blank, "--", 2) != 0)
			break;
		if (blank < len &&
		    !read_line(&h, p + blank + 2, len - blank - 2))
			return false;
		if (p[len] == '\0') {
			p += len;
			break;
		}
		p += len + 1;
		h.at.line++;
	}
	model->sql = p;
	model->sql_line = h.at.line;
	return check_body(&h, p);
}
