#!/bin/sh
# Installs the Debian packages that are missing; says which and why; does
# nothing when nothing is missing.   deps.sh build|test|bench|deb|lint ...
set -eu

wanted() {
	case $1 in
	build) cat <<-'EOF'
		gcc compiles both programs
		libc6-dev compiles both programs
		make builds
		pkg-config finds the libraries
		libpq-dev speaks to PostgreSQL
		libjansson-dev reads JSON
		libxxhash-dev hashes file contents
		librdkafka-dev speaks to Kafka
		libmicrohttpd-dev answers /metrics
		postgresql runs the private server
		postgresql-client is psql, for looking at the tables
		EOF
		;;
	test) cat <<-'EOF'
		libcmocka-dev runs the unit tests
		bats runs the tests of the programs
		perl is prove, which sums up the tests
		python3 runs the oracles and the chaos tests
		openssl makes the certificates of the tests
		procps finds and kills what the tests have started
		jq reads query plans
		mandoc checks the manual pages
		systemd checks units
		kcat fills Kafka topics
		pgbouncer is the pooler that one must not go through
		maven fetches the Kafka broker of the tests
		default-jre-headless runs it
		EOF
		;;
	bench) cat <<-'EOF'
		python3-venv holds what Python loads with, in the benchmarks
		default-jdk-headless compiles what Kafka Connect flattens with
		jq flattens, in the benchmarks
		EOF
		;;
	deb) cat <<-'EOF'
		debhelper builds the package
		dpkg-dev builds the package
		debootstrap makes the Debian that it is tested in
		fakeroot lets its files be root's
		EOF
		;;
	lint) cat <<-'EOF'
		clang-format checks the layout of the code
		clang-tidy looks for mistakes
		cppcheck looks for mistakes
		shellcheck looks for mistakes in shell scripts
		python3-venv holds the linters of what is deployed
		EOF
		;;
	*)
		echo "deps.sh: unknown group $1: build, test, bench, deb or lint" >&2
		exit 1
		;;
	esac
}

missing=
for group in "$@"; do
	list=$(wanted "$group")
	while read -r package why; do
		if ! dpkg-query -W -f '${Status}' "$package" 2>/dev/null |
			grep -q 'install ok installed'; then
			echo "deps: $package is missing: it $why"
			missing="$missing $package"
		fi
	done <<-EOF
		$list
	EOF
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
	sudo=
elif command -v sudo >/dev/null; then
	sudo=sudo
else
	echo "deps: neither root nor sudo: run as root: apt-get install$missing" >&2
	exit 1
fi
echo "deps: installing$missing"
$sudo apt-get update -qq
# shellcheck disable=SC2086 # a list of words
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
	--no-install-recommends $missing >/dev/null
