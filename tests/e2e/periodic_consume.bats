#!/usr/bin/env bats
# What becomes of loads: backlogs, completeness.

setup_file() {
	load ../support/common
	fresh_database
}
teardown_file() { drop_database; }
setup() {
	load ../support/common
	load ../support/periodic
	own_database
	cd "$BATS_TEST_TMPDIR" || return 1
	small_project
}
teardown() { drop_own_database; }

# A reader of p.sums that looks at its keys alone.
keys_model() {
	model keys <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: delta
		--   unique_key: [one]
		--   rows: keys
		select 1 as one, count(*) as keys
		from p.sums s
		where /*+ incremental(s.k) */ true
		group by 1
	SQL
}

sums() { sql 'select k, n, total from p.sums order by k' | tr '\n' ' '; }

@test "a backlog is worked off in steps that commit, oldest first, and those who read it follow" {
	sed -i '/by: k/a --   rows: n' sql/p/models/sums.sql
	model all <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: delta
		--   unique_key: [one]
		--   rows: n
		--   by: one
		select 1 as one, coalesce(sum(s.n), 0) as n, coalesce(sum(s.total), 0) as total
		from p.sums s
		where /*+ incremental(s.k) */ true
		group by 1
	SQL
	periodic
	for i in 1 2 3 4 5 6 7; do feed "('a', $i), ('b$i', 1)"; done
	run -0 periodic --max-loads 3
	assert_says "p.sums: delta, +4 -0 rows, 3 loads,"
	assert_says "p.sums: delta, +4 -1 rows, 3 loads,"
	assert_says "p.sums: delta, +2 -1 rows, 1 load,"
	assert_says "p.all: delta, +1 -0 rows, 3 loads,"
	assert_says "2 done, 0 failed"
	assert_equal sums "a|7|28 b1|1|1 b2|1|1 b3|1|1 b4|1|1 b5|1|1 b6|1|1 b7|1|1 " "$(sums)"
	assert_equal all "14|35" "$(sql 'select n, total from p.all')"
	assert_equal "log of the run" "7|10|2" \
		"$(sql "select loads, inserted, deleted from millrace.run_model where model = 'p.sums' order by run_id desc limit 1")"
	# a step that fails leaves those before it, and what it would have taken
	for i in 1 2 3 4; do feed "('c', $i)"; done
	feed "('c', 5000)"
	feed "('c', 6)"
	run periodic --max-loads 2
	assert_status 3
	assert_equal "steps before" "c|4|10" "$(sql "select k, n, total from p.sums where k = 'c'")"
	sql "update staging.r set v = 5 where v = 5000"
	run -0 periodic --max-loads 2
	assert_equal "steps after" "c|6|21" "$(sql "select k, n, total from p.sums where k = 'c'")"
	run -0 periodic --max-loads 2
	assert_says "nothing new"
}

@test "SIGTERM between two steps leaves what is done and takes the rest later" {
	periodic
	for i in 1 2 3 4 5 6; do feed "('a', $i)"; done
	# the second step waits in its test of the rows
	sed -i 's/total < 1000/total < 1000 and (total < 10 or pg_sleep(0.3) is not null)/' sql/p/models/sums.sql
	periodic --max-loads 2 >out 2>&1 3>&- &
	local running=$!
	wait_for_value 20 "select count(*) from pg_stat_activity where query like '%pg_sleep(0.3)%' and wait_event = 'PgSleep'" 1
	kill -TERM "$running"
	wait "$running"
	run -0 periodic --max-loads 2
	assert_equal sums "a|6|21 " "$(sums)"
}

complete() { sql "select complete_through from millrace.status where name = 'p.$1'"; }
# A pass that finds the last look long ago.
tick() {
	sql "update millrace.seal set candidate_at = candidate_at - interval '31 s'"
	periodic "$@"
}
reaches() {
	tick -s "p.$1"
	[ "$(sql "select timestamptz '$(complete "$1")' >= '$2'")" = t ]
}

