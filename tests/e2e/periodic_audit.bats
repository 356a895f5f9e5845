#!/usr/bin/env bats
# periodic audit: marts against their own queries.

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
	sed -i '/tests:/,/total/d; s/--   by: k/--   rows: n/' sql/p/models/sums.sql
	model firsts <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: merge
		--   unique_key: [k]
		--   order_by: v desc nulls last
		select r.k, r.v from staging.r r where /*+ incremental(r.k) */ true
	SQL
	# reads what changes and vanishes, through a name without an alias
	model by_total <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: delta
		--   unique_key: [total]
		--   rows: n
		select s.total, count(*) as n from p.sums s where /*+ incremental(s.total) */ true group by 1
	SQL
	model doubles <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: recompute
		--   by: k
		select s.k, s.total * 2 as twice from p.sums s where /*+ incremental(s.k) */ true
	SQL
	model shown <<<"select sums.k, sums.total from p.sums"
	model whole <<-'SQL'
		-- config:
		--   materialized: table
		select shown.k, shown.total from p.shown where shown.total > 5
	SQL
	echo 'word,weight:int
a,1' >sql/p/seeds/words.csv
}
teardown() { drop_own_database; }

equal() { grep -c ' equal ' <<<"$output"; }

@test "pending loads count for neither side, of whatever kind they are" {
	run -0 periodic audit
	assert_says "not now: not built yet"
	periodic
	feed "('a', 1), ('b', 2), ('c', 9), (null, 3)"
	periodic
	run -0 periodic audit
	assert_equal "models" 6 "$(equal)"
	# new rows in staging
	feed "('a', 5), ('d', 1)"
	run -0 periodic audit
	assert_equal "models" 6 "$(equal)"
	# changed rows of sums, which its readers have not seen
	feed "('b', -2), ('c', 1)"
	periodic -s sums
	run -0 periodic audit
	[[ $output =~ p.by_total\ +all\ +4\ rows\ +equal ]]
	[[ $output =~ p.doubles\ +all\ +4\ rows\ +equal ]]
	assert_equal "models" 6 "$(equal)"
	assert_equal "nothing was consumed" 3 "$(sql "select count(*) from millrace.load l
		cross join (values ('p.firsts'), ('p.by_total')) m (model) where not exists
		(select from millrace.model_load x where x.model = m.model and x.load_id = l.load_id)
		and l.relation = case m.model when 'p.firsts' then 'staging.r' else 'p.sums' end
		and l.load_id > (select floor_load from millrace.model f where f.model = m.model)")"
	periodic
	echo "b,2" >>sql/p/seeds/words.csv
	run -0 periodic audit -s whole -s words
	assert_says "p.words                          not now: its code has changed"
	assert_equal "models" 1 "$(equal)"
}

@test "what other hands have changed is found, told and mended" {
	periodic
	feed "('a', 1), ('b', 2), ('c', 9)"
	periodic
	sql "delete from p.sums where k = 'a'; update p.sums set total = 20 where k = 'b';
	     insert into p.sums (k, n, total) values ('x', 1, 1); update p.firsts set v = 0 where k = 'c';
	     update p.words set weight = 7"
	run -3 periodic audit
	assert_says "missing, the query has them: 2 rows"
	assert_says "unexpected, the query has not: 2 rows"
	assert_says "x | 1 | 1"
	[[ $output =~ p.firsts\ +all\ +3\ rows\ +DIFFERS ]]
	[[ $output =~ p.words\ +all\ +1\ rows\ +DIFFERS ]]
	# what reads it was kept up to date from what it was
	[[ $output =~ p.by_total\ +all\ +3\ rows\ +DIFFERS ]]
	assert_equal log "p.sums audit fail 4 a" "$(sql "
		select m.model, m.action, m.status, t.failures, t.sample->'missing'->0->>'k'
		from millrace.run_model m join millrace.test_result t using (run_id, model)
		where m.model = 'p.sums' and t.test = 'audit'" | tr '|' ' ')"
	run -0 periodic audit --repair
	assert_says "repaired; what reads it follows"
	run -0 periodic audit
	assert_equal "models" 6 "$(equal)"
	assert_equal sums "a1 b2 c9" "$(sql "select string_agg(k || total, ' ' order by k) from p.sums")"
	assert_equal by_total "1:1 2:1 9:1" "$(sql "select string_agg(total || ':' || n, ' ' order by total) from p.by_total")"
	assert_equal doubles "2 4 18" "$(sql "select string_agg(twice::text, ' ' order by twice) from p.doubles")"
	# readers go on from there
	feed "('a', 1), ('c', -9)"
	run -0 periodic
	run -0 periodic audit
	assert_equal "models" 6 "$(equal)"
}

