#include "aggregate/project_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/mem.h"
#include "common/utf8.h"

enum {
	DEPTH_MAX = 16,
	NAME_MAX_BYTES = 63, /* of an identifier in PostgreSQL */
	FILE_MAX_BYTES = 1048576,
	CHUNK_BYTES = 16384,
};

/* What is being listed. */
struct listing {
	struct arena *arena;
	struct project_file *file;
	size_t count, capacity;
	struct error *err;
};

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Byte order, whatever the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* The visible names of a folder, sorted; the caller frees them. */
static bool list_names(const char *folder, struct dirent ***name, int *count,
		       struct error *err)
{
	*count = scandir(folder, name, is_visible, by_name);
	if (*count >= 0)
		return true;
	return error_config(err, "cannot read the folder %s: %s", folder,
			    strerror(errno));
}

static void free_names(struct dirent **name, int count)
{
	while (count > 0)
		free(name[--count]);
	free(name);
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The same of an entry that has been read: mostly it says so itself. */
static bool is_folder_entry(const char *path, const struct dirent *entry)
{
	if (entry->d_type == DT_UNKNOWN || entry->d_type == DT_LNK)
		return is_folder(path);
	return entry->d_type == DT_DIR;
}

static bool is_name(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");

	return len > 0 && name[len] == '\0' && !strchr("0123456789", name[0]);
}

static bool check_name(const char *path, const char *pack, const char *base,
		       struct error *err)
{
	size_t len = strlen(pack) + strlen("__") + strlen(base);

	if (!is_name(base))
		return error_config(err,
				    "%s: \"%s\" is no name for a relation: use "
				    "small letters, digits and _, and begin "
				    "with a letter",
				    path, base);
	if (len > NAME_MAX_BYTES)
		return error_config(err,
				    "%s: the names of pack and file are %zu "
				    "letters too long for PostgreSQL",
				    path, len - NAME_MAX_BYTES);
	return true;
}

static bool check_pack(const char *path, const char *pack, struct error *err)
{
	static const char *const taken[] = {"staging", "millrace",
					    "millrace_old", "public",
					    "information_schema"};
	bool is_taken = strncmp(pack, "pg_", 3) == 0;

	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
		is_taken = is_taken || strcmp(pack, taken[i]) == 0;
	if (is_taken)
		return error_config(err,
				    "%s: the schema \"%s\" has another use: "
				    "give the pack another name",
				    path, pack);
	if (!is_name(pack) || strstr(pack, "__"))
		return error_config(err,
				    "%s: \"%s\" is no name for a pack: use "
				    "small letters, digits and single _, and "
				    "begin with a letter",
				    path, pack);
	return true;
}

/* The folders of a pack. */
static const struct {
	const char *name;
	enum relation_kind kind;
} folders[] = {
	{"streams", RELATION_STREAM}, {"sources", RELATION_SOURCE},
	{"models", RELATION_MODEL},   {"snapshots", RELATION_MODEL},
	{"seeds", RELATION_SEED},
};

static bool add_file(struct listing *list, const char *path, const char *name,
		     const char *pack, enum relation_kind kind)
{
	const char *suffix = kind == RELATION_SEED ? ".csv" : ".sql";
	size_t len = strlen(name), ending = strlen(suffix);
	struct project_file file = {.kind = kind, .pack = pack, .path = path};

	if (len <= ending || strcmp(name + len - ending, suffix) != 0)
		return true; /* a README, an editor's backup */
	file.base = arena_strndup(list->arena, name, len - ending);
	if (!check_name(path, pack, file.base, list->err))
		return false;
	MEM_GROW(list->file, list->count, list->capacity);
	list->file[list->count++] = file;
	return true;
}

static bool list_files(struct listing *list, const char *folder,
		       const char *pack, enum relation_kind kind, int depth)
{
	struct dirent **name;
	bool ok = true;
	int count;

	if (depth > DEPTH_MAX)
		return error_config(list->err,
				    "%s: folders nest deeper than %d levels",
				    folder, DEPTH_MAX);
	if (!list_names(folder, &name, &count, list->err))
		return false;
	for (int i = 0; ok && i < count; i++) {
		const char *path = arena_format(list->arena, "%s/%s", folder,
						name[i]->d_name);

		if (!is_folder_entry(path, name[i]))
			ok = add_file(list, path, name[i]->d_name, pack, kind);
		else if (kind == RELATION_MODEL)
			ok = list_files(list, path, pack, kind, depth + 1);
	}
	free_names(name, count);
	return ok;
}

/* A folder with none of these is no pack. */
static bool list_pack(struct listing *list, const char *path, const char *pack)
{
	bool is_checked = false;

	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		const char *folder = arena_format(list->arena, "%s/%s", path,
						  folders[i].name);

		errno = 0;
		if (!is_folder(folder)) {
			/* a pack that may not be looked at is not left out */
			if (errno == EACCES && is_name(pack))
				return error_config(
					list->err,
					"cannot read the folder %s: %s", path,
					strerror(errno));
			continue;
		}
		if (!is_checked && !check_pack(path, pack, list->err))
			return false;
		is_checked = true;
		if (!list_files(list, folder, pack, folders[i].kind, 1))
			return false;
	}
	return true;
}

