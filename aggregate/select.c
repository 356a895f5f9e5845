#include "aggregate/select.h"

#include <fnmatch.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/model_value.h"
#include "common/mem.h"
#include "common/nearest.h"

enum method {
	METHOD_NAME,
	METHOD_TAG,
	METHOD_PACK,
	METHOD_PATH,
	METHOD_SOURCE,
	METHOD_RESULT,
	METHOD_STATE
};

static const char *const methods[] = {"",       "tag",    "pack", "path",
				      "source", "result", "state"};

enum { METHOD_COUNT = sizeof methods / sizeof *methods };

/* `2+tag:daily+`, taken apart. */
struct atom {
	enum method method;
	char *value;
	bool is_up, is_down;
	size_t up, down; /* steps; SIZE_MAX: any */
};

static const struct {
	const char *word;
	enum method method;
	unsigned fact;
} facts_known[] = {
	{"success", METHOD_RESULT, FACT_SUCCESS},
	{"error", METHOD_RESULT, FACT_ERROR},
	{"fail", METHOD_RESULT, FACT_FAIL},
	{"warn", METHOD_RESULT, FACT_WARN},
	{"skipped", METHOD_RESULT, FACT_SKIPPED},
	{"new", METHOD_STATE, FACT_NEW},
	{"modified", METHOD_STATE, FACT_MODIFIED},
};

enum { FACT_COUNT = sizeof facts_known / sizeof *facts_known };

/* What a selection is made from. */
struct selecting {
	const struct project *project;
	const unsigned *facts; /* by number of the relation; NULL: unknown */
};

/* Candidates for "did you mean". */
struct words {
	const char **word;
	size_t count, capacity;
};

static const char *base_name(const struct relation *relation)
{
	return strchr(relation->name, '.') + 1;
}

static bool matches(const char *pattern, const char *text)
{
	return fnmatch(pattern, text, 0) == 0;
}

static const char *without_dot(const char *path)
{
	return strncmp(path, "./", 2) == 0 ? path + 2 : path;
}

/* Whether file is path, or lies below it. */
static bool begins_with(const char *file, const char *path)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	return strncmp(file, path, len) == 0 &&
	       (file[len] == '\0' || file[len] == '/');
}

/* The same, where path may begin as file does, with the name of the project's
 * folder (sql, wherever that is), or inside of it. */
static bool is_below(const struct project *project, const char *path,
		     const char *file)
{
	const char *folder = project->folder;
	const char *slash = strrchr(folder, '/');
	size_t name = slash ? (size_t)(slash + 1 - folder) : 0;
	size_t len = strlen(folder);

	path = without_dot(path);
	if (begins_with(without_dot(file), path))
		return true;
	return begins_with(file, folder) && file[len] == '/' &&
	       (begins_with(file + name, path) ||
		begins_with(file + len + 1, path));
}

static bool has_tag(const struct relation *relation, const char *pattern)
{
	const struct model *model = relation->model;

	for (size_t i = 0; model && i < model->tag_count; i++)
		if (matches(pattern, model->tag[i]))
			return true;
	return false;
}

static unsigned find_fact(enum method method, const char *word)
{
	for (size_t i = 0; i < FACT_COUNT; i++)
		if (facts_known[i].method == method &&
		    strcmp(facts_known[i].word, word) == 0)
			return facts_known[i].fact;
	return 0;
}

unsigned select_result(const char *word)
{
	return find_fact(METHOD_RESULT, word);
}

/* Whether the pattern is the pack, or a folder of it with everything inside:
 * `bluesky`, `bluesky.marts`, `bluesky.marts.*` for bluesky/models/marts. */
static bool is_inside(const char *pattern, const struct relation *relation)
{
	const char *at = strstr(relation->file, "/models/");
	size_t pack = strlen(relation->pack);
	size_t len = strlen(pattern);

	if (relation_is_raw(relation) ||
	    strncmp(pattern, relation->pack, pack) != 0)
		return false;
	if (len == pack)
		return true;
	if (pattern[pack] != '.' || !at)
		return false;
	if (strcmp(pattern + len - 2, ".*") == 0)
		len -= 2;
	at += strlen("/models/");
	for (size_t i = pack + 1; i < len; i++, at++)
		if (*at != (pattern[i] == '.' ? '/' : pattern[i]))
			return false;
	return *at == '/';
}