@test "complete_through waits for every load that may still appear, and for nothing else" {
	model copied <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: delta
		--   unique_key: [k]
		--   rows: n
		select s.k, coalesce(sum(s.n), 0) as n from p.sums s where /*+ incremental(s.k) */ true group by 1
	SQL
	sed -i '/by: k/a --   rows: n' sql/p/models/sums.sql
	periodic
	feed "('a', 1)"
	periodic
	local fresh="complete_through between now() - interval '20 s' and now() - interval '1 s'"
	assert_equal "nobody writes" 2 "$(sql "select count(*) from millrace.status where $fresh")"

	# a load that is open holds it; reading transactions do not
	mkfifo writer reader
	psql -XAtq <writer >/dev/null 2>&1 3>&- &
	psql -XAtq <reader >/dev/null 2>&1 3>&- &
	exec 7>writer 8>reader
	echo "begin isolation level repeatable read; select count(*) from staging.r;" >&8
	echo "begin; insert into millrace.load (relation, loaded_at, row_count) values ('staging.r', now(), 1);
	      insert into staging.r (k, v) values ('late', 1);" >&7
	wait_for_value 20 "select count(*) from pg_stat_activity where query like 'insert into staging.r%' and state = 'idle in transaction' and backend_xid is not null" 1
	local began
	began=$(sql "select xact_start from pg_stat_activity where query like 'insert into staging.r%' and backend_xid is not null")
	for i in 1 2 3; do
		feed "('b', $i)"
		periodic
		assert_equal "held" 2 "$(sql "select count(*) from millrace.status where complete_through < '$began'")"
	done
	echo "commit;" >&7
	wait_for_value 20 "select count(*) from staging.r where k = 'late'" 1
	# committed and not consumed: still not complete
	tick -s p.copied
	assert_equal "pending" 2 "$(sql "select count(*) from millrace.status where complete_through < '$began'")"
	wait_until 20 reaches sums "$began"
	assert_equal "pending downstream" t "$(sql "select timestamptz '$(complete copied)' < '$began'")"
	wait_until 20 reaches copied "$began"
	exec 7>&- 8>&-
}

load_of() { sql "select load_id from millrace.load where relation = 'staging.r' order by load_id offset $1 - 1 limit 1"; }

@test "a poisoned load is taken out of a model, stays out, and can be let in again" {
	sed -i '/by: k/a --   rows: n' sql/p/models/sums.sql
	model most <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: recompute
		--   by: k
		select s.k, max(s.total) as most from p.sums s where /*+ incremental(s.k) */ true group by 1
	SQL
	model seen <<<"select r.k from staging.r r where r.v > 0"
	periodic
	feed "('a', 1), ('b', 2)"
	feed "('a', 100), ('poison', 100)"
	feed "('a', 3)"
	periodic
	run -0 periodic exclude p.sums "$(load_of 2)"
	assert_says "p.sums: goes without load $(load_of 2) (staging.r, 2 rows"
	run -0 periodic plan
	assert_says "excluded loads"
	run -0 periodic
	assert_equal sums "a|2|4 b|1|2 " "$(sums)"
	assert_equal "what reads it" "a|4 b|2" "$(sql 'select k, most from p.most order by 1' | xargs)"
	assert_equal shown 1 "$(sql "select excluded_loads from millrace.status where name = 'p.sums'")"
	run -0 periodic
	assert_says "nothing new"
	feed "('a', 5)"
	run -0 periodic --full-refresh
	assert_equal sums "a|3|9 b|1|2 " "$(sums)"
	run -0 periodic audit -s p.sums
	run -0 periodic include p.sums "$(load_of 2)"
	periodic
	assert_equal sums "a|4|109 b|1|2 poison|1|100 " "$(sums)"
	# one that nobody has taken yet
	feed "('poison', 1)"
	periodic exclude p.sums "$(load_of 5)"
	periodic
	assert_equal sums "a|4|109 b|1|2 poison|1|100 " "$(sums)"
	# what cannot be
	run periodic exclude p.most "$(sql "select max(load_id) from millrace.load where relation = 'p.sums'")"
	assert_status 2
	assert_says "was made by p.sums itself: exclude the load of staging"
	run periodic exclude p.most "$(load_of 1)"
	assert_says "which p.most does not read by that name"
	run periodic include p.sums "$(load_of 1)"
	assert_says "is not excluded from p.sums"
	run periodic exclude p.sums 999999
	assert_says "there is no load 999999"
	run periodic exclude p.smus 1
	assert_status 1
	run periodic exclude p.sums x
	assert_status 1
}