bool project_files_list(const char *folder, struct arena *arena,
			struct project_file **out, size_t *count,
			struct error *err)
{
	struct listing list = {.arena = arena, .err = err};
	struct dirent **name;
	bool ok = true;
	int n;

	if (!list_names(folder, &name, &n, err))
		return false;
	for (int i = 0; ok && i < n; i++) {
		const char *pack = arena_strdup(arena, name[i]->d_name);
		const char *path = arena_format(arena, "%s/%s", folder, pack);

		ok = list_pack(&list, path, pack);
	}
	free_names(name, n);
	if (ok && !list.file)
		ok = error_config(err,
				  "%s holds no pack: a pack is a folder with "
				  "streams, sources, models or seeds in it",
				  folder);
	if (ok && list.file) {
		*out = arena_alloc(arena, list.count * sizeof **out);
		memcpy(*out, list.file, list.count * sizeof **out);
		*count = list.count;
	}
	free(list.file);
	return ok;
}

static bool check_text(const char *path, const struct buf *text,
		       struct error *err)
{
	const char *flaw = utf8_flaw(buf_text(text), text->len);
	int line = 1;

	if (!flaw)
		return true;
	for (const char *at = buf_text(text); at < flaw; at++)
		line += *at == '\n';
	if (*flaw == '\0')
		return error_config(err, "%s:%d: holds a NUL byte", path, line);
	return error_config(err,
			    "%s:%d: is not UTF-8: convert the file, for "
			    "example with iconv",
			    path, line);
}

static bool read_all(int in, const char *path, struct buf *text,
		     struct error *err)
{
	char chunk[CHUNK_BYTES];
	ssize_t got;

	do {
		got = read(in, chunk, sizeof chunk);
		if (got < 0)
			return error_config(err, "cannot read %s: %s", path,
					    strerror(errno));
		buf_add(text, chunk, (size_t)got);
		if (text->len > FILE_MAX_BYTES)
			return error_config(err, "%s: is larger than 1 MB",
					    path);
	} while (got > 0);
	return true;
}

bool project_files_read(const char *path, char **out, struct error *err)
{
	struct buf text = BUF_INIT;
	int in = open(path, O_RDONLY | O_CLOEXEC);
	bool ok;

	if (in < 0)
		return error_config(err, "cannot read %s: %s", path,
				    strerror(errno));
	ok = read_all(in, path, &text, err);
	close(in);
	ok = ok && check_text(path, &text, err);
	if (ok)
		*out = mem_strdup(buf_text(&text) +
				  utf8_mark(buf_text(&text), text.len));
	buf_release(&text);
	return ok;
}