static bool fits(const struct selecting *from, const struct atom *atom,
		 const struct relation *relation)
{
	const struct project *project = from->project;
	bool is_stream = relation_is_raw(relation);

	switch (atom->method) {
	case METHOD_TAG:
		return has_tag(relation, atom->value);
	case METHOD_PACK:
		return !is_stream && matches(atom->value, relation->pack);
	case METHOD_PATH:
		return is_below(project, atom->value, relation->file);
	case METHOD_SOURCE:
		return is_stream && (matches(atom->value, relation->name) ||
				     matches(atom->value, base_name(relation)));
	case METHOD_RESULT:
	case METHOD_STATE:
		return from->facts &&
		       (from->facts[relation - project->relation] &
			find_fact(atom->method, atom->value));
	default:
		return matches(atom->value, relation->name) ||
		       matches(atom->value, base_name(relation)) ||
		       is_inside(atom->value, relation);
	}
}

static void add_word(struct words *words, const char *word)
{
	MEM_GROW(words->word, words->count, words->capacity);
	words->word[words->count++] = word;
}

static void add_words(struct words *words, enum method method,
		      const struct relation *relation)
{
	const struct model *model = relation->model;

	switch (method) {
	case METHOD_TAG:
		for (size_t i = 0; model && i < model->tag_count; i++)
			add_word(words, model->tag[i]);
		break;
	case METHOD_PACK:
		add_word(words, relation->pack);
		break;
	case METHOD_PATH:
		add_word(words, relation->file);
		break;
	case METHOD_SOURCE:
		if (!relation_is_raw(relation))
			break;
		/* fallthrough */
	default:
		add_word(words, base_name(relation));
		add_word(words, relation->name);
		add_word(words, relation->pack);
	}
}

static bool asks_facts(const struct atom *atom)
{
	return atom->method == METHOD_RESULT || atom->method == METHOD_STATE;
}

static bool refuse(const struct project *project, const char *term,
		   const struct atom *atom, struct error *err)
{
	struct words words = {0};
	const char *meant;

	for (size_t i = 0; !asks_facts(atom) && i < project->relation_count;
	     i++)
		add_words(&words, atom->method, &project->relation[i]);
	for (size_t i = 0; i < FACT_COUNT; i++)
		if (facts_known[i].method == atom->method)
			add_word(&words, facts_known[i].word);
	meant = nearest(atom->value, words.word, words.count);
	if (meant)
		error_set(err, ERROR_FATAL, STATUS_USAGE,
			  "the selector \"%s\" names nothing: did you mean "
			  "\"%s%s%s\"?",
			  term, methods[atom->method],
			  atom->method == METHOD_NAME ? "" : ":", meant);
	else
		error_set(err, ERROR_FATAL, STATUS_USAGE,
			  "the selector \"%s\" names nothing in %s", term,
			  project->folder);
	free(words.word);
	return false;
}

/* Takes `+`, `2+` off the front of *value, or `+`, `+2` off its end. */
static void take_plus(char **value, struct atom *atom)
{
	char *at = *value + strspn(*value, "0123456789");
	size_t len;

	if (*at == '+') {
		atom->is_up = true;
		atom->up = at == *value ? SIZE_MAX : strtoul(*value, NULL, 10);
		*value = at + 1;
	}
	len = strlen(*value);
	while (len > 0 && strchr("0123456789", (*value)[len - 1]))
		len--;
	if (len > 0 && (*value)[len - 1] == '+') {
		atom->is_down = true;
		atom->down = (*value)[len] == '\0'
				     ? SIZE_MAX
				     : strtoul(*value + len, NULL, 10);
		(*value)[len - 1] = '\0';
	}
}

static bool read_atom(const char *term, char *value, struct atom *atom,
		      struct error *err)
{
	const char *meant;
	char *colon;
	size_t method;

