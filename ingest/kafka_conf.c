#include "ingest/kafka_conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/credential.h"
#include "common/mem.h"

enum { WHY_BYTES = 512, SECRET_BYTES = 64 * 1024 };

/* What is set before -X is read, where the library knows it. */
static const struct {
	const char *name;
	const char *value;
} preset[] = {
	{"client.id", "handle-streams"},
	{"enable.auto.commit", "false"},
	{"enable.auto.offset.store", "false"},
	{"auto.offset.reset", "error"},
	{"isolation.level", "read_committed"},
	{"check.crcs", "true"},
	{"enable.partition.eof", "true"},
	{"allow.auto.create.topics", "false"},
	/* Every version up to 2.10 has faults with the cooperative assignors;
	 * the range assignor is right in all of them. */
	{"partition.assignment.strategy", "range"},
	{"topic.metadata.refresh.interval.ms", "30000"},
	{"queued.min.messages", "100000"},
	/* With what a queue costs besides its records this is about 40 MB.
	 * Twice as much, or larger pieces, made nothing faster. */
	{"queued.max.messages.kbytes", "16384"},
	{"fetch.wait.max.ms", "100"},
	/* A full queue is no reason to doze.  Versions before 2.2 do not know
	 * this: kafka_watch.h. */
	{"fetch.queue.backoff.ms", "10"},
	{"reconnect.backoff.max.ms", "2000"},
	/* with it the low marks are kept fresh, for the headroom in /metrics */
	{"statistics.interval.ms", "15000"},
};

/* What -X may not change; `allowed` is the one value that may be repeated. */
static const struct {
	const char *name;
	const char *allowed;
	const char *reason;
} refused[] = {
	{"bootstrap.servers", NULL, "brokers are named with -b"},
	{"metadata.broker.list", NULL, "brokers are named with -b"},
	{"group.id", NULL, "the group is named with -G"},
	{"enable.auto.commit", "false",
	 "positions move only in PostgreSQL, in the transaction of the rows"},
	{"auto.commit.enable", "false",
	 "positions move only in PostgreSQL, in the transaction of the rows"},
	{"enable.auto.offset.store", "false",
	 "positions move only in PostgreSQL, in the transaction of the rows"},
	{"auto.commit.interval.ms", NULL,
	 "positions move only in PostgreSQL, in the transaction of the rows"},
	{"auto.offset.reset", "error",
	 "an offset that is gone must become a gap on record, never a silent "
	 "jump; see --on-gap, and -o for where to begin"},
	{"isolation.level", "read_committed",
	 "records of aborted transactions would be loaded"},
	{"check.crcs", "true", "a damaged record would be loaded"},
	{"enable.partition.eof", "true",
	 "the position could not pass the end of a transaction"},
	{"allow.auto.create.topics", "false",
	 "a misspelt topic would be created, and found empty"},
	{"partition.assignment.strategy", "range",
	 "the cooperative assignors of many versions lose assignments"},
	{"group.protocol", "classic",
	 "its members go on fetching while they are out of touch"},
	{"plugin.library.paths", NULL, "foreign code could alter records"},
};

/* Properties whose value is a secret. */
static const char *const secret[] = {
	"sasl.password",
	"ssl.key.password",
	"ssl.key.pem",
	"ssl.keystore.password",
	"sasl.oauthbearer.client.secret",
	"sasl.oauthbearer.config",
};

static bool is_secret(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof secret / sizeof *secret; i++)
		if (strlen(secret[i]) == len && !memcmp(secret[i], name, len))
			return true;
	return false;
}

static bool set(rd_kafka_conf_t *conf, const char *name, const char *value,
		struct error *err)
{
	char why[WHY_BYTES];

	if (rd_kafka_conf_set(conf, name, value, why, sizeof why) ==
	    RD_KAFKA_CONF_OK)
		return true;
	return error_config(err, "-X %s: %s", name, why);
}

static bool check_allowed(const char *name, const char *value,
			  struct error *err)
{
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		if (strcmp(refused[i].name, name) != 0)
			continue;
		if (refused[i].allowed && !strcmp(refused[i].allowed, value))
			return true;
		return error_config(err, "-X %s is refused: %s", name,
				    refused[i].reason);
	}
	return true;
}

/* --- secrets -------------------------------------------------------------- */

