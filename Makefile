# make                     both programs, into build/plain, linked to here
# make demo                installs what is missing, builds, shows it all live
# make demo-kafka          a group on a real Kafka, one of whom is killed
# make test                everything that must always hold (starts its own PostgreSQL)
# make check               the units: no server, a few seconds
# make lint                formatting, warnings as errors, static checks
# make SANITIZE=address,undefined check     instrumented, in its own build folder
# make sanitized           units and programs, instrumented (with SANITIZE=...)
# make fuzz                both decoders on invented input, SECONDS=60 long
# make chaos               kills, freezes and crashes, long; SEED=1 replays
# make bench               what is fast, beside what it is compared with; bench/results
# make format              rewrites the code to house style
# make install             under PREFIX=/usr/local, DESTDIR in front of it
# make deb                 build/deb/millrace_*.deb
# make deb-test            installs, runs, upgrades and purges it in a chroot
# make systemd-test        runs its units under a systemd of their own
# make image-test          the container's file system, run as a container would
# make bench-scale         consumers, streams, PgBouncer, failover
# make versions            tests against every PostgreSQL from 15 on
# make stop                ends the private PostgreSQL of this checkout
# make clean               removes what was built
# make help                this list

PROGRAMS := handle-streams periodic bluesky
PACKAGES := libpq jansson libxxhash rdkafka libmicrohttpd

ifeq ($(origin CC),default)
CC := gcc
endif
PKG_CONFIG ?= pkg-config
INSTALL    ?= install
PREFIX     ?= /usr/local
CFLAGS     ?= -O2 -g

# --- flavour: instrumented objects never mix with plain ones -----------------

comma   := ,
FLAVOUR := $(or $(subst $(comma),-,$(SANITIZE)),$(if $(COVERAGE),coverage),$(if $(MUTANTS),mutant),plain)
BUILD   := build/$(FLAVOUR)

instrument := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer) \
              $(if $(COVERAGE),--coverage -O0)

# --- flags: ours stay out of the user's CFLAGS -------------------------------

warnings := -Wall -Wextra -Wshadow -Wvla -Wundef -Wformat=2 -Wstrict-prototypes \
            -Wmissing-prototypes -Wwrite-strings -Wcast-qual -Wconversion -Wno-sign-conversion \
            $(if $(WERROR),-Werror)
hardening := $(if $(SANITIZE)$(COVERAGE),,-D_FORTIFY_SOURCE=2 -fstack-protector-strong)
cppflags  = -I. -I$(BUILD) -D_GNU_SOURCE $(if $(MUTANTS),-DMILLRACE_MUTANTS) \
            $(shell $(PKG_CONFIG) --cflags $(PACKAGES) 2>/dev/null)
cflags    = -std=gnu17 -pthread $(warnings) $(hardening) $(CFLAGS) $(instrument)
# libpq is loaded when it is needed: common/libpq.h
ldlibs    = -Wl,--as-needed $(shell $(PKG_CONFIG) --libs $(filter-out libpq,$(PACKAGES)) 2>/dev/null) -lm -ldl

# --- sources: a new file needs no edit here ----------------------------------

