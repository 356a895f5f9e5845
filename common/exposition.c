#include "common/exposition.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/mem.h"

void exposition_family(struct buf *out, const char *name, const char *type,
		       const char *help)
{
	buf_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_label(struct buf *out, const char *name, const char *value)
{
	buf_format(out, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '\n')
			buf_add_text(out, "\\n");
		else if (*value == '"' || *value == '\\')
			buf_format(out, "\\%c", *value);
		else
			buf_add_byte(out, *value);
	}
	buf_add_byte(out, '"');
}

void exposition_sample(struct buf *out, const char *name, double value, ...)
{
	const char *separator = "{";
	const char *label;
	va_list args;

	buf_add_text(out, name);
	va_start(args, value);
	while ((label = va_arg(args, const char *)) != NULL) {
		buf_add_text(out, separator);
		add_label(out, label, va_arg(args, const char *));
		separator = ",";
	}
	va_end(args);
	if (*separator == ',')
		buf_add_byte(out, '}');
	if (fabs(value) < 1e15 && floor(value) == value)
		buf_format(out, " %.0f\n", value);
	else
		buf_format(out, " %.17g\n", value);
}

static bool write_all(int fd, const struct buf *text)
{
	size_t done = 0;

	while (done < text->len) {
		ssize_t n = write(fd, text->data + done, text->len - done);

		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0)
			done += (size_t)n;
	}
	return true;
}

bool exposition_write(const struct buf *text, const char *path,
		      struct error *err)
{
	char *part = mem_format("%s.%d.part", path, (int)getpid());
	bool ok;
	int fd;

	/* the name can be guessed: what lies there is not written to */
	unlink(part);
	fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		  0644);
	ok = fd >= 0 && write_all(fd, text);
	if (fd >= 0 && close(fd) != 0)
		ok = false;
	ok = ok && rename(part, path) == 0;
	if (!ok) {
		error_config(err, "cannot write the metrics to %s: %s", path,
			     strerror(errno));
		unlink(part);
	}
	free(part);
	return ok;
}