/* The file's content without the line end an editor leaves. */
static bool read_secret(const char *name, const char *path, char **out,
			struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = NULL;
	struct stat st;
	ssize_t len;
	bool ok = false;

	if (fd < 0 || fstat(fd, &st) != 0) {
		error_config(err, "-X %s.file: cannot read %s: %s", name, path,
			     strerror(errno));
		goto out;
	}
	if (!credential_is_private(path, st.st_mode)) {
		error_config(err,
			     "-X %s.file: others can read %s; chmod 600 it",
			     name, path);
		goto out;
	}
	text = mem_zalloc(1, SECRET_BYTES);
	len = read(fd, text, SECRET_BYTES - 1);
	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		text[--len] = '\0';
	if (len <= 0) {
		error_config(err, "-X %s.file: %s is empty", name, path);
		goto out;
	}
	*out = text;
	text = NULL;
	ok = true;
out:
	free(text);
	if (fd >= 0)
		close(fd);
	return ok;
}

/* `value` names where the secret is: a file or a variable. */
static bool set_secret(rd_kafka_conf_t *conf, const char *name, bool is_file,
		       const char *value, struct error *err)
{
	char *text = NULL;
	const char *variable;
	bool ok;

	if (is_file) {
		if (!read_secret(name, value, &text, err))
			return false;
	} else {
		variable = getenv(value);
		if (!variable || !*variable)
			return error_config(err, "-X %s.env: %s is not set",
					    name, value);
		text = mem_strdup(variable);
	}
	ok = set(conf, name, text, err);
	explicit_bzero(text, strlen(text));
	free(text);
	return ok;
}

/* --- one -X --------------------------------------------------------------- */

static bool set_property(rd_kafka_conf_t *conf, const char *text,
			 struct error *err)
{
	const char *equals = strchr(text, '=');
	size_t len = equals ? (size_t)(equals - text) : 0;
	char *name;
	char *dot;
	bool ok;

	if (len == 0)
		return error_config(
			err, "-X takes NAME=VALUE, a property of librdkafka");
	name = mem_strndup(text, len);
	dot = strrchr(name, '.');
	if (is_secret(name, len)) {
		ok = error_config(err,
				  "-X %s is a secret that everybody could "
				  "read; use -X %s.file=PATH or -X "
				  "%s.env=NAME",
				  name, name, name);
	} else if (dot && (!strcmp(dot, ".file") || !strcmp(dot, ".env")) &&
		   is_secret(name, (size_t)(dot - name))) {
		bool is_file = !strcmp(dot, ".file");

		*dot = '\0';
		ok = set_secret(conf, name, is_file, equals + 1, err);
	} else {
		ok = check_allowed(name, equals + 1, err) &&
		     set(conf, name, equals + 1, err);
	}
	free(name);
	return ok;
}

bool kafka_conf_build(rd_kafka_conf_t **out,
		      const struct kafka_settings *settings, struct error *err)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char why[WHY_BYTES];
	bool ok;

	for (size_t i = 0; i < sizeof preset / sizeof *preset; i++)
		rd_kafka_conf_set(conf, preset[i].name, preset[i].value, why,
				  sizeof why);
	ok = set(conf, "bootstrap.servers", settings->brokers, err) &&
	     set(conf, "group.id", settings->group, err);
	for (size_t i = 0; ok && i < settings->property.count; i++)
		ok = set_property(conf, settings->property.item[i], err);
	if (ok)
		*out = conf;
	else
		rd_kafka_conf_destroy(conf);
	return ok;
}

/* --- -o ------------------------------------------------------------------- */

static bool read_number(const char *text, int64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoll(text, &end, 10);
	return end != text && !*end && !errno;
}

bool kafka_start_parse(struct kafka_start *start, const char *text,
		       struct error *err)
{
	*start = (struct kafka_start){.kind = START_BEGINNING};
	if (!strcmp(text, "beginning"))
		return true;
	if (!strcmp(text, "end")) {
		start->kind = START_END;
		return true;
	}
	if (!strncmp(text, "s@", 2) && read_number(text + 2, &start->value) &&
	    start->value >= 0) {
		start->kind = START_TIME;
		return true;
	}
	if (read_number(text, &start->value)) {
		start->kind = start->value < 0 ? START_TAIL : START_OFFSET;
		if (start->value < 0)
			start->value = -start->value;
		return true;
	}
	return error_set(err, ERROR_FATAL, STATUS_USAGE,
			 "-o takes beginning, end, an offset (1000), a number "
			 "of records before the end (-1000) or s@ and a time "
			 "in milliseconds since 1970, not %s",
			 text);
}