@test "what is pending is excluded and included without a rebuild, also where none is possible" {
	periodic migrate
	# of a time of which staging has nothing any more
	sql "insert into millrace.load (relation, loaded_at, row_count) values ('staging.r', '2020-01-01', 1)"
	periodic
	feed "('a', 1)"
	periodic
	feed "('poison', 5000)"
	run -3 periodic
	run -0 periodic exclude p.sums "$(load_of 3)"
	assert_says "it has nothing of it"
	run -0 periodic
	feed "('a', 2)"
	run -0 periodic
	assert_says "p.sums: delta"
	assert_equal sums "a|2|3 " "$(sums)"
	run -0 periodic exclude p.sums "$(load_of 3)"
	assert_says "as before"
	feed "('b', 1)"
	periodic exclude p.sums "$(load_of 5)"
	run -0 periodic include p.sums "$(load_of 5)"
	assert_says "the next run takes it"
	run -0 periodic
	assert_equal sums "a|2|3 b|1|1 " "$(sums)"
	# what it has taken cannot go, and nothing is left half done
	run -2 periodic exclude p.sums "$(load_of 2)"
	assert_says "only holds what was loaded since"
	run -0 periodic
	assert_says "nothing new"
	assert_equal excluded 1 "$(sql 'select count(*) from millrace.excluded')"
}

@test "a load cannot be taken out of a model that a view shows it to as well" {
	model counted <<<"$(printf -- '-- config:\n--   materialized: view\nselect k, count(*) as c from staging.r group by 1')"
	model above <<<"$(printf -- '-- config:\n--   materialized: view\nselect c.k, c.c from p.counted c')"
	model both <<<"$(printf -- '-- config:\n--   materialized: table\nselect r.k, r.v, c.c from staging.r r left join p.above c on c.k = r.k')"
	periodic
	feed "('a', 1)"
	periodic
	run -2 periodic exclude p.both "$(load_of 1)"
	assert_says "p.both reads staging.r through the view p.above too, which shows every load"
	assert_equal nothing 0 "$(sql 'select count(*) from millrace.excluded')"
	# nor out of one that comes to read such a view later
	model both <<<"$(printf -- '-- config:\n--   materialized: table\nselect r.k, r.v, 1 as c from staging.r r')"
	periodic
	periodic exclude p.both "$(load_of 1)"
	feed "('b', 2)"
	periodic
	assert_equal excluded "b|2|1" "$(sql 'select * from p.both' | cut -d'|' -f1-3)"
	model both <<<"$(printf -- '-- config:\n--   materialized: table\nselect r.k, r.v, c.c from staging.r r left join p.above c on c.k = r.k')"
	run -2 periodic
	assert_says "p.both: it goes without a load of staging.r that is excluded, and the view p.above shows it every load"
	assert_equal "as it was" "b|2|1" "$(sql 'select * from p.both' | cut -d'|' -f1-3)"
	periodic include p.both "$(load_of 1)"
	run -0 periodic
	assert_equal included "a|1|1 b|2|1" "$(sql 'select * from p.both order by k' | cut -d'|' -f1-3 | paste -sd' ')"
}

