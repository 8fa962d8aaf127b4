# The front door; Meson and Ninja do the work. `make help` lists what there is.
# packages.txt is the list of Debian packages; what is missing of a group is installed.

BUILD   ?= build
PORT    ?= 8080
PREFIX  ?= /usr/local
SECONDS ?= 30
DIR     ?=
ONLY    ?=
PYTEST  ?= /usr/bin/python3 -m pytest
# more than there are processors: a test waits more than it computes
E2E_JOBS ?= 3
# what crashes programs, and all else
SOAK_JOBS ?= 2
E2E     = $(PYTEST) -q -p no:cacheprovider -n $(E2E_JOBS) --dist loadfile
export BUILD PORT DIR

.DEFAULT_GOAL := build
.NOTPARALLEL:
.PHONY: help build run test unit asan tsan msan e2e check format fuzz soak bench compare fresh install clean \
	deb deb-test compile with-tests asan-build e2e-asan

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo 'DIR=…      where `make run` keeps its authority (default: a new folder, removed after)'
	@echo 'PORT=…     port of `make run` (default 8080; 0 picks free ones)'
	@echo 'YES=1      install missing packages without asking'
	@echo 'E2E_JOBS=… files of end-to-end tests that run at a time (default 3)'
	@echo 'SECONDS=…  length of each target of `make fuzz` (default 30)'
	@echo 'ONLY=…     of unit, asan, tsan, e2e, e2e-asan, soak: these tests alone (base/rw; tests/e2e/test_keys.py)'
	@echo 'ALL=1      `make check` reads every file, not only what changed'

packages-%:
	@sh tools/packages.sh $*

build: packages-build compile ## compile: build/chancery and build/libexec/chancery/ROLE

compile:
	@test -e $(BUILD)/build.ninja || meson setup $(BUILD) --prefix $(PREFIX)
	ninja -C $(BUILD)

run: packages-build packages-run compile ## a throw-away authority with a mail server; prints three commands to paste
	@sh tools/run.sh

test: packages-build packages-run packages-test unit asan tsan msan e2e ## unit tests (plain and under sanitizers), fuzz corpora, end to end

with-tests:
	@test -e $(BUILD)/.with-tests || \
		meson setup $$(test ! -e $(BUILD)/build.ninja || echo --reconfigure) \
			$(BUILD) --prefix $(PREFIX) -Dtests=enabled
	@touch $(BUILD)/.with-tests
	ninja -C $(BUILD)

unit: with-tests ## unit tests and fuzz corpora
	meson test -C $(BUILD) -t 3 --no-rebuild --print-errorlogs $(or $(ONLY),--suite unit --suite fuzz)

asan-build:
	@test -e $(BUILD)/asan/build.ninja || meson setup $(BUILD)/asan -Dtests=enabled \
		-Db_sanitize=address,undefined -Db_lundef=false
	ninja -C $(BUILD)/asan

asan: asan-build ## the same under AddressSanitizer and UBSan
	UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
		meson test -C $(BUILD)/asan -t 6 --no-rebuild --print-errorlogs $(or $(ONLY),--suite unit --suite fuzz)

# only what threads share: building the rest would take a minute for nothing
tsan: ## what threads share, under ThreadSanitizer
	@test -e $(BUILD)/tsan/build.ninja || \
		meson setup $(BUILD)/tsan -Dtests=enabled -Db_sanitize=thread
	ninja -C $(BUILD)/tsan threads
	TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1 \
		meson test -C $(BUILD)/tsan -t 3 --no-rebuild --print-errorlogs $(or $(ONLY),--suite threads)

msan: ## MemorySanitizer, by clang
	@sh tools/msan.sh

e2e: packages-build packages-run packages-test with-tests ## end to end: real processes, real servers
	CHANCERY=$(CURDIR)/$(BUILD)/chancery $(E2E) -m 'not soak' $(or $(ONLY),tests/e2e) $(PYTEST_ARGS)

# Programs that cannot run under the walls of a release: tests/variants/sanitized
e2e-asan: packages-build packages-run packages-test asan-build ## the end-to-end tests with every program under ASan and UBSan
	CHANCERY=$(CURDIR)/$(BUILD)/asan/tests/variants/sanitized/chancery $(E2E) \
		-m 'not soak and not plain' $(or $(ONLY),tests/e2e) $(PYTEST_ARGS)

check: packages-build packages-test ## format, analyzers, clang build and the house linter
	@sh tools/check.sh

format: packages-test ## let clang-format rewrite what changed (ALL=1: everything)
	@sh tools/changed.sh | xargs -r clang-format -i

fuzz: packages-build packages-test ## libFuzzer on every parser, SECONDS each
	@sh tools/fuzz.sh $(SECONDS)

soak: packages-build packages-run packages-test packages-soak with-tests ## the long runs of the tests, with what is under way and a table at the end
	CHANCERY=$(CURDIR)/$(BUILD)/chancery CHANCERY_SOAK=1 $(PYTEST) -q -p no:cacheprovider \
		-n $(SOAK_JOBS) --dist loadgroup -m soak $(or $(ONLY),tests/e2e) $(PYTEST_ARGS)

bench: packages-build packages-bench ## measure, beside peers: build/bench.json
	@bench/run

compare: packages-build packages-test packages-bench with-tests ## put the published tokens to other verifiers: docs/VERIFIERS.md
	/usr/bin/python3 tests/vectors/verifier/compare.py $(BUILD)

fresh: packages-build packages-test ## both commands of the README in a new Debian 12 (needs root)
	@tools/fresh.sh

install: packages-build compile ## to PREFIX (default /usr/local) under DESTDIR
	meson configure $(BUILD) --prefix $(PREFIX)
	meson install -C $(BUILD)

deb: packages-build packages-test packages-deb ## Debian packages: build/deb/*.deb
	@sh tools/deb.sh

deb-test: packages-deb ## installs, runs and purges them in a new Debian 12 with systemd (needs root)
	@test -e $(BUILD)/deb/chancery_*_amd64.deb || $(MAKE) deb
	@tools/deb-test.sh

clean: ## remove the build folder
	rm -rf $(BUILD)
