# vkernel's build. `make help` says what there is.
#
# Everything that is made lies below out/, and what is expensive in the user's cache
# directory as well, by content. A rule's prerequisites are the sources that its result
# depends on, so that a second `make run` only looks at time stamps.

GO       ?= go
JOBS     ?= $(shell nproc)
O        := out
PORTS    := busybox dash lua
NATIVE   := busybox dash lua

CONFIG   := $(or $(XDG_CONFIG_HOME),$(HOME)/.config)/vkernel
KEY      := $(CONFIG)/local.key
TRUSTED  := $(CONFIG)/trust/local.key.pub

GO_SOURCES   := go.mod go.sum $(shell find cmd/vkernel internal -type f -not -name '*_test.go' -not -path '*/testdata/*' -not -path 'internal/toolchain/*')
PORT_SOURCES := go.mod go.sum $(shell find cmd/vkcc cmd/vkport internal/toolchain guest -type f -not -name '*_test.go')
C_SOURCES     = $(shell git ls-files '*.c' '*.h')

# vkernel is static, with musl: a process starts 0.9 ms earlier than with a shared glibc, which has much to relocate, and asks
# the processor for its caches (in a virtual machine, each time the host). Linux's headers come after musl's.
MULTIARCH     = $(shell $(or $(CC),cc) -print-multiarch)
BUILD_VKERNEL = CC=musl-gcc CGO_CFLAGS="-O2 -g $(addprefix -idirafter ,/usr/include /usr/include/$(MULTIARCH))" \
                $(GO) build -tags netgo,osusergo -ldflags '-linkmode external -extldflags "-static"'

# Packages whose tests the race detector cannot run: it ends at 8,128 goroutines.
NO_RACE  := vkernel/test/

.DELETE_ON_ERROR:
.PHONY: help run build ports test test-race test-guest lint format bench clean

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  make run ARGS='-v /usr/src:/src:ro' CMD='find /src'   options of 'vkernel run', and what to run"
	@echo "  echo 'ls / | wc -l' | make -s run                    without a terminal: a script on standard input"

# Running

run: $(O)/demo.vk/manifest.json.sig ## build what is missing, and open a shell in a container
	@exec $(O)/vkernel run $(ARGS) $(O)/demo.vk $(CMD)

# Programs

build: $(O)/vkernel $(O)/vkcc $(O)/vkport ## build vkernel, vkcc and vkport

$(O)/packages.stamp: scripts/packages.txt scripts/install-packages
	@mkdir -p $(O)
	@scripts/install-packages
	@touch $@

$(O)/vkernel: $(GO_SOURCES) $(O)/packages.stamp
	$(BUILD_VKERNEL) -o $@ ./cmd/vkernel
	@touch $@

$(O)/vkcc $(O)/vkport &: $(PORT_SOURCES) $(O)/packages.stamp
	CGO_ENABLED=0 $(GO) build -o $(O)/ ./cmd/vkcc ./cmd/vkport
	@touch $(O)/vkcc $(O)/vkport

# The demo: a root directory of ports, its bundle, signed with a key of this machine

ports: $(O)/demo/ports.stamp ## build the programs of guest/recipes

$(O)/demo/ports.stamp: $(O)/vkport
	@rm -rf $(O)/demo/ports
	$(O)/vkport -j $(JOBS) -o $(O)/demo/ports $(PORTS) >&2
	@touch $@

$(O)/demo/root.stamp: $(O)/demo/ports.stamp scripts/rootdir $(shell find guest/rootdir)
	@scripts/rootdir $(O)/demo/root $(O)/demo/ports
	@touch $@

$(O)/demo.vk/manifest.json: $(O)/demo/root.stamp $(O)/vkernel
	@$(O)/vkport -sources $(PORTS) >$(O)/demo/sources.json
	$(O)/vkernel build -j $(JOBS) --name demo --source $(O)/demo/sources.json -o $(O)/demo.vk $(O)/demo/root >&2

%.vk/manifest.json.sig: %.vk/manifest.json $(TRUSTED)
	$(O)/vkernel sign --key $(KEY) $(@D) >&2

# A key outside of the tree. If only the trust in it is gone, it is given again.
$(TRUSTED): | $(O)/vkernel
	@if [ -e $(KEY) ]; then \
		mkdir -p $(@D) && install -m 644 $(KEY).pub $@; \
	else \
		mkdir -p $(CONFIG) && $(O)/vkernel keygen --no-passphrase --trust $(KEY) >&2; \
	fi

# Tests

test: test-race test-guest ## run all tests

test-race: $(O)/packages.stamp
	$(GO) test -race $$($(GO) list ./... | grep -v -e '^$(NO_RACE)')
	$(GO) test -run '^TestIdle' ./internal/engine ./internal/kernel # sizes, which the race detector changes

