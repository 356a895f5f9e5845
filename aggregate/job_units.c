#include "aggregate/job_units.h"

#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aggregate/replace_file.h"
#include "common/buf.h"
#include "common/log.h"
#include "common/mem.h"

/* What the units of all jobs share. */
struct place {
	char program[PATH_MAX];
	char home[PATH_MAX];
	char cwd[PATH_MAX];
	const char *user; /* NULL: the one who runs systemd */
	bool for_user;
};

static bool find_place(struct place *place, const struct units *units,
		       struct error *err)
{
	ssize_t len = readlink("/proc/self/exe", place->program,
			       sizeof place->program - 1);
	const struct passwd *me = getpwuid(geteuid());

	if (len <= 0 || !realpath(units->home, place->home) ||
	    !getcwd(place->cwd, sizeof place->cwd))
		return error_config(err, "cannot tell where periodic and the "
					 "project lie");
	place->program[len] = '\0';
	place->for_user = units->for_user;
	place->user =
		units->for_user || geteuid() == 0 || !me ? NULL : me->pw_name;
	return true;
}

/* A word of a command line: % and $ are systemd's own. */
static void add_word(struct buf *out, const char *word)
{
	buf_add_byte(out, '"');
	for (; *word; word++) {
		if (*word == '%' || *word == '$')
			buf_add_byte(out, *word);
		else if (*word == '"' || *word == '\\')
			buf_add_byte(out, '\\');
		buf_add_byte(out, *word);
	}
	buf_add_byte(out, '"');
}

static void add_path(struct buf *out, const char *path)
{
	for (; *path; path++) {
		if (*path == '%')
			buf_add_byte(out, '%');
		buf_add_byte(out, *path);
	}
}

static void service(struct buf *out, const struct job *job,
		    const struct place *place)
{
	buf_format(out,
		   "# Made by `periodic jobs --systemd` from %s.\n"
		   "[Unit]\nDescription=Millrace job %s\n",
		   job->file, job->name);
	if (!place->for_user)
		buf_add_text(out, "After=network-online.target "
				  "postgresql.service\n"
				  "Wants=network-online.target\n");
	buf_add_text(out, "\n[Service]\nType=oneshot\nWorkingDirectory=");
	add_path(out, place->cwd);
	buf_add_text(out, "\nExecStart=");
	add_word(out, place->program);
	buf_add_text(out, " --project ");
	add_word(out, place->home);
	buf_format(out, " --job %s\n", job->name);
	if (place->user)
		buf_format(out, "User=%s\n", place->user);
	buf_format(out,
		   "# PGHOST, PGSERVICE, PGPASSFILE and the like\n"
		   "EnvironmentFile=-%s\n"
		   "# the job has its own timeout, and ends politely\n"
		   "TimeoutStartSec=infinity\nTimeoutStopSec=90\n"
		   "KillMode=mixed\nNoNewPrivileges=yes\n",
		   place->for_user ? "%E/periodic.env"
				   : "/etc/default/periodic");
}

static void timer(struct buf *out, const struct job *job)
{
	buf_format(out,
		   "# Made by `periodic jobs --systemd` from %s.\n"
		   "[Unit]\nDescription=When the Millrace job %s runs\n\n"
		   "[Timer]\n",
		   job->file, job->name);
	for (size_t i = 0; i < job->calendar.count; i++)
		buf_format(out, "OnCalendar=%s\n", job->calendar.item[i]);
	buf_add_text(out, "# one that was missed is made up for\n"
			  "Persistent=true\nAccuracySec=1s\n\n"
			  "[Install]\nWantedBy=timers.target\n");
}

static bool deliver(const struct units *units, const struct job *job,
		    const char *ending, struct buf *text, FILE *out,
		    struct error *err)
{
	char *path = mem_format("%s%speriodic-%s.%s",
				units->folder ? units->folder : "",
				units->folder ? "/" : "", job->name, ending);
	bool ok = true;

	if (units->folder)
		ok = replace_file(path, buf_text(text), text->len, err);
	else
		fprintf(out, "# --- %s\n%s\n", path, buf_text(text));
	buf_reset(text);
	free(path);
	return ok;
}

static void say_what_to_type(const struct jobs *jobs, const struct units *units,
			     size_t count)
{
	const char *who = units->for_user ? " --user" : "";
	struct buf timers = BUF_INIT;

	for (size_t i = 0; i < jobs->count; i++)
		if (jobs->at[i].calendar.count)
			buf_format(&timers, " periodic-%s.timer",
				   jobs->at[i].name);
	log_line(LOG_INFO,
		 "%zu units in %s; to start them: systemctl%s daemon-reload && "
		 "systemctl%s enable --now%s",
		 count, units->folder, who, who, buf_text(&timers));
	buf_release(&timers);
}

bool job_units_write(const struct jobs *jobs, const struct units *units,
		     FILE *out, struct error *err)
{
	struct place *place = mem_zalloc(1, sizeof *place);
	struct buf text = BUF_INIT;
	size_t count = 0;
	bool ok = find_place(place, units, err);

	for (size_t i = 0; ok && i < jobs->count; i++) {
		const struct job *job = &jobs->at[i];

		if (!job->calendar.count)
			continue;
		service(&text, job, place);
		ok = deliver(units, job, "service", &text, out, err);
		timer(&text, job);
		ok = ok && deliver(units, job, "timer", &text, out, err);
		count += 2;
	}
	if (ok && !count)
		ok = error_config(err, "no job has a calendar: add one to its "
				       "section, for example `calendar = "
				       "*:0/30`");
	if (ok && units->folder)
		say_what_to_type(jobs, units, count);
	buf_release(&text);
	free(place);
	return ok;
}