common    := $(wildcard common/*.c)
ingest    := $(wildcard ingest/*.c)
aggregate := $(wildcard aggregate/*.c)
generator := $(wildcard tests/support/bluesky*.c)
library   := $(common) $(filter-out %/main.c,$(ingest) $(aggregate))
tidy      := $(wildcard common/*.[ch] ingest/*.[ch] aggregate/*.[ch] tests/unit/*.[ch] tests/support/*.[ch] tests/kafka/*.c tests/fuzz/*.c tests/bench/*.c)
objects    = $(patsubst %.c,$(BUILD)/%.o,$(1))
units     := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/test_*.c))
fuzzers   := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))
probes    := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/support/probe_*.c))
migrations := $(sort $(wildcard sql/schema/*.sql))
example := $(sort $(shell find examples/shop -type f ! -path '*/metrics/*' ! -path '*/target/*' ! -path '*/.millrace/*'))

# --- building (make V=1 shows the commands) ----------------------------------

quiet := $(if $(V),,@)
say    = @$(if $(V),:,echo '  $(1) $@')

all: $(PROGRAMS:%=$(BUILD)/%) links

$(BUILD)/handle-streams: $(call objects,$(common) $(ingest))
$(BUILD)/periodic:       $(call objects,$(common) $(aggregate))
$(BUILD)/bluesky:        $(call objects,$(generator)) $(BUILD)/libmillrace.a

$(units): ldlibs += -lcmocka
$(BUILD)/tests/unit/test_pg_place: ldlibs += -lpq
$(fuzzers) $(BUILD)/tests/unit/test_decode_fast: $(call objects,tests/support/decode_pair.c)
$(units) $(probes) $(fuzzers): %: %.o $(BUILD)/libmillrace.a
$(fuzzers): LDFLAGS += -fsanitize=fuzzer
$(BUILD)/decode-bench: $(call objects,tests/bench/decode.c tests/support/decode_pair.c) $(BUILD)/libmillrace.a
$(BUILD)/decode-mutate: $(call objects,tests/fuzz/mutate_decode.c tests/support/decode_pair.c) $(BUILD)/libmillrace.a

# Stands in for Kafka's own tools, which start a Java each.
$(BUILD)/kafka-admin: $(call objects,tests/kafka/admin.c)

$(BUILD)/libmillrace.a: $(call objects,$(library))
	@rm -f $@
	@$(AR) rcs $@ $^

$(PROGRAMS:%=$(BUILD)/%) $(BUILD)/kafka-admin $(BUILD)/decode-bench $(BUILD)/decode-mutate $(units) $(probes) $(fuzzers):
	@mkdir -p $(@D)
	$(call say,ld)
	$(quiet)$(CC) $(cflags) $(LDFLAGS) -o $@ $^ $(ldlibs)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,cc)
	$(quiet)$(CC) $(cppflags) $(CPPFLAGS) $(cflags) -MMD -MP -c -o $@ $<

# Files that travel inside the programs, as rows {name, text}; a name goes without
# the $(2) before and the $(3) behind it.
define rows
	@mkdir -p $(@D)
	$(quiet)for f in $(1); do n=$${f#$(2)}; printf '{"%s",\n' "$${n%$(3)}"; \
	    sed 's/\\/\\\\/g; s/"/\\"/g; s/^/"/; s/$$/\\n"/' $$f; echo '},'; done > $@
endef

# The migrations.  The folder too: one that was renamed is no longer there.
$(BUILD)/migrations.inc: $(migrations) sql/schema
	$(call rows,$(migrations),sql/schema/,.sql)
$(BUILD)/common/schema.o: $(BUILD)/migrations.inc

# The project that `periodic init` makes.
$(BUILD)/example.inc: $(example)
	$(call rows,$(example),examples/shop/)
$(BUILD)/aggregate/init.o: $(BUILD)/example.inc

# Which commit this is; rewritten only when it changes.
$(BUILD)/commit.inc: FORCE
	@mkdir -p $(@D)
	@printf '#define MILLRACE_COMMIT "%s"\n' "$$([ -e .git ] && git describe --always --dirty 2>/dev/null)" > $@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@
$(BUILD)/common/version.o: $(BUILD)/commit.inc
FORCE:

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

# The names people type: ./handle-streams, ./handle-stream, ./periodic, ./bluesky
links: $(PROGRAMS:%=$(BUILD)/%)
ifeq ($(BUILD),build/plain)
	@for p in $(PROGRAMS); do ln -sf $(BUILD)/$$p $$p; done; ln -sf $(BUILD)/handle-streams handle-stream
endif

# --- testing: everything speaks TAP, and prove sums it up --------------------

jobs     := -j$(shell nproc)
PROVE    := prove --failures --comments
suite     = env BUILD=$(CURDIR)/$(BUILD) FLAVOUR=$(FLAVOUR) tests/support/suite.sh

# Three files at a time, since they mostly wait, each with a PostgreSQL of its own.
test: deps-test
	$(MAKE) $(jobs) all $(BUILD)/kafka-admin $(probes) $(units)
	$(MAKE) $(jobs) mutant
	$(MAKE) check
	$(PROVE) --jobs 3 --timer --exec '$(suite) tests/support/run' $(wildcard tests/property/*.tap tests/chaos/*.tap tests/e2e/*.bats)

check: $(units)
	CMOCKA_MESSAGE_OUTPUT=TAP $(PROVE) --exec '' $(units)

# The programs with deliberate bugs, which the checkers must catch.
mutant:
	$(MAKE) MUTANTS=1

# The units, and the programs as a user meets them, with SANITIZE=...
sanitized: deps-test
	$(MAKE) $(jobs) all $(BUILD)/kafka-admin $(probes) $(units)
	$(MAKE) check
	$(PROVE) --jobs 2 --exec '$(suite) tests/support/run' $(wildcard tests/e2e/handle_streams*.bats tests/e2e/kafka*.bats tests/e2e/periodic*.bats)

# --- inventing input ---------------------------------------------------------

# Real lines spoilt, then clang's libFuzzer, which leaves what it finds as
# build/fuzz/crash-*.  Its seeds are the lines of the vectors, one a file.
SECONDS   ?= 60
MUTATIONS ?= 1000000
corpus    := build/fuzz/corpus
spoilt    := $(wildcard tests/vectors/*json*) tests/fuzz/seeds.jsonl

fuzz: $(corpus)/seeded $(BUILD)/decode-mutate $(BUILD)/bluesky
	@$(BUILD)/bluesky max --count 50000 --seed 7 >build/fuzz/events.jsonl
	$(BUILD)/decode-mutate $(MUTATIONS) 7 build/fuzz/events.jsonl $(spoilt)
	@$(MAKE) --no-print-directory CC=clang SANITIZE=fuzzer-no-link,address,undefined BUILD=build/fuzz fuzzers
	@for f in $(patsubst %.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c)); do echo "# $$f"; \
	    $$f -max_total_time=$(SECONDS) -timeout=10 -max_len=4096 -print_final_stats=1 \
	    -dict=tests/fuzz/json.dict -artifact_prefix=build/fuzz/ $(corpus) || exit 1; done

fuzzers: $(fuzzers)

$(corpus)/seeded: $(spoilt)
	@mkdir -p $(@D)
	@cat $^ | tr '\0' '0' | LC_ALL=C awk -v dir=$(@D) \
	    'length < 4096 { f = dir "/" NR; printf "%s", $$0 > f; close(f) }'
	@touch $@

# --- measuring ---------------------------------------------------------------

# Rivals that cannot be installed are left out, with a sentence.
bench: deps-test all $(BUILD)/kafka-admin
	@tests/support/deps.sh bench || echo "# not every rival can be run"
	SUITE_PG_OPTIONS=--bench $(suite) tests/bench/ingest.sh
	SUITE_PG_OPTIONS=--bench $(suite) tests/bench/safety.sh
	SUITE_PG_OPTIONS=--bench $(suite) tests/bench/kafka.sh
	SUITE_PG_OPTIONS=--bench $(suite) tests/bench/periodic.sh
	SUITE_PG_OPTIONS=--bench $(suite) tests/bench/by_hand.sh
	for rate in 5000 20000 50000; do SUITE_PG_OPTIONS=--bench $(suite) tests/bench/lag.sh $$rate 20 --threads 2; done
	SUITE_PG_OPTIONS=--bench $(suite) tests/bench/by_hand.sh lag 50000 20
	SUITE_PG_OPTIONS=--bench $(suite) tests/bench/periodic_history.sh
	SUITE_PG_OPTIONS=--bench $(suite) tests/bench/packs.sh

# --- tormenting -------------------------------------------------------------

SEED       ?= 1
CHAOS_KILLS   ?= 500
CHAOS_SECONDS ?= 300

chaos: deps-test all $(BUILD)/kafka-admin mutant
	tests/chaos/ingest_chaos.py --seed $(SEED) --kills $(CHAOS_KILLS)
	tests/chaos/kafka_chaos.py --seed $(SEED) --seconds $(CHAOS_SECONDS)

# --- hygiene -----------------------------------------------------------------

format:
	clang-format -i $(tidy)

lint: deps-lint
	@clang-format --dry-run --Werror $(tidy)
	tests/support/lint.sh layers headers banned sizes
	$(MAKE) --no-print-directory WERROR=1 BUILD=build/lint all $(units:$(BUILD)/%=build/lint/%)
	@cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,portability --inline-suppr \
	    --suppress=unknownMacro --suppress=internalAstError --suppress=varFuncNullUB -I. common ingest aggregate
	@printf '%s\n' $(filter %.c,$(tidy)) | xargs -P2 -n4 sh -c \
	    'clang-tidy --quiet "$$@" -- $(cppflags) -Ibuild/lint -std=gnu17 2>/dev/null' clang-tidy
	shellcheck $(wildcard tests/*/*.sh tests/e2e/*.bats tests/support/*.bash) .ci/run
	tests/packaging/check.sh

# --- installing, stopping ----------------------------------------------------

deps:
	@tests/support/deps.sh build
deps-test:
	@tests/support/deps.sh build test
deps-lint:
	@tests/support/deps.sh build test lint

demo: deps
	@$(MAKE) --no-print-directory $(jobs) all
	@tests/support/demo.sh

BINDIR     ?= $(PREFIX)/bin
DATADIR    ?= $(PREFIX)/share/millrace
MANDIR     ?= $(PREFIX)/share/man
SYSCONFDIR ?= $(if $(filter /usr,$(PREFIX)),/etc,$(PREFIX)/etc)
UNITDIR    ?= $(PREFIX)/lib/systemd/system
pages      := $(patsubst man/%.in,$(BUILD)/man/%,$(wildcard man/*.in))

man: $(pages)
$(BUILD)/man/%.1: man/%.1.in man/options.awk $(BUILD)/%
	@mkdir -p $(@D)
	$(BUILD)/$* --help | awk -v page=$< -f man/options.awk >$@

# Streams and models, but for the migrations, which travel inside the programs.
# Settings that are there stay.  Units name the paths they are installed with.
install: all man
	$(INSTALL) -d $(addprefix $(DESTDIR),$(BINDIR) $(DATADIR) $(MANDIR)/man1 $(MANDIR)/man5 $(SYSCONFDIR)/millrace $(UNITDIR))
	$(INSTALL) $(BUILD)/handle-streams $(BUILD)/periodic $(DESTDIR)$(BINDIR)
	tar -cf - --exclude=sql/schema --mode=u=rwX,go=rX --owner=0 --group=0 sql | tar -C $(DESTDIR)$(DATADIR) --no-same-owner -xf -
	$(INSTALL) -m 644 config/alerts.yml $(DESTDIR)$(DATADIR)
	ln -sfn $(SYSCONFDIR)/millrace $(DESTDIR)$(DATADIR)/config
	$(INSTALL) -m 644 $(filter %.1,$(pages)) $(DESTDIR)$(MANDIR)/man1
	$(INSTALL) -m 644 $(wildcard man/*.5) $(DESTDIR)$(MANDIR)/man5
	for f in config/*.conf; do t=$(DESTDIR)$(SYSCONFDIR)/millrace/$${f##*/}; [ -e $$t ] || $(INSTALL) -m 644 $$f $$t; done
	[ -e $(DESTDIR)$(SYSCONFDIR)/millrace/pgpass ] || $(INSTALL) -m 600 /dev/null $(DESTDIR)$(SYSCONFDIR)/millrace/pgpass
	for f in config/systemd/*.service config/systemd/*.timer; do \
	    sed 's#/usr/bin/#$(BINDIR)/#; s#/etc/millrace/#$(SYSCONFDIR)/millrace/#' $$f >$(DESTDIR)$(UNITDIR)/$${f##*/}; done