@test "a repair that would break a test publishes nothing" {
	periodic
	feed "('a', 2000)"
	periodic
	sql "update p.sums set total = 3"
	sed -i '1i -- tests:\n--   - expression: total < 1000' sql/p/models/sums.sql
	# the new test is no new code
	run -3 periodic audit --repair -s sums
	assert_says "test expression(total < 1000) of p.sums fails for 1 row"
	assert_equal mart 3 "$(sql 'select total from p.sums')"
}

@test "of large tables parts are compared, chosen by chance from both sides" {
	model users <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: recompute
		--   by: k
		select f.k, f.v from p.firsts f where /*+ incremental(f.k) */ true
	SQL
	rm sql/p/models/{sums,by_total,doubles,shown,whole}.sql
	periodic
	sql "begin; insert into millrace.load (relation, loaded_at, row_count) values ('staging.r', now(), 120000);
	     insert into staging.r (k, v) select 'k' || i, i from generate_series(1, 120000) i; commit"
	periodic
	run -0 periodic audit -s firsts -s users --parts 3
	[[ $output =~ p.firsts\ +3\ of\ 12[0-9]\ +[0-9]{4}\ rows\ +equal ]]
	# by key or by bucket, as the planner's statistics suggest
	[[ $output =~ p.users\ +[1-6]\ of\ (k|12[0-9])\ +[0-9]+\ rows\ +equal ]] || {
		echo "$output"
		return 1
	}
	# rows that are there, and rows that are not
	sql "update p.firsts set v = -1 where v % 2 = 0; delete from p.users"
	run -3 periodic audit -s firsts -s users --parts 3
	[[ $output =~ p.firsts\ +3\ of\ [0-9]+\ +[0-9]+\ rows\ +DIFFERS ]]
	[[ $output =~ p.users\ +.*DIFFERS ]]
}

@test "under load and beside another periodic there is never a false alarm" {
	periodic
	(
		for _ in $(seq 1 400); do
			feed "('k$((RANDOM % 9))', $((RANDOM % 7 - 3))), ('k$((RANDOM % 9))', 1)" || exit
			[ -e "done" ] && exit
		done
	) &
	local loader=$!
	(while [ ! -e "done" ]; do periodic -q; done) &
	local runner=$!
	local audits=0
	for _ in $(seq 1 "${AUDITS:-12}"); do
		run periodic audit
		[ "$status" = 0 ] || { touch "done"; wait; echo "$output"; return 1; }
		audits=$((audits + $(equal)))
	done
	touch "done"
	wait "$loader" "$runner"
	echo "# $audits comparisons" >&3
	[ "$audits" -ge 50 ]
}

@test "a sum is compared as a number, whatever zeros are left of what has gone from it" {
	model priced <<-'SQL'
		-- config:
		--   strategy: merge
		--   unique_key: [k]
		--   order_by: v desc
		select r.k, r.v, case r.v when 1 then 1.50 else r.v::numeric end as price
		from staging.r r where /*+ incremental(r.k) */ true
	SQL
	model spent <<-'SQL'
		-- config:
		--   strategy: delta
		--   unique_key: [who]
		--   rows: n
		select left(p.k, 1) as who, count(*) as n, sum(p.price) as spent
		from p.priced p where /*+ incremental(p.k) */ true group by 1
	SQL
	periodic
	feed "('a1', 1), ('a2', 3)"
	periodic
	feed "('a1', 2)"
	periodic
	assert_equal "what is there" "5.00" "$(sql 'select spent from p.spent')"
	run -0 periodic audit -s spent
	assert_says " equal "
	sql "update p.spent set spent = 123456789012345678.90"
	run -3 periodic audit -s spent
	assert_says "a   | 2 | 123456789012345678.9"
}
