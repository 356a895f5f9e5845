#!/usr/bin/env bats
# The packs as shipped: their examples, wrong files, what their tests hold back.

# shellcheck disable=SC2016 # backquotes and dollars that are meant
setup_file() {
	load ../support/common
	fresh_database
	PROJECT=$(mktemp -d)
	cp -r "$ROOT/sql" "$PROJECT/sql"
	export PROJECT HANDLE_STREAMS_PROJECT=$PROJECT PERIODIC_PROJECT=$PROJECT
	head='event_id;event_type;professional_id;created_at;meta_data'
	export head
}
teardown_file() {
	rm -rf "$PROJECT"
	drop_database
}
setup() {
	load ../support/common
	cd "$BATS_TEST_TMPDIR" || exit
}

generated() { python3 "$ROOT/tests/packs/$1.py" "${@:2}"; }
count() { sql "select count(*) from $1"; }
changed() { sql "select inserted || '+' || deleted from millrace.run_model where model = '$1' order by run_id desc limit 1"; }

# refused FILE STATUS WORDS [OPTION...]: nothing is loaded, and the sentence says why.
refused() {
	local loads
	loads=$(sql "select count(*) from millrace.load")
	run handle-streams "${@:4}" "$1"
	assert_status "$2"
	assert_says "$3"
	assert_equal "loads after $1" "$loads" "$(sql "select count(*) from millrace.load")"
}

@test "availability: the worked example; either header; a late event changes its days alone" {
	printf '\xef\xbb\xbf' >first.csv
	printf '%s\r\n' "${head/professional_id/professional_id_anonymized}" \
		'1;created_account;1;2020-03-02 07:30:00;' \
		'2;became_able_to_propose;1;2020-03-02 08:00:00;' \
		'3;became_not_able_to_propose;1;2020-03-03 07:30:00;' \
		'4;created_account;2;2020-03-03 09:00:00;' >>first.csv
	printf '%s\n' "$head" '5;became_able_to_propose;1;2020-03-04 07:30:00;' \
		'6;became_able_to_propose;2;2020-03-05 10:00:00;' \
		'7;became_unable_to_propose;2;2020-03-07 07:30:00;' \
		'2540;proposed;1;2020-03-04 22:13:26;60_tuinonderhoud_maintain-garden_7.63' >second.csv
	run -0 handle-streams second.csv first.csv
	run -0 periodic -s +pack:availability
	assert_equal "active professionals" "date,active_professionals
2020-03-02,1
2020-03-03,0
2020-03-04,1
2020-03-05,2
2020-03-06,2
2020-03-07,1
2020-03-08,1
2020-03-09,1
2020-03-10,1" "$(cat metrics/active-professionals.csv)"
	assert_equal proposal '60|maintain-garden|7.63' \
		"$(sql "select service_id, service_name_en, lead_fee from availability.fct_events where event_id = 2540")"
	# professional 1 could propose on the 3rd after all: that day, until their next change
	printf '%s\n' "$head" '8;became_able_to_propose;1;2020-03-03 20:00:00;' >late.csv
	run -0 handle-streams late.csv
	run -0 periodic -s +pack:availability
	assert_equal "the 3rd and 4th" "2020-03-03,1 2020-03-04,1" \
		"$(sed -n '3,4p' metrics/active-professionals.csv | paste -sd ' ')"
	assert_equal "days written" 2+2 "$(changed availability.day_change)"
}

@test "a file again, one that is cut off, and dates that a spreadsheet has mangled" {
	local before
	printf '%s\r\n' "$head" '101;created_account;9;2020-03-02 07:30:00;' '102;became_able_to_propose;9;2020-03-02 08:00:00;' >whole.csv
	head -c -12 whole.csv >cut.csv
	run -0 handle-streams cut.csv
	assert_equal reject "the record has 4 fields, its header 5 (cut.csv ends in the middle of this line)" \
		"$(sql 'select reason from millrace.reject order by reject_id desc limit 1')"
	refused whole.csv 6 "where it ended without a line end, and that line has grown since"
	before=$(count staging.availability_events)
	run -0 handle-streams cut.csv
	assert_says "cut.csv is loaded already, 0 rows added"
	assert_equal rows "$before" "$(count staging.availability_events)"
	printf '%s\n' "$head" '103;proposed;9;3/2/20 7:30;' '104;proposed;9;02-03-2020 07:30;' \
		'105;proposed;9;43892.3125;' '106;proposed;9;2020-02-30 07:30:00;' '107;proposed;9;2020-03-02 07:30:00;' >mangled.csv
	run -0 handle-streams mangled.csv
	assert_says "rows=1 rejects=4"
	run -0 handle-streams rejects list
	assert_says "created_at: it does not begin with a date in the form YYYY-MM-DD"
	printf 'user_id,url,pageview_datetime\n1,/,3/2/20 7:30\n1,/,2020-03-02 07:30:00\n' >views.csv
	run handle-streams --max-rejects 0 views.csv
	assert_status 3
	assert_equal "no view" 0 "$(count staging.pageviews)"
	generated growth --size 5 | sed 's/,/;/; s/;/,/' | sed '2s/^[^,]*/12-25-2023/' >growth.csv
	run -0 handle-streams growth.csv
	assert_says "rejects=1"
}

