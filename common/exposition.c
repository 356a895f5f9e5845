#include "common/exposition.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "common/buf.h"
#include "common/write_file.h"

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

bool exposition_write(const struct buf *text, const char *path,
		      struct error *err)
{
	return write_file(path, text->data, text->len) ||
	       error_config(err, "cannot write the metrics to %s: %s", path,
			    strerror(errno));
}
