# What the tests below test/ need beyond the demo. The Makefile includes this.

# vkcc under the name by which it is a C++ compiler

build: $(O)/vkc++

$(O)/vkc++: $(O)/vkcc
	@ln -sf vkcc $@

# Upstream sources: input for the session, and busybox's own tests

$(O)/src/busybox/testsuite/runtest: $(O)/vkport guest/recipes/busybox/recipe
	$(O)/vkport -source -o $(O)/src/busybox busybox
	@touch $@

# The native side: the same programs in the same root directory

$(O)/session/ports.stamp: $(O)/vkport
	@rm -rf $(O)/session/ports
	@mkdir -p $(O)/session
	$(O)/vkport -native -j $(JOBS) -o $(O)/session/ports $(NATIVE) >&2
	@touch $@

$(O)/session/root.stamp: $(O)/session/ports.stamp scripts/rootdir $(shell find guest/rootdir)
	@scripts/rootdir $(O)/session/root $(O)/session/ports
	@touch $@

# busybox's test suite, laid out in /suite as in its source tree, on both sides. What it
# executes must be in the bundle, since only that is in the manifest.

SUITE := $(O)/busybox-suite

$(SUITE)/native.stamp: $(O)/session/root.stamp test/busybox/layout $(O)/src/busybox/testsuite/runtest
	@test/busybox/layout $(O)/session/root $(O)/src/busybox/testsuite $(SUITE)/native
	@touch $@

$(SUITE)/root.stamp: $(O)/demo/root.stamp test/busybox/layout $(O)/src/busybox/testsuite/runtest
	@test/busybox/layout $(O)/demo/root $(O)/src/busybox/testsuite $(SUITE)/root
	@touch $@

$(O)/busybox-suite.vk/manifest.json: $(SUITE)/root.stamp $(O)/vkernel
	$(O)/vkernel build -j $(JOBS) --name busybox-suite -o $(O)/busybox-suite.vk $(SUITE)/root >&2

test-guest: $(O)/session/root.stamp $(O)/src/busybox/testsuite/runtest
test-guest: $(SUITE)/native.stamp $(O)/busybox-suite.vk/manifest.json.sig

# Programs for the kernel's own tests, which need no bundle.

$(O)/guests.stamp: $(O)/vkport
	$(O)/vkport -j $(JOBS) -o $(O)/guests true hello warm $(PORTS) gawk sqlite >&2
	@touch $@

test-race: export VKERNEL_GUESTS = $(CURDIR)/$(O)/guests
test-race: $(O)/guests.stamp

# The C tests of threads: a program of their own, since one that starts threads is linked
# with a shared memory. They use the runner of the other C tests.

THREADS := $(wildcard test/threads/*.c test/threads/*.h) test/syscalls/main.c test/syscalls/vktest.h

$(O)/systest/threads: $(THREADS) $(O)/packages.stamp
	@mkdir -p $(@D)
	musl-gcc -static -O2 -pthread -o $@ $(filter %.c,$^)

$(O)/systest/root/bin/threads: $(THREADS) $(O)/vkcc
	@mkdir -p $(@D)
	$(O)/vkcc -O2 -pthread -o $@ $(filter %.c,$^)

$(O)/systest.vk/manifest.json: $(O)/systest/root/bin/threads
test-guest: $(O)/systest/threads

# Scripts that the C tests execute: the tests write the same bytes, which are listed by these.

$(O)/systest/scripts.stamp: $(wildcard test/syscalls/scripts/*)
	@mkdir -p $(O)/systest/root/usr/share/systest
	@cp -p test/syscalls/scripts/* $(O)/systest/root/usr/share/systest
	@touch $@

$(O)/systest.vk/manifest.json: $(O)/systest/scripts.stamp

# The benchmarks of threads, for the same reason.

$(O)/bench/native/threads: test/bench/guest/threads.c test/bench/guest/bench.h $(O)/packages.stamp
	@mkdir -p $(@D)
	$(MUSL_CLANG) -c -o $(O)/bench/threads.o $<
	musl-gcc -static -o $@ $(O)/bench/threads.o

$(O)/bench/root/bin/threads: test/bench/guest/threads.c test/bench/guest/bench.h $(O)/vkcc
	@mkdir -p $(@D)
	$(O)/vkcc -O2 -pthread -o $@ $<

$(O)/bench.vk/manifest.json: $(O)/bench/root/bin/threads
bench: $(O)/bench/native/threads

# The conformance suite of the hash rule.

include test/conformance.mk