@test "wrong delimiter, header, column, stream: a sentence, and nothing is loaded" {
	printf 'event_id,event_type,professional_id,created_at,meta_data\n1,a,1,2020-03-02 07:30:00,\n' >comma.csv
	refused comma.csv 3 'its fields are separated by `,`, stream availability_events takes `;`'
	generated growth --size 3 | tr ',' ';' >semicolon.csv
	refused semicolon.csv 3 'stream growth_events takes `,`'
	printf '%s\n' "${head/created_at;/}" '1;a;1;' >lacks.csv
	refused lacks.csv 3 'lacks created_at, which stream availability_events needs'
	printf 'visitor,page,at\n1,/,2025-03-10 10:00:00\n' >other.csv
	refused other.csv 3 'begins with `visitor,page,at`'
	generated engagement --size 3 | sed '1s/EngagementID/Engagement/' >misnamed.csv
	refused misnamed.csv 3 'lacks EngagementID or engagement_id, which stream engagement_metrics needs'
	printf 'user_id,url\n1,/\n' >timeless.csv # a time comes from Kafka, which has no headers
	refused timeless.csv 3 'lacks pageview_datetime or'
	printf 'Nutzer,url,pageview_datetime\n1,/,2025-03-10 10:00:00\n' >translated.csv
	refused translated.csv 3 'lacks user_id or'
	printf 'id,postcode\n1,1000AA\n' >users.csv
	refused users.csv 3 'its header lacks event_id' --stream availability_events
	generated growth --size 3 >growth.csv
	refused growth.csv 3 'its header lacks Project ID or project_id' --stream engagement_metrics
}

@test "pageviews: an extract says since when it holds; two postcodes of one user hold the snapshot" {
	printf 'id,postcode\n1,1000AA\n2,2000BB\n' >users.csv
	refused users.csv 1 'hold from a whole hour on: say which with --effective 2025-03-10T17:00:00Z'
	refused users.csv 1 'not 2025-03-10T00:30:00' --effective 2025-03-10T00:30:00Z
	head -c -3 users.csv >cut.csv # user 2 would seem to have moved, others to have left
	refused cut.csv 3 'ends in the middle of a line' --effective 2025-03-10
	run -0 handle-streams --effective 2025-03-10 users.csv
	refused users.csv 0 'the latest extract of staging.users already' --effective 2025-03-10
	printf '{"user_id": 3, "url": "/", "pageview_datetime": "2025-03-10 10:00:00"}\n' | handle-streams
	run -0 periodic -s pack:pageviews
	assert_equal unknown 'UNKNOWN|1' "$(sql 'select postcode, num_pageviews from pageviews.pageviews_by_postcode')"
	printf 'id,postcode\n1,1000AA\n2,2000BB\n3,3000CC\n3,3000DD\n' >doubled.csv
	run -0 handle-streams --effective 2025-03-11 doubled.csv
	run periodic -s pack:pageviews
	assert_status 3
	assert_says "unique(id)"
	assert_equal "as it was" 2 "$(count pageviews.users_history)"
	sql "delete from staging.users where postcode = '3000DD'" # mended
	run -0 periodic -s pack:pageviews
	assert_equal known '3000CC|1' "$(sql 'select postcode, num_pageviews from pageviews.pageviews_by_postcode')"
	run -0 periodic test -s pack:pageviews
}

@test "growth: 50 shuffled pieces, and all of it twice, say what one file says; identities hold publication" {
	local mart
	generated growth --size 600 --seed 4 >all.csv
	generated growth --size 600 --seed 4 --pieces 50 --into pieces
	said() {
		for mart in growth_by_day growth_by_week growth_by_month user_retention user_interactions; do
			sql "select m::text, count(*) from growth.$mart m group by 1 order by 1"
		done | md5sum
	}
	forget() { # as if it had never been
		sql "truncate staging.growth_events; delete from millrace.load where relation = 'staging.growth_events';
		     delete from millrace.model where model like 'growth.%'; drop schema if exists growth cascade" 2>/dev/null
	}
	forget
	run -0 handle-streams --force all.csv
	run -0 periodic -s pack:growth
	one=$(said)
	forget
	run -0 handle-streams pieces/events-1.csv
	run -0 periodic -s pack:growth
	run -0 handle-streams pieces/events-*.csv
	run -0 periodic -s pack:growth
	assert_equal "fifty pieces" "$one" "$(said)"
	assert_equal loads 51 "$(sql "select 1 + count(*) from millrace.load where relation = 'staging.growth_events'")"
	run -0 handle-streams --force all.csv
	run -0 periodic -s pack:growth
	assert_equal "all of it twice" "$one" "$(said)"
	run -0 periodic test -s pack:growth
	sql "update growth.growth_counts set user_count = user_count + 1 where grain = 'week' and user_category = 'retained_users'
	     and (period, country) = (select period, country from growth.growth_counts where grain = 'week' and user_category = 'retained_users' limit 1)"
	run periodic test -s pack:growth
	assert_status 3
	assert_says "growth/tests/identities.sql"
}

@test "the marts are those of docs/packs.md, with its columns" {
	run -0 periodic
	# its tables: | `mart` | one row per | `columns` |
	grep -oP '^\| `\K\w+\.\w+(?=` \|)' "$ROOT/docs/packs.md" | LC_ALL=C sort >told
	(cd "$ROOT/sql" && ls -d ./*/models/{marts,gold}/*.sql ./*/snapshots/*.sql) |
		sed 's|^\./\([a-z]*\)/.*/|\1.|; s|\.sql$||' | LC_ALL=C sort >there
	assert_equal "marts that docs/packs.md does not tell of" "" "$(LC_ALL=C comm -13 told there)"
	columns() {
		sql "select m.mart || '|' || string_agg(a.attname, ', ' order by a.attnum)
			from (values ('${1//$'\n'/"'), ('"}')) m (mart)
			left join pg_attribute a on a.attrelid = to_regclass(m.mart) and a.attnum > 0
				and not a.attisdropped and a.attname <> 'loaded_at'
			group by m.mart"
	}
	sed -n 's/^| `\([a-z]*\.[a-z0-9_]*\)` |[^|]*| `\([^|]*\)` |$/\1|\2/p' "$ROOT/docs/packs.md" | LC_ALL=C sort >wanted
	[ "$(wc -l <wanted)" -gt 25 ]
	assert_equal columns "$(cat wanted)" "$(columns "$(cut -d"|" -f1 wanted)" | LC_ALL=C sort)"
}

@test "engagement: the client's own table, by a cursor" {
	generated engagement --size 60 --seed 5 >engagements.csv
	psql -Xq -c "create schema client" -c "create table client.metrics (
		$(sed -n 's/^    \([a-z_]*\)  *text,.*/\1 text,/p' "$ROOT/sql/engagement/streams/engagement_metrics.sql")
		at timestamptz default now())"
	sed 1d engagements.csv | psql -Xq -c "copy client.metrics ($(sql "select string_agg(quote_ident(attname), ', ' order by attnum)
		from pg_attribute where attrelid = 'client.metrics'::regclass and attnum between 1 and 17")) from stdin csv"
	cursor() { handle-streams --from-table "dbname=$PGDATABASE:client.metrics" --cursor at --stream engagement_metrics; }
	before=$(count staging.engagement_metrics)
	run -0 cursor
	assert_equal rows $((before + 63)) "$(count staging.engagement_metrics)"
	sql "insert into client.metrics (project_id, engagement_id, customer_id) values ('7', '99999', 'cust omer-3')"
	run -0 cursor
	run -0 cursor
	assert_equal "one more" $((before + 64)) "$(count staging.engagement_metrics)"
	run -0 periodic --job engagement
	assert_equal customer customer_3 "$(sql "select customer_id from engagement.project_engagement where engagement_id = '99999'")"
	sql "truncate staging.engagement_metrics" # the next one counts
	run -0 periodic --full-refresh -s +pack:engagement
}

@test "engagement: customer_id may be missing 1,000 times with a warning, more than 5,000 times hold the rest back" {
	# engagements FROM TO: without a customer
	engagements() {
		generated engagement --size 1 | head -n 1
		seq "$1" "$2" | sed 's/.*/1,&,n\/a,,03\/02\/2024,$1.5k USD,,Desgn,,,fifty,,,,,,/'
	}
	engagements 1 1000 >few.csv
	engagements 1001 1001 >one.csv
	engagements 1002 5001 >many.csv
	run -0 handle-streams few.csv
	run -0 periodic --job engagement
	assert_equal cleaned '2024-03-02|1500.00|Design|50||59' "$(sql "select engagement_date, revenue, service, employee_count, customer_id,
		(select count(*) - 1 from pg_attribute where attrelid = 'engagement.project_engagement'::regclass and attnum > 0 and not attisdropped)
		from engagement.project_engagement where engagement_id = '7'")"
	assert_equal unclean '1000|n/a|not a customer' "$(sql 'select count(*), min(raw_value), min(reason) from engagement.unclean')"
	status() { sql "select status from millrace.test_result where test like '%customer_id%' order by run_id desc limit 1"; }
	assert_equal "1,000" pass "$(status)"
	run -0 handle-streams one.csv
	run -0 periodic --job engagement
	assert_equal "1,001" warn "$(status)"
	run -0 handle-streams many.csv
	run periodic -s +pack:engagement # the job would try again after 5 minutes
	assert_status 3
	assert_says customer_id
	assert_equal "project_engagement is as it was" 1001 "$(count engagement.project_engagement)"
}
