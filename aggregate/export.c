#include "aggregate/export.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/fault.h"
#include "common/pg.h"

/* The file being written: its directory, and names inside it. */
struct file {
	const char *path;
	int dir;
	int fd;
	const char *base;
	const char *part; /* .<base>.part */
	struct arena arena;
};

/* What to do about it, where that is known. */
static const char *remedy(int code)
{
	switch (code) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return "; the old file stays: make room, the next run writes "
		       "it";
	case EACCES:
	case EPERM:
	case EROFS:
		return "; let this user write there, or start periodic in "
		       "another folder";
	default:
		return "";
	}
}

static bool fail(struct error *err, const char *path, const char *what)
{
	int code = errno;

	return error_set(err, ERROR_FATAL, STATUS_CONFIG, "%s: %s: %s%s", path,
			 what, strerror(code), remedy(code));
}

bool export_check(const struct task *task, struct error *err)
{
	const char *path = task->model->export_path;
	const char *at = path;

	if (*path == '/')
		return error_config(err,
				    "%s: export %s: the path is relative to "
				    "the working directory",
				    task->model->file, path);
	for (size_t len; *at; at += len + (at[len] == '/')) {
		len = strcspn(at, "/");
		if (len == 0 || (len == 2 && !memcmp(at, "..", 2)) ||
		    (len == 1 && *at == '.'))
			return error_config(err,
					    "%s: export %s: the path may not "
					    "hold \".\", \"..\" or \"//\"",
					    task->model->file, path);
	}
	return at > path && at[-1] != '/' ? true
					  : error_config(err,
							 "%s: export needs a "
							 "file name",
							 task->model->file);
}

bool export_is_missing(const struct task *task)
{
	const char *path = task->model->export_path;
	struct stat st;

	if (!path)
		return false;
	if (lstat(path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR;
	return !S_ISREG(st.st_mode); /* what is in the way is told */
}

/* One step down, made if need be; symbolic links are not followed. */
static bool enter(struct file *file, const char *name, struct error *err)
{
	int next;

	if (mkdirat(file->dir, name, 0777) < 0 && errno != EEXIST)
		return fail(err, file->path, "creating its folder");
	next = openat(file->dir, name,
		      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (next < 0)
		return fail(err, file->path,
			    errno == ELOOP || errno == ENOTDIR
				    ? "a part of the path is not a folder "
				      "(symbolic links are not followed)"
				    : "opening its folder");
	close(file->dir);
	file->dir = next;
	return true;
}

static bool open_part(struct file *file, struct error *err)
{
	char *path = arena_strdup(&file->arena, file->path);
	struct stat st;
	char *slash;

	file->dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (file->dir < 0)
		return fail(err, file->path, "opening the working directory");
	for (; (slash = strchr(path, '/')); path = slash + 1) {
		*slash = '\0';
		if (!enter(file, path, err))
			return false;
	}
	file->base = path;
	file->part = arena_format(&file->arena, ".%s.part", path);
	if (!fstatat(file->dir, file->base, &st, AT_SYMLINK_NOFOLLOW) &&
	    !S_ISREG(st.st_mode))
		return error_config(err,
				    "%s: there is something that is not a "
				    "regular file",
				    file->path);
	unlinkat(file->dir, file->part, 0); /* of a run that was killed */
	file->fd = openat(file->dir, file->part,
			  O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			  0666);
	return file->fd >= 0 || fail(err, file->path, "creating it");
}

static bool take(void *arg, const char *bytes, size_t len, struct error *err)
{
	struct file *file = arg;

	while (len) {
		ssize_t written = write(file->fd, bytes, len);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return fail(err, file->path, "writing it");
		bytes += written;
		len -= (size_t)written;
	}
	return true;
}

/* Whether the file that is there holds what the part holds. */
static bool is_same(const struct file *file)
{
	int old = openat(file->dir, file->base,
			 O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	bool same = old >= 0;
	off_t at = 0;

	while (same) {
		char a[16384];
		char b[sizeof a];
		ssize_t got = pread(file->fd, a, sizeof a, at);

		same = got >= 0 && pread(old, b, sizeof b, at) == got &&
		       !memcmp(a, b, (size_t)got);
		if (got <= 0)
			break;
		at += got;
	}
	if (old >= 0)
		close(old);
	return same;
}

static bool publish(struct file *file, enum export_outcome *outcome,
		    struct error *err)
{
	if (is_same(file)) {
		*outcome = EXPORT_UNCHANGED;
		unlinkat(file->dir, file->part, 0);
		return true;
	}
	if (fsync(file->fd) < 0)
		return fail(err, file->path, "syncing it");
	fault_hit(FAULT_EXPORT_WRITTEN);
	if (renameat(file->dir, file->part, file->dir, file->base) < 0)
		return fail(err, file->path, "renaming it");
	if (fsync(file->dir) < 0)
		return fail(err, file->path, "syncing its folder");
	*outcome = EXPORT_WRITTEN;
	return true;
}

static bool copy_sql(struct buf *out, struct pg *pg, int64_t timeout_ms,
		     const struct task *task, struct arena *arena,
		     struct error *err)
{
	struct columns columns;

	if (!relation_columns(pg, timeout_ms, task->table, arena, &columns,
			      err))
		return false;
	buf_add_text(out, "copy (select ");
	columns_list(out, &columns, "");
	buf_format(out, " from %s", task->table);
	if (task->model->export_order)
		buf_format(out, " order by %s", task->model->export_order);
	buf_add_text(out, ") to stdout (format csv, header)");
	return true;
}

bool export_write(struct pg *pg, int64_t timeout_ms, const struct task *task,
		  enum export_outcome *outcome, struct error *err)
{
	struct file file = {
		.path = task->model->export_path, .dir = -1, .fd = -1};
	struct buf sql = BUF_INIT;
	bool ok;

	ok = export_check(task, err) &&
	     copy_sql(&sql, pg, timeout_ms, task, &file.arena, err) &&
	     open_part(&file, err) &&
	     pg_copy_out(pg, timeout_ms, err, buf_text(&sql), take, &file) &&
	     publish(&file, outcome, err);
	if (!ok && file.fd >= 0)
		unlinkat(file.dir, file.part, 0);
	if (file.fd >= 0)
		close(file.fd);
	if (file.dir >= 0)
		close(file.dir);
	buf_release(&sql);
	arena_release(&file.arena);
	return ok;
}
