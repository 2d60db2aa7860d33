# CPU speed, against other compilers and engines. The Makefile includes this.

CPU       := $(O)/cpu
CPU_PORTS := lua sqlite gzip gawk
CPU_C     := $(wildcard test/bench/cpu/guest/*.c)

# What only this needs: other engines, and what builds SQLite.
$(CPU)/packages.stamp: test/bench/cpu/packages.txt scripts/install-packages $(O)/packages.stamp
	@mkdir -p $(@D)
	@scripts/install-packages $<
	@touch $@

# The same programs for vkernel (and most engines), for engines without vectors and atomics,
# and for Linux by both compilers.

$(CPU)/%/ports.stamp: $(O)/vkport $(CPU)/packages.stamp $(foreach p,$(CPU_PORTS),guest/recipes/$(p)/recipe)
	@mkdir -p $(@D)
	$(O)/vkport $(patsubst -wasm,,$(patsubst -gcc,-native,-$*)) -j $(JOBS) -o $(@D) $(CPU_PORTS) >&2
	@touch $@

$(CPU)/wasm/bin/cpu: $(CPU_C) test/bench/cpu/guest/cpu.h $(O)/vkcc
	@mkdir -p $(@D)
	$(O)/vkcc -O2 -o $@ $(CPU_C) -lm

$(CPU)/scalar/bin/cpu: $(CPU_C) test/bench/cpu/guest/cpu.h $(O)/vkcc
	@mkdir -p $(@D)
	VKCC_SCALAR=1 $(O)/vkcc -O2 -o $@ $(CPU_C) -lm

$(CPU)/gcc/bin/cpu: $(CPU_C) test/bench/cpu/guest/cpu.h $(O)/packages.stamp
	@mkdir -p $(@D)
	musl-gcc -static -O2 -march=x86-64-v2 -o $@ $(CPU_C) -lm

$(CPU)/clang/bin/cpu: $(CPU_C) test/bench/cpu/guest/cpu.h $(O)/packages.stamp
	@mkdir -p $(@D)
	for f in $(CPU_C); do $(MUSL_CLANG) -c -o $(CPU)/clang/$$(basename $$f .c).o $$f || exit 1; done
	musl-gcc -static -o $@ $(foreach f,$(CPU_C),$(CPU)/clang/$(basename $(notdir $(f))).o) -lm

$(O)/cpu.vk/manifest.json: $(CPU)/wasm/bin/cpu $(CPU)/wasm/ports.stamp $(O)/vkernel
	$(O)/vkernel build -j $(JOBS) --name cpu --cmd /bin/cpu -o $(O)/cpu.vk $(CPU)/wasm >&2

$(CPU)/peers: $(wildcard test/bench/cpu/peers/* test/bench/cpu/peers/hosts/*) test/bench/cpu/go.mod $(O)/packages.stamp
	@mkdir -p $(@D)
	$(GO) build -C test/bench/cpu -o $(CURDIR)/$@ ./peers

$(CPU)/cpu: $(wildcard test/bench/cpu/*.go) test/bench/cpu/go.mod
	@mkdir -p $(@D)
	$(GO) build -C test/bench/cpu -o $(CURDIR)/$@ .

CPU_DATA := $(addprefix $(CPU)/data/,$(notdir $(wildcard test/bench/cpu/programs/*)))

$(CPU)/data/%: test/bench/cpu/programs/%
	@mkdir -p $(@D)
	cp $< $@

CPU_NATIVE := $(CPU)/clang/bin/cpu $(CPU)/clang/ports.stamp $(CPU)/gcc/bin/cpu $(CPU)/gcc/ports.stamp
CPU_ALL    := $(O)/cpu.vk/manifest.json.sig $(CPU)/cpu $(CPU_DATA) $(CPU_NATIVE)

.PHONY: bench-cpu bench-report
.PRECIOUS: $(CPU)/%/ports.stamp

bench-cpu: $(CPU_ALL)
	$(CPU)/cpu -sides vkernel,clang,gcc -rounds 3

bench-report: $(CPU_ALL) $(CPU)/peers $(CPU)/scalar/bin/cpu $(CPU)/scalar/ports.stamp ## measure compiled code against native code and other engines; writes docs/performance.md
	$(CPU)/cpu -report docs/performance.md $(CPUFLAGS)