test-guest: $(O)/demo.vk/manifest.json.sig $(O)/systest.vk/manifest.json.sig $(O)/systest/native
	$(GO) test -count=1 -p 1 $$($(GO) list ./test/...) # they depend on what Go does not see; -p 1: they share limits of the host's user

SYSTEST := $(wildcard test/syscalls/*.c test/syscalls/*.h)

$(O)/systest/native: $(SYSTEST) $(O)/packages.stamp
	@mkdir -p $(@D)
	musl-gcc -static -O2 -o $@ $(filter %.c,$^)

$(O)/systest/root/bin/systest: $(SYSTEST) $(O)/vkcc
	@mkdir -p $(@D)
	$(O)/vkcc -O2 -o $@ $(filter %.c,$^)

$(O)/systest.vk/manifest.json: $(O)/systest/root/bin/systest $(O)/demo/root.stamp $(O)/vkernel
	@scripts/rootdir $(O)/systest/bundled $(O)/demo/ports $(O)/systest/root
	$(O)/vkernel build -j $(JOBS) --name systest -o $(O)/systest.vk $(O)/systest/bundled >&2

-include test/tests.mk test/python.mk test/spec.mk test/bench/cpu/cpu.mk test/fuzz/fuzz.mk test/wasi/wasi.mk

# Benchmarks: the same C on both sides, native with clang -O2 and static musl

bench: $(O)/bench.vk/manifest.json.sig $(O)/bench/native/bench $(O)/bench/native.stamp ## measure against the native kernel
	$(GO) run ./test/bench -bundle $(O)/bench.vk -native $(O)/bench/native -out $(O)/bench.json
	$(MAKE) bench-cpu

MUSL_CLANG  = clang-19 -O2 -march=x86-64-v2 -nostdinc -isystem /usr/include/x86_64-linux-musl -isystem $(shell clang-19 -print-resource-dir 2>/dev/null)/include

BENCH_C     = $(addprefix test/bench/guest/,bench.c fork.c many.c sockets.c events.c)
BENCH_SMALL = trivial large idle mapped held

$(O)/bench/native/bench: $(BENCH_C) $(BENCH_SMALL:%=test/bench/guest/%.c) test/bench/guest/bench.h $(O)/packages.stamp
	@mkdir -p $(@D)
	for f in $(BENCH_C) $(BENCH_SMALL:%=test/bench/guest/%.c); do $(MUSL_CLANG) -c -o $(O)/bench/$$(basename $$f .c).o $$f || exit 1; done
	for f in $(BENCH_SMALL); do musl-gcc -static -o $(@D)/$$f $(O)/bench/$$f.o || exit 1; done
	for f in trivial idle; do gcc -O2 -static -o $(@D)/$${f}_glibc test/bench/guest/$$f.c || exit 1; done
	musl-gcc -static -o $@ $(patsubst test/bench/guest/%.c,$(O)/bench/%.o,$(BENCH_C))

$(O)/bench/native.stamp: $(O)/vkport
	@mkdir -p $(O)/bench/native
	$(O)/vkport -native -j $(JOBS) -o $(O)/bench/native $(NATIVE) >&2
	@touch $@

$(O)/bench/root/bin/bench: $(BENCH_C) $(BENCH_SMALL:%=test/bench/guest/%.c) test/bench/guest/bench.h $(O)/vkcc
	@mkdir -p $(@D)
	$(O)/vkcc -O2 -o $@ $(BENCH_C)
	for f in $(BENCH_SMALL); do $(O)/vkcc -O2 -o $(@D)/$$f test/bench/guest/$$f.c || exit 1; done

$(O)/bench.vk/manifest.json: $(O)/bench/root/bin/bench $(O)/demo/root.stamp $(O)/vkernel
	@scripts/rootdir $(O)/bench/bundled $(O)/demo/ports $(O)/bench/root
	$(O)/vkernel build -j $(JOBS) --name bench -o $(O)/bench.vk $(O)/bench/bundled >&2

# Style

lint: $(O)/packages.stamp ## go vet, staticcheck, gofumpt, clang-format
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	@files=$$($(GO) tool gofumpt -l cmd guest internal test); [ -z "$$files" ] || { echo "not formatted (make format):"; echo "$$files"; exit 1; }
	clang-format-19 --dry-run -Werror $(C_SOURCES)

format: $(O)/packages.stamp ## format Go and C
	$(GO) tool gofumpt -w cmd guest internal test
	clang-format-19 -i $(C_SOURCES)

clean: ## remove what was built; the cache stays
	rm -rf $(O)