	take_plus(&value, atom);
	atom->value = value;
	colon = strchr(value, ':');
	if (colon) {
		*colon = '\0';
		atom->value = colon + 1;
		method = model_find(value, methods + 1, METHOD_COUNT - 1);
		if (method == SIZE_MAX) {
			meant = nearest(value, methods + 1, METHOD_COUNT - 1);
			return error_set(
				err, ERROR_FATAL, STATUS_USAGE,
				"unknown selector \"%s:\" in \"%s\": %s%s%s",
				value, term, meant ? "did you mean \"" : "",
				meant ? meant
				      : "there are tag:, pack:, path:, "
					"source:, result: and state:",
				meant ? ":\"?" : "");
		}
		atom->method = (enum method)(method + 1);
	}
	if (*atom->value != '\0')
		return true;
	return error_set(err, ERROR_FATAL, STATUS_USAGE,
			 "the selector \"%s\" is incomplete", term);
}

/* Sets selected[i] for what the term, `2+a+`, names. */
static bool select_term(const struct selecting *from, const char *term,
			bool *selected, struct error *err)
{
	const struct project *project = from->project;
	struct atom atom = {.method = METHOD_NAME};
	char *copy = mem_strdup(term);
	bool found = false, ok;

	ok = read_atom(term, copy, &atom, err);
	for (size_t i = 0; ok && i < project->relation_count; i++) {
		if (!fits(from, &atom, &project->relation[i]))
			continue;
		found = selected[i] = true;
		if (atom.is_up)
			graph_reach(project->graph, i, GRAPH_UPSTREAM, atom.up,
				    selected);
		if (atom.is_down)
			graph_reach(project->graph, i, GRAPH_DOWNSTREAM,
				    atom.down, selected);
	}
	if (ok && asks_facts(&atom))
		found = find_fact(atom.method, atom.value) != 0;
	if (ok && !found)
		ok = refuse(project, term, &atom, err);
	free(copy);
	return ok;
}

/* Adds to selected what all terms of `a,b` name. */
static bool select_terms(const struct selecting *from, const char *terms,
			 size_t len, bool *selected, struct error *err)
{
	size_t count = from->project->relation_count;
	bool *both = mem_alloc(count * sizeof *both);
	bool *one = mem_alloc(count * sizeof *one);
	bool ok = true;

	memset(both, true, count * sizeof *both);
	for (size_t at = 0; ok && at <= len;) {
		size_t part = strcspn(terms + at, ", \t");
		char *term;

		if (part > len - at)
			part = len - at;
		term = mem_strndup(terms + at, part);
		memset(one, false, count * sizeof *one);
		ok = select_term(from, term, one, err);
		for (size_t i = 0; i < count; i++)
			both[i] = both[i] && one[i];
		free(term);
		at += part + 1;
	}
	for (size_t i = 0; ok && i < count; i++)
		selected[i] = selected[i] || both[i];
	free(one);
	free(both);
	return ok;
}

/* Adds to selected what any of the words of an argument names. */
static bool select_argument(const struct selecting *from, const char *argument,
			    bool *selected, struct error *err)
{
	const char *p = argument + strspn(argument, " \t");

	if (*p == '\0')
		return error_set(err, ERROR_FATAL, STATUS_USAGE,
				 "a selector is empty");
	while (*p != '\0') {
		size_t len = strcspn(p, " \t");

		if (!select_terms(from, p, len, selected, err))
			return false;
		p += len;
		p += strspn(p, " \t");
	}
	return true;
}

bool select_asks(const struct setting_list *select)
{
	for (size_t i = 0; i < select->count; i++)
		if (strstr(select->item[i], "result:") ||
		    strstr(select->item[i], "state:"))
			return true;
	return false;
}

bool select_relations(const struct project *project,
		      const struct setting_list *select,
		      const struct setting_list *exclude, const unsigned *facts,
		      bool *selected, struct error *err)
{
	const struct selecting from = {.project = project, .facts = facts};
	size_t count = project->relation_count;
	bool *excluded = mem_zalloc(count + 1, sizeof *excluded);
	bool ok = true;

	for (size_t i = 0; i < count; i++)
		selected[i] = select->count == 0 &&
			      !relation_is_raw(&project->relation[i]);
	for (size_t i = 0; ok && i < select->count; i++)
		ok = select_argument(&from, select->item[i], selected, err);
	for (size_t i = 0; ok && i < exclude->count; i++)
		ok = select_argument(&from, exclude->item[i], excluded, err);
	for (size_t i = 0; i < count; i++)
		selected[i] = selected[i] && !excluded[i];
	free(excluded);
	return ok;
}
