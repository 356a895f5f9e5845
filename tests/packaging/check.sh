#!/bin/bash
# Dockerfile, compose file, manifests and alert rules, each before the tool
# that those who run them use:   check.sh
#
# Tools come from PyPI and Debian into build/tools, once; what cannot be had is
# said, and not checked.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
tools=$root/build/tools
layout='{extends: default, rules: {line-length: disable, document-start: disable, braces: disable, comments-indentation: disable}}'
bad=0

get_python_tools() {
	[ -e "$tools/python/complete" ] && return
	python3 -m venv "$tools/python" &&
		"$tools/python/bin/pip" install -q --disable-pip-version-check -r "$root/tests/packaging/requirements.txt" &&
		touch "$tools/python/complete"
}

# The package would run a server as well.
get_promtool() {
	[ -x "$tools/promtool" ] && return
	mkdir -p "$tools/deb" &&
		(cd "$tools/deb" && apt-get download -qq prometheus && dpkg-deb -x prometheus_*.deb .) &&
		cp "$tools/deb/usr/bin/promtool" "$tools/" && rm -r "$tools/deb"
}

check() { # WHAT COMMAND...
	local what=$1 said
	shift
	if ! command -v "$1" >/dev/null; then
		echo "$what: not checked, ${1##*/} cannot be had here"
	elif said=$("$@" 2>&1); then
		echo "$what: clean (${1##*/})"
	else
		printf '%s:\n%s\n' "$what" "$said" >&2
		bad=1
	fi
}

mkdir -p "$tools"
get_python_tools >"$tools/log" 2>&1
get_promtool >>"$tools/log" 2>&1
bin=$tools/python/bin
compose=$(echo "$tools"/python/lib/python3*/site-packages/compose/docker-compose)

cd "$root" || exit 1
check Dockerfile "$bin/hadolint" docker/Dockerfile
check compose.yaml "$compose" -f docker/compose.yaml config --quiet
check "Kubernetes manifests" "$bin/kubernetes-validate" --strict --quiet docker/k8s/millrace.yaml
check "layout of YAML" "$bin/yamllint" -s -d "$layout" docker/compose.yaml docker/k8s config/alerts.yml tests/packaging
check "alert rules" "$tools/promtool" check rules config/alerts.yml
check "what alerts fire" "$tools/promtool" test rules tests/packaging/alerts_test.yml
exit $bad