# Settings and passwords stay.
uninstall:
	rm -rf $(DESTDIR)$(DATADIR)
	rm -f $(addprefix $(DESTDIR)$(BINDIR)/,handle-streams periodic) $(addprefix $(DESTDIR)$(UNITDIR)/,$(notdir $(wildcard config/systemd/*.service config/systemd/*.timer))) \
	    $(addprefix $(DESTDIR)$(MANDIR)/man1/,$(notdir $(pages))) $(addprefix $(DESTDIR)$(MANDIR)/man5/,$(notdir $(wildcard man/*.5)))

# The programs against PostgreSQL 15 to 18.
versions: deps-test all $(probes)
	tests/versions/upgrade.sh
	tests/versions/run.sh $(VERSIONS)

# The package in a bare Debian, the image's file system in a namespace; as root.
deb-test: deb
	DEB="$$(ls $(CURDIR)/build/deb/millrace_*.deb)" $(suite) tests/packaging/deb_test.sh
systemd-test: deps-test deb $(BUILD)/kafka-admin
	DEB="$$(ls $(CURDIR)/build/deb/millrace_*.deb)" $(suite) tests/packaging/systemd_test.sh
image-test: deps-test all
	$(suite) tests/packaging/image_test.sh

bench-scale: deps-test all $(BUILD)/kafka-admin
	SUITE_PG_OPTIONS=--bench $(suite) tests/bench/scale.sh
	tests/bench/failover.sh

deb:
	@tests/support/deps.sh build deb
	tests/packaging/deb.sh build/deb

# Ends the private PostgreSQL of this checkout; what it holds stays.
stop:
	@tests/support/stop.sh

help:
	@sed -n 's/^# make/make/p' Makefile
	@echo "make MUTANTS=1           the programs with deliberate bugs, for the checkers to catch"
	@echo "make deps                installs what is missing to build and run, with apt"

demo-kafka: deps-test all $(BUILD)/kafka-admin
	@tests/support/demo_kafka.sh

clean:
	rm -rf build $(PROGRAMS) handle-stream

.PHONY: FORCE man install uninstall deb deb-test systemd-test image-test bench-scale versions all links test check sanitized mutant fuzz fuzzers bench chaos format lint deps deps-test deps-lint demo demo-kafka stop help clean
.DELETE_ON_ERROR:
.SUFFIXES:
