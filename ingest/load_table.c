/* A table of another PostgreSQL: --from-table. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/pg.h"
#include "common/settings.h"
#include "ingest/csv_layout.h"
#include "ingest/load_run.h"
#include "ingest/options.h"
#include "ingest/source_lines.h"
#include "ingest/stream.h"
#include "ingest/table_export.h"

struct table_load {
	struct load_run *run;
	const struct stream *stream;
	struct table_wanted wanted;
	char *dsn, *schema, *table; /* owned */
	struct table_export *export;
	struct positions positions;
	struct table_cursor cursor; /* where it goes on */
	struct whole_load load;
};

/* DSN:SCHEMA.TABLE; the DSN may hold colons, the names may not. */
static bool read_name(struct table_load *load, struct error *err)
{
	const char *text = load->run->options->from_table;
	const char *colon = strrchr(text, ':');
	const char *name = colon ? colon + 1 : text;
	const char *dot = strchr(name, '.');
	char *dsn;

	/* what is no name may be the rest of a URI, with its password */
	if (!dot || dot == name || !dot[1] || strchr(dot + 1, '.') ||
	    strpbrk(name, "@/=?&%"))
		return error_set(err, ERROR_FATAL, STATUS_USAGE,
				 "--from-table takes DSN:SCHEMA.TABLE, as in "
				 "service=crm:public.users");
	dsn = mem_strndup(text, colon ? (size_t)(colon - text) : 0);
	load->dsn = setting_dsn(dsn, err);
	free(dsn);
	if (!load->dsn) {
		err->status = STATUS_USAGE;
		return error_context(err, "--from-table");
	}
	load->schema = mem_strndup(name, (size_t)(dot - name));
	load->table = mem_strdup(dot + 1);
	if (setting_is_secret(load->dsn))
		return error_set(err, ERROR_FATAL, STATUS_USAGE,
				 "--from-table holds a password, which every "
				 "user of this machine can read: use a service "
				 "or a password file (~/.pgpass)");
	return true;
}

static bool check_stream(struct table_load *load, struct error *err)
{
	const struct load_run *run = load->run;
	bool has_cursor = *run->options->cursor != '\0';

	if (run->forced < 0)
		return error_set(err, ERROR_FATAL, STATUS_USAGE,
				 "--from-table needs --stream: the stream that "
				 "takes the rows");
	load->stream = run->plan.stream[run->forced];
	if (!(load->stream->format & STREAM_CSV))
		return error_config(err,
				    "%s: --from-table needs a stream that "
				    "takes CSV: `format: csv` or `json | csv`",
				    load->stream->file);
	if (has_cursor == (load->stream->load == LOAD_FULL))
		return error_set(
			err, ERROR_FATAL, STATUS_USAGE,
			has_cursor ? "stream %s is `load: full`: it takes all "
				     "of a table, without --cursor"
				   : "stream %s only appends: name the column "
				     "that tells new rows with --cursor, or "
				     "make it `load: full`",
			load->stream->name);
	return true;
}

/* --- the cursor ----------------------------------------------------------- */

static bool read_cursor(const struct load_claim *claim, struct error *err)
{
	struct table_load *load = claim->context;
	const char *const values[] = {load->positions.item[0].source};
	PGresult *res = NULL;
	unsigned char *rows;
	size_t len;

	if (!pg_fetch_params(claim->run->control,
			     claim->run->options->statement_ms, err, &res,
			     "select cursor_value, cursor_rows from "
			     "millrace.position where source = $1 and part = 0",
			     1, values))
		return false;
	table_cursor_release(&load->cursor);
	load->cursor.known = PQntuples(res) == 1 && !PQgetisnull(res, 0, 0);
	if (load->cursor.known) {
		rows = pg_bytes(res, 0, 1, &len);
		buf_add_text(&load->cursor.value, PQgetvalue(res, 0, 0));
		buf_add(&load->cursor.rows, rows, len);
		PQfreemem(rows);
	}
	PQclear(res);
	return true;
}

static bool claim_table(const struct load_claim *claim, struct error *err)
{
	struct table_load *load = claim->context;
	const struct options *options = claim->run->options;

	if (!position_claim(claim->run->control, &load->positions, 0, NULL,
			    options->claim_ms, err))
		return false;
	if (*options->cursor)
		return options->force || read_cursor(claim, err);
	if (!position_anchor(claim->run->control, &load->positions, 0,
			     &load->load.has_latest, &load->load.latest, err))
		return false;
	load->load.has_latest = load->load.has_latest && !options->force;
	return true;
}

/* In the transaction, after the last row: was it the last, and how far has the
 * cursor come? */
static bool finish(struct pg *pg, const struct whole_load *whole,
		   struct error *err)
{
	const struct table_load *load = whole->context;
	struct table_cursor to = {.known = false};
	struct buf sql = BUF_INIT;
	bool ok;

	if (!table_export_finish(load->export, &to, err))
		return false;
	if (!to.known)
		return true;
	buf_add_text(&sql, "update millrace.position set cursor_value = ");
	pg_literal(pg, &sql, buf_text(&to.value));
	buf_add_text(&sql, ", cursor_rows = '\\x");
	buf_add_hex(&sql, to.rows.data, to.rows.len);
	buf_add_text(&sql, "' where part = 0 and source = ");
	pg_literal(pg, &sql, load->positions.item[0].source);
	ok = pg_run(pg, load->run->options->statement_ms, err, buf_text(&sql));
	buf_release(&sql);
	table_cursor_release(&to);
	return ok;
}

/* --- the load ------------------------------------------------------------- */

static bool run_export(struct table_load *load, struct csv_layout *layout,
		       struct error *err)
{
	struct load_run *run = load->run;
	enum whole_result result = WHOLE_STOPPED;
	struct source *source;
	int fd = -1;
	bool ok;

	if (!table_export_start(load->export, &load->cursor, &fd, err)) {
		csv_layout_close(layout);
		return false;
	}
	source = source_pipe_open(fd, load->table,
				  (size_t)run->options->max_line,
				  &load->positions);
	source_lines_csv(source, layout);
	source_lines_keep_blanks(source);
	ok = load_whole(run, source, &load->load, &result, err);
	source_close(source);
	close(fd);
	if (ok && result == WHOLE_SAME)
		log_line(LOG_INFO, "%s.%s has nothing new for %s, 0 rows added",
			 load->schema, load->table, load->stream->relation);
	return ok;
}

static void plan_load(struct table_load *load)
{
	const struct stream *stream = load->run->plan.stream[load->run->forced];
	bool is_full = stream->load == LOAD_FULL;
	struct buf key = BUF_INIT;

	load->load = (struct whole_load){
		.stream = (size_t)load->run->forced,
		.op = is_full ? 't' : 'i',
		.effective = is_full && *load->run->options->effective
				     ? load->run->options->effective
				     : NULL,
		.allow_empty = load->run->options->force,
		.skip_empty = !is_full,
		.can_repeat = true,
		.finish = finish,
		.context = load,
	};
	memcpy(load->positions.owner, load->run->owner,
	       sizeof load->run->owner);
	load->positions.durable = true;
	if (is_full)
		buf_format(&key, "full:%s", stream->relation);
	else
		buf_format(&key, "%s -> %s", table_export_key(load->export),
			   stream->relation);
	positions_add(&load->positions, buf_text(&key), 0);
	buf_release(&key);
}

static bool read_header(struct table_load *load, struct csv_layout **layout,
			struct error *err)
{
	const char *header = table_export_header(load->export);

	return csv_layout_read(layout, load->stream, load->run->forced, header,
			       strlen(header), err) ||
	       error_context(err, "%s.%s", load->schema, load->table);
}

static bool takes_rest(const struct stream *stream)
{
	for (size_t i = 0; i < stream->column_count; i++)
		for (size_t j = 0; j < stream->column[i].alternative_count; j++)
			if (stream->column[i].alternative[j].kind == FROM_REST)
				return true;
	return false;
}

/* With a cursor only the columns that the stream names are read: another one
 * that changes makes no new row. */
static bool lay_out(struct table_load *load, struct csv_layout **layout,
		    struct error *err)
{
	if (!read_header(load, layout, err))
		return false;
	if (!*load->wanted.cursor || takes_rest(load->stream))
		return true;
	table_export_take(load->export, (*layout)->mapped);
	csv_layout_close(*layout);
	return read_header(load, layout, err);
}

static bool run_table(struct table_load *load, struct error *err)
{
	struct load_run *run = load->run;
	const struct load_claim claim = {run, NULL, -1, NULL, load};
	struct csv_layout *layout = NULL;

	load->wanted = (struct table_wanted){
		.dsn = load->dsn,
		.schema = load->schema,
		.table = load->table,
		.cursor = run->options->cursor,
		.lag_ms = run->options->cursor_lag_ms,
		.stream = load->stream,
		.connect_ms = run->options->connect_ms,
	};
	if (!table_export_open(&load->export, &load->wanted, err))
		return false;
	if (!lay_out(load, &layout, err))
		return false;
	plan_load(load);
	if (!load_insist(&claim, claim_table, err)) {
		csv_layout_close(layout);
		return load_stopped_before(NULL, load->table, err);
	}
	return run_export(load, layout, err);
}

bool load_table(struct load_run *run, struct error *err)
{
	struct table_load load = {.run = run};
	bool ok = read_name(&load, err) && check_stream(&load, err) &&
		  run_table(&load, err);

	table_export_close(load.export);
	positions_release(&load.positions);
	table_cursor_release(&load.cursor);
	free(load.dsn);
	free(load.schema);
	free(load.table);
	return ok;
}