@test "a load is taken once more: right where it can be, refused where it cannot" {
	sed -i '/by: k/a --   rows: n' sql/p/models/sums.sql
	model first <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: merge
		--   unique_key: [k]
		--   order_by: v
		select r.k, r.v from staging.r r where /*+ incremental(r.k) */ true
	SQL
	model passed <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: append
		select r.k from staging.r r where /*+ incremental(r.k) */ true
	SQL
	sed 's/by: k/owner: me/' sql/p/models/sums.sql | sed '/export:/d' >sql/p/models/no_parts.sql
	periodic
	feed "('a', 1), ('b', 2)"
	feed "('a', 3), ('c', 1)"
	periodic
	# mended by hand, wrongly
	sql "update p.sums set total = 77 where k = 'a'; delete from p.first where k = 'c'; update p.sums set total = 5 where k = 'b'"
	run -0 periodic replay p.sums "$(load_of 2)"
	assert_says "p.sums: delta, +1 -1 rows, 1 load,"
	assert_equal "its parts" "a|2|4 b|1|5 c|1|1 " "$(sums)"
	periodic replay p.sums "$(load_of 1)"
	periodic replay p.sums "$(load_of 1)"
	assert_equal sums "a|2|4 b|1|2 c|1|1 " "$(sums)"
	periodic replay p.first "$(load_of 2)"
	assert_equal first "a 1 b 2 c 1" "$(sql 'select k, v from p.first order by 1' | tr '|\n' '  ' | xargs)"
	run periodic replay p.passed "$(load_of 1)"
	assert_status 2
	assert_says "append without unique_key would add the rows a second time"
	run periodic replay p.no_parts "$(load_of 1)"
	assert_status 2
	assert_says "delta would count the load twice"
	run periodic replay p.sums 999999
	assert_status 2
	assert_says "there is no load 999999"
	sql "delete from staging.r where k = 'c' or v = 3"
	run periodic replay p.first "$(load_of 2)"
	assert_says "are not in staging.r any more"
	run -0 periodic -s p.first
	assert_says "nothing new"
}

# A load of nine days ago in a partition of its own, staging.r_old.
old_load() {
	local day
	day=$(sql "select (current_date - 9)::text")
	sql "create table staging.r_old partition of staging.r for values from ('$day') to ('$day'::date + 1);
	     alter table staging.r_old owner to millrace_owner;
	     insert into staging.r (k, v, loaded_at) values ('a', 7, '$day 12:00+00');
	     insert into millrace.load (relation, loaded_at, row_count) values ('staging.r', '$day 12:00+00', 1)"
}
parts() { sql "select count(*) from pg_inherits where inhparent = 'staging.r'::regclass and inhrelid = to_regclass('staging.r_old')"; }

@test "staging is kept for models of other projects, and consuming what is gone is an error" {
	sed -i '/^-- load/a -- retention: 2d' sql/p/streams/r.sql
	periodic
	mkdir -p other/sql/q/models other/sql/p/streams
	cp sql/p/streams/r.sql other/sql/p/streams/
	sed 's/sums.csv/qsums.csv/' sql/p/models/sums.sql >other/sql/q/models/sums.sql
	periodic --project other
	old_load
	run -0 periodic
	assert_equal "the other has not used it" 1 "$(parts)"
	# as an older program leaves it: nobody knows what q.sums reads
	sql "update millrace.model set reads = null, keeps = null"
	periodic --project other -s q.sums
	sql "update millrace.model set reads = null, keeps = null where model = 'q.sums'"
	feed "('b', 1)"
	run -0 periodic
	assert_says "staging.r: old partitions stay: what q.sums reads is not known yet"
	assert_equal "nobody knows" 1 "$(parts)"
	feed "('b', 1)"
	run -0 periodic --project other
	assert_says "staging.r: 1 partition retired"
	periodic
	assert_equal both "a|1|7 b|2|2 a|1|7 b|2|2 " "$(sums)$(sql "select k || '|' || n || '|' || total from q.sums order by k" | tr '\n' ' ')"
	# a load whose rows are gone is not consumed as none
	sql "delete from millrace.model_load where model = 'q.sums'; update millrace.model set floor_load = 0 where model = 'q.sums'"
	run periodic --project other
	assert_status 2
	assert_says "of staging.r is older than all that staging.r still holds"
	assert_says "periodic exclude q.sums"
	assert_equal untouched 7 "$(sql "select total from q.sums where k = 'a'")"
}

