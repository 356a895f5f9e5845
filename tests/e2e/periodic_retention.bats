#!/usr/bin/env bats
# Staging that is dropped, and who still needs it.

load ../support/small_project

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

@test "what a rebuild has asked about stays until it has read it" {
	mkdir -p sql/p/seeds
	echo "w" >sql/p/seeds/words.csv
	echo "x" >>sql/p/seeds/words.csv
	model counted <<-'SQL'
		-- config:
		--   materialized: table
		select r.k, count(*) as n from p.words w cross join staging.r r group by 1
	SQL
	periodic
	old_load
	# it has asked, and waits before it comes to staging
	coproc other { psql -XAtq; }
	echo "begin; lock table p.words in access exclusive mode; select 'locked';" >&"${other[1]}"
	read -r -u "${other[0]}"
	periodic -s p.counted 2>rebuild.log 3>&- &
	local running=$!
	wait_for_value 10 "select count(*) from pg_locks where not granted and relation = 'p.words'::regclass" 1
	run sql "set lock_timeout = '100ms'; drop table staging.r_old"
	echo "commit; select 'free';" >&"${other[1]}"
	read -r -u "${other[0]}"
	wait "$running"
	assert_says "lock timeout"
	assert_equal "what was counted" "a|1" "$(sql "select k, n from p.counted")"
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
