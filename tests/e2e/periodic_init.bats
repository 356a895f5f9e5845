#!/usr/bin/env bats
# A first project, and the corners of its seed.

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
	unset PERIODIC_PROJECT HANDLE_STREAMS_PROJECT
}
teardown() { drop_own_database; }

@test "the project runs as printed, and as its README says" {
	periodic init my/shop >to_type
	sh -e to_type >told
	cat >expected <<-'EOF'
		day,category,orders,revenue
		2026-03-01,dishes,1,36.00
		2026-03-01,drinks,2,11.20
		2026-03-02,dishes,1,18.00
		2026-03-02,drinks,2,28.70
		2026-03-03,drinks,3,25.20
	EOF
	assert_equal revenue "$(cat expected)" "$(cat told)"
	cd my/shop
	sed -n '/^Then try/,$ s/^    //p' README.md | sed 's/   .*//' >then_try
	run -0 sh -e then_try
	assert_says "shop.revenue: delta, +1 -1 rows, 1 load"
	assert_says 'insert into "shop"."revenue"'
	assert_equal "a late order" 2026-03-01,drinks,3,21.70 "$(grep 2026-03-01,drinks metrics/revenue.csv)"
	run -0 periodic --job shop
	assert_says "nothing new"
}

@test "a folder that is not empty is refused, and left as it is" {
	mkdir there
	touch there/mine
	run -1 periodic init there
	assert_says "there is not empty: it holds mine; name a new folder"
	assert_equal left mine "$(ls -A there)"
	run -2 periodic init there/mine
	assert_says "cannot read there/mine: Not a directory"
	run -1 periodic init
	assert_says "init needs more"
}

@test "a seed is read as CSV is, into the types that it declares" {
	periodic init shop >/dev/null
	cd shop
	printf '\xef\xbb\xbfproduct,"price:numeric(12,2)",category,"since:date"\r\n' >sql/shop/seeds/products.csv
	printf 'tea,3.50,"drinks, ""hot""",2026-01-31\r\n"two\nlines",,,\r\ncup,"9.00","",' >>sql/shop/seeds/products.csv
	periodic -q seed
	assert_equal rows 'cup|9.00||~ tea|3.50|drinks,_"hot"|2026-01-31 two/lines|~|~|~' "$(sql "
		select replace(replace(product, E'\n', '/'), ' ', '_') || '|' || coalesce(price::text, '~') || '|'
		|| coalesce(replace(category, ' ', '_'), '~') || '|' || coalesce(since::text, '~')
		from shop.products order by product" | xargs -d '\n')"
	assert_equal types "text numeric(12,2) text date" "$(sql "select string_agg(format_type(atttypid, atttypmod), ' ' order by attnum)
		from pg_attribute where attrelid = 'shop.products'::regclass and attnum > 0 and attname <> 'loaded_at'")"
	# only the row that changed is written
	local before
	before=$(sql "select xmin from shop.products where product = 'tea'")
	sed -i 's/"9.00"/10/' sql/shop/seeds/products.csv
	run -0 periodic seed
	assert_says "shop.products: seed, +1 -1 rows"
	assert_equal untouched "$before" "$(sql "select xmin from shop.products where product = 'tea'")"
	run -0 periodic seed
	assert_says "nothing new"
	# a type that changes rebuilds; a file of the header alone is an empty table
	printf 'product,price,category\n' >sql/shop/seeds/products.csv
	periodic -q seed
	assert_equal empty "0 text" "$(sql "select count(*), (select format_type(atttypid, atttypmod) from pg_attribute
		where attrelid = 'shop.products'::regclass and attname = 'price') from shop.products" | tr '|' ' ')"
}

@test "a mistake in a seed is named with file and line, and the table stays" {
	periodic init shop >/dev/null
	cd shop
	periodic -q seed
	local text said
	while IFS='~' read -r text said; do
		printf '%b' "$text" >sql/shop/seeds/products.csv
		run periodic seed
		[ "$status" -ge 2 ]
		assert_says "sql/shop/seeds/products.csv:$said"
	done <<-'EOF'
		a,price:numeric\nx,1\ny,dear\n~3: column price: invalid input syntax for type numeric
		a,b\nx,1\ny,2,3\n~3: extra data after last expected column
		a,b\nx\n~2: missing data for column "b"
		a,b\n"x,1\n~3: unterminated CSV quoted field
		a,price:numeric(12,2)\n~1: price: "numeric(12" is no type; one with a comma is quoted
		a,b:int; drop table x\n~1: b: "int; drop table x" is no type
		a,b,a\n~1: two columns are called a
		a,,b\n~1: a column is written name or name:type
		a\nx\n\\.\ny\n~3: a line that is \. would end the data for PostgreSQL
		a,b:nosuch\n1,2\n~ type "nosuch" does not exist
	EOF
	assert_equal kept 3 "$(sql "select count(*) from shop.products")"
}