@test "retention steps over what stands in its way, and is refused for lookups" {
	sed -i '/^-- load/a -- retention: 2d' sql/p/streams/r.sql
	periodic
	old_load
	# a table of somebody else's, with a view over it
	sql "create role stranger; alter table staging.r_old owner to stranger; create view public.peek as select * from staging.r_old"
	run -0 periodic
	assert_says "staging.r: old partitions stay: cannot drop table staging.r_old because other objects depend on it"
	sql "drop view public.peek"
	# in use: nobody waits for us, who wait for it
	coproc reader { psql -XAtq; }
	echo "begin; select count(*) from staging.r_old;" >&"${reader[1]}"
	read -r -u "${reader[0]}"
	feed "('b', 1)"
	run -0 periodic
	assert_equal "in use" 1 "$(parts)"
	echo "commit; select 'over';" >&"${reader[1]}"
	read -r -u "${reader[0]}"
	feed "('b', 1)"
	run -0 periodic
	assert_says "1 partition retired"
	assert_equal sums "a|1|7 b|2|2 " "$(sums)"
	sql "drop role stranger"
	sed 's/staging\.r /staging.s /; s/stream: r/stream: s/; /retention/d' sql/p/streams/r.sql >sql/p/streams/s.sql
	for change in as_of ignore; do
		model both <<-SQL
			-- config:
			--   materialized: incremental
			--   strategy: append
			--   lookups: [staging.r on_change=$change]
			select s.k, r.v from staging.s s left join staging.r r on r.k = s.k where /*+ incremental(s.k) */ true
		SQL
		run periodic
		assert_status 2
		assert_says "retention would take rows that p.both needs: it looks rows up in it"
	done
}

@test "a rebuild notices the partition that goes between its snapshot and its reading" {
	periodic
	old_load
	periodic
	coproc other { psql -XAtq; }
	echo "begin; lock table staging.r in access exclusive mode; select 'locked';" >&"${other[1]}"
	read -r -u "${other[0]}"
	periodic --full-refresh 2>rebuild.log &
	local running=$! code=0
	wait_for_value 10 "select count(*) from pg_locks where not granted and relation = 'staging.r'::regclass" 1
	echo "drop table staging.r_old; commit; select 'gone';" >&"${other[1]}"
	read -r -u "${other[0]}"
	wait "$running" || code=$?
	assert_equal "exit status" 2 "$code"
	grep -q "staging.r only holds what was loaded since" rebuild.log
	assert_equal "what was counted stays" "a|1|7 " "$(sums)"
}

@test "staging is dropped when it is old and everybody has used it, never before" {
	sed -i '/^-- load/a -- retention: 2d' sql/p/streams/r.sql
	model late <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: append
		select r.k from staging.r r where /*+ incremental(r.k) */ true
	SQL
	periodic
	old_load
	periodic -s p.sums
	assert_equal "one has not used it" 1 "$(parts)"
	run -0 periodic
	assert_says "staging.r: 1 partition retired"
	assert_equal "all have" 0 "$(parts)"
	feed "('a', 1)"
	periodic
	assert_equal "what was counted stays" "a|2|8 " "$(sums)"
	run periodic --full-refresh -s p.sums
	assert_status 2
	assert_says "only holds what was loaded since"
	run periodic exclude p.sums "$(load_of 2)"
	assert_status 2
	assert_equal "what was counted stays" "a|2|8 " "$(sums)"
	model all <<<"select r.k from staging.r r"
	run periodic
	assert_status 2
	assert_says "retention would take rows that p.all needs: it is a view and shows all of it"
}

@test "a load is found by its index on the first day, without waiting for autovacuum" {
	periodic
	for _ in 1 2 3; do
		sql "begin;
		     insert into millrace.load (relation, loaded_at, row_count) values ('staging.r', now(), 30000);
		     insert into staging.r (k, v) select 'k' || n % 7, 0 from generate_series(1, 30000) n; commit"
		run -0 periodic
	done
	local newest plan
	newest=$(sql "select max(loaded_at) from millrace.load where relation = 'staging.r'")
	plan=$(sql "explain select * from staging.r where loaded_at = any('{\"$newest\"}'::timestamptz[])")
	[[ $plan == *"Bitmap Index Scan"* ]] || { echo "$plan"; false; }
	assert_equal sums 90000 "$(sql 'select sum(n) from p.sums')"
}

