#!/usr/bin/env bats
# target/manifest.json and run_results.json, read as others read them.

load ../support/small_project

# The published reader, in a venv that lives with the build.
install_reader() {
	READER=$ROOT/build/dbt-reader
	[ ! -e "$READER/ready" ] || return 0
	python3 -m venv "$READER" &&
		"$READER/bin/pip" install -q --disable-pip-version-check dbt-artifacts-parser==0.15.0 &&
		touch "$READER/ready"
}
reader() { "$READER/bin/python" "$ROOT/tests/support/read_artifacts.py" target; }

@test "a published reader of dbt artifacts understands both" {
	printf 'k,factor:int\na,2\n' >sql/p/seeds/factors.csv
	mkdir sql/p/tests
	echo 'select k from p.sums where n > 100' >sql/p/tests/not_many.sql
	model seen <<-'SQL'
		-- config:
		--   materialized: view
		--   tags: [nightly]
		--   owner: metrics@example.org
		-- description: With "quotes" and ümlauts.
		select s.k, s.total * f.factor as weighed from p.sums s join p.factors f using (k)
	SQL
	model above <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: recompute
		--   by: k
		select s.k, s.n from p.sums s where /*+ incremental(s.k) */ true
	SQL
	model kept <<-'SQL'
		-- config:
		--   materialized: snapshot
		--   strategy: check
		--   unique_key: k
		--   check_cols: all
		select r.k, r.v from staging.r r where /*+ incremental(r.k) */ true
	SQL
	periodic -q
	feed "('a', 5000)"
	run -3 periodic -q
	[ -s target/manifest.json ]
	[ -s target/run_results.json ]
	install_reader >install 2>&1 || skip "dbt-artifacts-parser cannot be installed from PyPI: $(tail -1 install)"
	reader >understood
	cat >expected <<-'EOF'
		node model.p.above incremental model.p.sums
		node model.p.seen view model.p.sums,seed.p.factors
		node model.p.sums incremental source.p.staging.r
		node seed.p.factors seed 
		node snapshot.p.kept snapshot source.p.staging.r
		node test.p.sums.expression(total < 1000) ERROR model.p.sums
		node test.p.sums.not_null(k) ERROR model.p.sums
		node test.p.sums.p/tests/not_many.sql ERROR model.p.sums
		source source.p.staging.r "staging"."r"
		parents model.p.above model.p.sums
		parents model.p.seen model.p.sums,seed.p.factors
		parents model.p.sums source.p.staging.r
		parents seed.p.factors 
		parents snapshot.p.kept source.p.staging.r
		parents source.p.staging.r 
	EOF
	assert_equal understood "$(cat expected)" "$(grep -v ^result understood)"
	grep -qx 'result model.p.sums error None' understood
	grep -qx 'result model.p.above skipped None' understood
	grep -qx 'result test.p.sums.expression(total < 1000) fail 1' understood
	assert_equal description 'With "quotes" and ümlauts.' "$(jq -r '.nodes["model.p.seen"].description' target/manifest.json)"
	feed "('a', -4990)"
	periodic -q
	reader | grep -qx 'result model.p.sums success None'
	run -0 periodic -q test
	reader | grep -qx 'result test.p.sums.not_null(k) pass 0'
}

@test "idle passes leave them alone, and they may be turned off" {
	periodic -q
	local before
	before=$(stat -c '%i %y' target/*)
	periodic -q
	assert_equal untouched "$before" "$(stat -c '%i %y' target/*)"
	rm -r target
	feed "('a', 1)"
	periodic -q --artifacts=off
	[ ! -e target ]
	# nobody's run fails for want of them
	touch target
	feed "('b', 1)"
	run -0 periodic
	assert_says "warning: artifacts: cannot"
	assert_says "1 done, 0 failed"
}
