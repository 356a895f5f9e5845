#!/bin/bash
# What the benchmarks share, to be sourced; the rest is up to each.
#
#   results NAME                  figures go to bench/results/NAME-<time>.csv too,
#                                 each with the machine and the program it is of
#   result WHAT METRIC VALUE      one of them
#   result_runs WHAT FILE [N]     what measure.py said, a line a run; of N records
#   result_lag WHAT REPORT        what lag.py said
#   private_server                the server is set as the private one of a machine
#                                 with 8 GB would be
#   measure COMMAND...            measure.py, which must succeed
#   table_head WORDS [COLUMN]     a table of the best of each, beside ours
#   table_row WHAT WORDS N        ... $work/WHAT and $work/ours, of N records
#   rival_python                  build/bench/python with what rivals need; false,
#                                 and a sentence, if it cannot be installed
# shellcheck disable=SC2034,SC2154 # python is for whoever sources this, work from there
bench=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=$bench/../../build/bench/python/bin/python

sql() { psql -XAtq -v ON_ERROR_STOP=1 -c "$1"; }

results() {
	local folder=$bench/../../bench/results
	mkdir -p "$folder"
	results_name=$1
	results_file=$(cd "$folder" && pwd)/$1-$(date -u +%Y%m%dT%H%M%SZ).csv
	results_of=$(
		printf '%s,' "$(date -u +%FT%TZ)"
		"$BUILD/handle-streams" --version | sed -n '1s/.*(\(.*\)).*/\1,/p' | tr -d '\n'
		printf '"%s",' "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1 | tr -d '"')"
		printf '%s,' "$(nproc)" "$(awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo)"
		printf '"%s",' "$(uname -r)" "$(sql 'show server_version')"
		printf '%s' "$(pkg-config --modversion rdkafka)"
	)
	echo "benchmark,what,metric,value,date,commit,cpu,cores,memory_mb,kernel,postgresql,librdkafka" \
		>"$results_file"
	echo "# every figure: bench/results/${results_file##*/}"
}
result() {
	printf '%s,"%s",%s,%s,%s\n' "$results_name" "${1//\"/}" "$2" "$3" "$results_of" >>"$results_file"
}
result_runs() {
	local seconds cpu mb first
	while read -r seconds cpu mb first; do
		result "$1" seconds "$seconds"
		result "$1" cpu_s "$cpu"
		result "$1" memory_mb "$mb"
		[ -z "${3:-}" ] || result "$1" records_per_s "$(awk "BEGIN { printf \"%d\", $3 / $seconds }")"
		[ -z "$first" ] || result "$1" seconds_from_first_rows "$first"
	done <"$2"
}

result_lag() {
	local name value
	grep -oE '(p50|p90|p99|max) [0-9.]+ s' "$2" | while read -r name value _; do
		result "$1" "${name}_s" "$value"
	done
}

private_server() {
	local setting
	for setting in "shared_buffers = '1GB'" "max_wal_size = '2GB'" "checkpoint_timeout = '15min'"; do
		sql "alter system set $setting"
	done
	"$bench/../support/suite_pg.sh" stop "$SUITE_PG"
	"$bench/../support/suite_pg.sh" start "$SUITE_PG"
}

measure() { "$bench/measure.py" "$@" 2>"$work/err" || { cat "$work/err" >&2; exit 1; }; }

table_head() {
	printf '%-44s %8s %10s %8s %6s %7s\n' "$1" seconds records/s "CPU s" MB "${2:-x ours}"
}
table_row() {
	[ -s "$work/$1" ] || return 0
	result_runs "$2" "$work/$1" "$3"
	sort -n "$work/$1" | head -n 1 | awk -v n="$3" -v words="$2" \
		-v ours="$(sort -n "$work/ours" | head -n 1)" '{
		split(ours, o)
		printf "%-44s %8.2f %10d %8.2f %6d %7.2f", words, $1, n / $1, $2, $3, $1 / o[1]
		if ($4) printf "   from the first rows: %.2f s, %.2f", $4, $4 / o[1]
		print ""
	}'
}

rival_python() {
	"$python" -c "import confluent_kafka, orjson, psycopg" 2>/dev/null && return
	if {
		python3 -m venv "$bench/../../build/bench/python" &&
			"$python" -m pip -q --disable-pip-version-check install --retries 1 --timeout 15 \
				-r "$bench/requirements.txt"
	} >"$work/err" 2>&1; then
		return
	fi
	echo "# without Python, which cannot be installed: $(tail -n 1 "$work/err")"
	return 1
}