@test "rows whose changes nobody reads are updated where they are, and an index for readers holds what they look for" {
	sed -i '/by: k/a --   rows: n
		/not_null/d' sql/p/models/sums.sql
	periodic
	feed "('a', 1), ('b', 1), (null, 1)"
	periodic
	for i in 1 2 3; do
		feed "('a', $i), (null, $i), ('c$i', 1)"
		run -0 periodic
		assert_says "p.sums: delta, +3 -2 rows"
	done
	local changes="n_tup_ins, n_tup_upd, n_tup_hot_upd, n_tup_del"
	wait_for_value 20 "select $changes from pg_stat_user_tables where relid = 'p.sums'::regclass" "6|6|6|0"
	assert_equal sums "a|4|7 b|1|1 c1|1|1 c2|1|1 c3|1|1 |4|7 " "$(sums)"
	model seen <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: recompute
		--   by: total
		--   unique_key: [total]
		select s.total, count(*) as keys
		from p.sums s
		where /*+ incremental(s.total) */ true and s.k = 'a'
		group by 1
	SQL
	periodic
	assert_equal index "CREATE INDEX ON p.sums USING btree (total) WHERE (k = 'a'::text)" \
		"$(sql "select regexp_replace(indexdef, 'INDEX \\S+', 'INDEX') from pg_indexes
			where tablename = 'sums' and indexdef like '%WHERE%'")"
	# now they are read: the versions that go are kept until they have been
	feed "('a', 1), ('b', -1)"
	run -0 periodic
	assert_says "p.sums: delta, +2 -2 rows"
	assert_equal seen "8|1" "$(sql 'select total, keys from p.seen')"
	wait_for_value 20 "select n_tup_upd, n_tup_del from pg_stat_user_tables where relid = 'p.sums'::regclass" "6|2"
}

@test "a row that changes where none of its readers looks stays where it is" {
	sed -i '/by: k/a --   rows: n' sql/p/models/sums.sql
	keys_model
	periodic
	feed "('a', 1), ('b', 1)"
	periodic
	local since changes="n_tup_ins, n_tup_upd, n_tup_del from pg_stat_user_tables where relid = 'p.sums'::regclass"
	since=$(sql "select loaded_at from p.sums where k = 'a'")
	feed "('a', 2), ('c', 1)"
	run -0 periodic
	assert_says "p.sums: delta, +2 -1 rows"
	wait_for_value 20 "select $changes" "3|1|0"
	assert_equal sums "a|2|3 b|1|1 c|1|1 " "$(sums)"
	assert_equal "its readers have seen it" "$since" "$(sql "select loaded_at from p.sums where k = 'a'")"
	assert_equal keys 3 "$(sql 'select keys from p.keys')"
	run -0 periodic audit
	# who looks has it all, and from then on each version
	sed -i 's/count(\*) as keys/count(*) as keys, sum(s.total) as total/' sql/p/models/keys.sql
	run -0 periodic
	assert_equal keys "3|5" "$(sql 'select keys, total from p.keys')"
	feed "('a', 4), ('b', 0)"
	periodic
	wait_for_value 20 "select $changes" "4|2|1"
	assert_equal keys "3|9" "$(sql 'select keys, total from p.keys')"
	run -0 periodic audit
}

@test "a reader that was away while a row changed where nobody else looks has it all" {
	sed -i '/by: k/a --   rows: n' sql/p/models/sums.sql
	keys_model
	sed 's/count(\*) as keys/sum(s.n) as n, sum(s.total) as total/; s/keys/n/' sql/p/models/keys.sql >sql/p/models/totals.sql
	periodic
	feed "('a', 1), ('b', 1)"
	periodic
	assert_equal totals "2|2" "$(sql 'select n, total from p.totals')"
	mv sql/p/models/totals.sql .
	feed "('a', 2)"
	periodic
	assert_equal sums "a|2|3 b|1|1 " "$(sums)"
	mv totals.sql sql/p/models
	feed "('c', 5)"
	run -0 periodic
	assert_equal totals "4|9" "$(sql 'select n, total from p.totals')"
	assert_says "p.totals: rebuild"
	assert_says "p.keys: delta, +1 -1 rows, 1 load"
	# it is no reader from elsewhere any more: everything is followed again
	feed "('c', 1)"
	run -0 periodic
	assert_says "p.totals: delta, +1 -1 rows, 1 load"
	assert_equal totals "5|10" "$(sql 'select n, total from p.totals')"
	run -0 periodic audit
}
