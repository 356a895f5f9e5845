#!/usr/bin/env bats
# Looking before running: selectors that ask the database, plan, ls, compile.

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
	on_top_model | model on_top
}
teardown() { drop_own_database; }

on_top_model() {
	cat <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: recompute
		--   by: k
		--   tags: [nightly, top]
		-- description: What "twice" is.
		select s.k, s.total * 2 as twice from p.sums s where /*+ incremental(s.k) */ true
	SQL
}

@test "result: reads the last run, state: the code" {
	run -0 periodic ls -s state:new --output name
	assert_equal new "p.sums p.on_top" "$(xargs <<<"$output")"
	periodic
	assert_equal success "p.sums p.on_top" "$(periodic ls -s result:success --output name | xargs)"
	assert_equal modified "" "$(periodic ls -s state:modified --output name)"
	feed "('a', 5000)"
	run -3 periodic
	assert_equal fail p.sums "$(periodic ls -s result:fail --output name)"
	assert_equal skipped p.on_top "$(periodic ls -s result:skipped --output name)"
	assert_equal both "p.sums p.on_top" "$(periodic ls -s result:fail+ --output name | xargs)"
	assert_equal less p.sums "$(periodic ls -s 'result:fail result:skipped' --exclude tag:top --output name)"
	feed "('a', -4990)"
	run -0 periodic -s result:fail+
	assert_says "2 done, 0 failed"
	sed -i 's/\* 2/* 3/' sql/p/models/on_top.sql
	assert_equal modified p.on_top "$(periodic ls -s state:modified,tag:nightly --output name)"
	run -1 periodic -s result:eror
	assert_says 'did you mean "result:error"?'
}

@test "packs and folders are selected as in dbt" {
	mkdir sql/p/models/marts
	mv sql/p/models/on_top.sql sql/p/models/marts/
	assert_equal pack "p.sums p.on_top" "$(periodic ls -s p --output name | xargs)"
	assert_equal folder p.on_top "$(periodic ls -s p.marts --output name)"
	assert_equal wild "p.sums p.on_top" "$(periodic ls -s 'p.*' --output name | xargs)"
	assert_equal "two of them" "p.sums p.on_top" "$(periodic ls -s sums -s on_top --output name | xargs)"
}

@test "ls as JSON says what a model is" {
	run -0 periodic ls -s on_top --output json
	assert_equal object 'p.on_top model incremental recompute ["nightly","top"] ["p.sums"] What "twice" is.' \
		"$(jq -cr '"\(.name) \(.resource_type) \(.materialized) \(.strategy) \(.tags) \(.depends_on) \(.description)"' <<<"$output")"
}

@test "plan counts loads, rows and touched parts, and says what changed code does" {
	periodic
	feed "('a', 1), ('b', 2), ('c', 3)"
	periodic
	feed "('a', 1), ('b', 2)"
	feed "('a', 1)"
	run -0 periodic plan --output json
	assert_equal sums "delta|new loads|2|3|null" \
		"$(jq -r 'select(.name == "p.sums") | "\(.action)|\(.reason)|\(.loads | length)|\(.rows)|\(.parts)"' <<<"$output")"
	assert_equal on_top "recompute|changed input|0" \
		"$(jq -r 'select(.name == "p.on_top") | "\(.action)|\(.reason)|\(.rows)"' <<<"$output")"
	periodic -s sums
	run -0 periodic plan
	[[ ${lines[0]} == MODEL* && ${lines[1]} =~ ^p.on_top\ +recompute\ +new\ loads\ +1\ +2\ +2$ ]]
	periodic
	sed -i 's/total \* 2/total * 3/' sql/p/models/on_top.sql
	run -0 periodic plan
	[[ ${lines[1]} =~ ^p.on_top\ +rebuild\ +changed\ code$ ]]
	# nothing was left behind, and nothing done
	assert_equal mart "a|6 b|8 c|6" "$(sql 'select k, twice from p.on_top order by k' | xargs)"
	# one that somebody has dropped, and a seed
	sql 'drop table p.on_top'
	printf 'k\na\n' >sql/p/seeds/s.csv
	periodic -q seed
	printf 'k\nb\n' >sql/p/seeds/s.csv
	run -0 periodic plan
	[[ ${lines[1]} =~ ^p.s\ +seed\ +changed\ file$ ]]
	[[ ${lines[2]} =~ ^p.on_top\ +build\ +missing\ table$ ]]
}

@test "what compile prints runs in psql, and leaves nothing" {
	periodic
	feed "('a', 1), ('b', 2)"
	local before
	before=$(sql "select pg_current_xact_id_if_assigned(), count(*) from p.sums")
	run -0 periodic compile -s sums
	assert_says "from \"staging\".\"r\" where loaded_at = any('{"
	assert_says 'insert into "p"."sums"'
	periodic compile -s sums 2>/dev/null >out.sql
	psql -Xq -v ON_ERROR_STOP=1 -f out.sql
	assert_equal untouched "$before" "$(sql "select null, count(*) from p.sums")"
	periodic
	feed "('a', 1)"
	periodic
	# the project whole, into files; one that is not built yet and a view too
	echo 'select sum(twice) as n from p.on_top' | model seen
	sed -i '1i -- config:\n--   materialized: view' sql/p/models/seen.sql
	sed 's/sums/on_top/g; s/total/twice/g' sql/p/models/on_top.sql | model above
	run periodic compile
	assert_status 0
	assert_equal files "./above.sql ./on_top.sql ./seen.sql ./sums.sql" "$(cd target/compiled/p && echo ./*)"
	for file in sums on_top above; do
		psql -Xq -v ON_ERROR_STOP=1 -f "target/compiled/p/$file.sql" >/dev/null
	done
	grep -q '^create table "p"."above" as' target/compiled/p/above.sql
	grep -q '^create or replace view "p"."seen" as' target/compiled/p/seen.sql
	# as a pass runs it: with commit for rollback it does the same as the pass
	feed "('b', 5)"
	periodic compile -s sums 2>/dev/null | sed 's/^rollback;/commit;/' | psql -Xq
	local by_hand
	by_hand=$(sql "select k, n, total from p.sums order by k" | xargs)
	periodic -q --full-refresh -s sums
	assert_equal "by hand" "$(sql "select k, n, total from p.sums order by k" | xargs)" "$by_hand"
}

@test "a command's help is about that command" {
	run -0 periodic plan --help
	[[ ${lines[0]} == "periodic plan "* && $output == *--output* && $output == *--dsn* ]]
	[[ $output != *--systemd* && $output != *--parts* && $output != *"periodic ls"* ]]
	run -0 periodic jobs --help
	[[ $output == *--systemd* && $output == *--output* && $output != *--full-refresh* ]]
	run -0 periodic run --help
	[[ ${lines[0]} == "periodic [run] "* && $output == *--full-refresh* ]]
	run -0 periodic --help
	[[ $output == *"periodic ls"* && $output == *--systemd* && $output == *"Exit status"* ]]
	run -0 handle-streams verify --help
	[[ ${lines[0]} == "handle-streams verify"* && $output != *"handle-streams explain"* ]]
}
