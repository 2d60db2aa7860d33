# Programs of other toolchains: Go's, Rust's, those of wasi-libc. The Makefile includes this.

WASI       := $(O)/wasi
WASI_CLANG := clang-19 --target=wasm32-wasi -O2 -Wall
RUSTC      := /usr/bin/rustc # Debian's, whatever else there is
RUSTC_WASI := $(RUSTC) --target wasm32-wasi -C linker=wasm-ld-14 -O -C strip=debuginfo

# Packages of Go's standard library whose own tests run: a few, which compile in minutes, and
# all (test-wasi-std), which take half an hour of a CPU where nothing is cached.
WASI_STD     := os io/fs compress/flate encoding/csv
WASI_STD_ALL := os io/fs path/filepath net/http compress/bzip2 compress/flate compress/gzip compress/lzw compress/zlib \
	encoding/ascii85 encoding/asn1 encoding/base32 encoding/base64 encoding/binary encoding/csv encoding/gob encoding/hex \
	encoding/json encoding/pem encoding/xml

$(WASI)/packages.stamp: test/wasi/packages.txt scripts/install-packages $(O)/packages.stamp
	@mkdir -p $(@D)
	@scripts/install-packages $<
	@touch $@

# One bundle with the shell and its tools

$(WASI)/bin/ctool: test/wasi/guest/c/tool.c
$(WASI)/bin/files: test/wasi/guest/c/files.c
$(WASI)/bin/hostile: test/wasi/guest/c/hostile.c
$(WASI)/bin/both: test/wasi/guest/c/both.c
$(WASI)/bin/ctool $(WASI)/bin/files $(WASI)/bin/hostile $(WASI)/bin/both: $(WASI)/packages.stamp
	@mkdir -p $(@D)
	$(WASI_CLANG) -o $@ $(filter %.c,$^)

$(WASI)/bin/threads: test/wasi/guest/c/threads.c test/wasi/guest/c/start.S $(O)/packages.stamp
	@mkdir -p $(@D)
	clang-19 --target=wasm32 -pthread -mbulk-memory -O2 -Wall -ffreestanding -nostdlib \
		-Wl,--import-memory,--shared-memory,--max-memory=1048576,--no-check-features -o $@ $(filter %.c %.S,$^)

$(WASI)/bin/rtool: test/wasi/guest/rust/tool.rs $(WASI)/packages.stamp
	@mkdir -p $(@D)
	$(RUSTC_WASI) -o $@ $<

$(WASI)/bin/gotool: test/wasi/guest/go/main.go test/wasi/guest/go/go.mod
	@mkdir -p $(@D)
	cd test/wasi/guest/go && GOOS=wasip1 GOARCH=wasm $(GO) build -trimpath -ldflags='-s -w' -o $(CURDIR)/$@ .

$(WASI)/bin/convention: test/wasi/guest/wali/convention.c test/wasi/guest/wali/start.S $(O)/packages.stamp
	@mkdir -p $(@D)
	clang-19 --target=wasm32-wasi-threads -pthread -mbulk-memory -O2 -Wall -ffreestanding -nostdlib \
		-Wl,--shared-memory,--export-memory,--max-memory=2147483648,--no-check-features -o $@ $(filter %.c %.S,$^)

WASI_PROGRAMS := ctool files hostile both threads rtool gotool convention

$(WASI)/root.stamp: $(O)/demo/root.stamp $(foreach p,$(WASI_PROGRAMS),$(WASI)/bin/$(p))
	@rm -rf $(WASI)/root && mkdir -p $(WASI)/root/work
	@cp -a $(O)/demo/root/. $(WASI)/root/
	@install -m 755 $(foreach p,$(WASI_PROGRAMS),$(WASI)/bin/$(p)) $(WASI)/root/bin/
	@touch $@

$(WASI)/wasi.vk/manifest.json: $(WASI)/root.stamp $(O)/vkernel
	$(O)/vkernel build -j $(JOBS) -o $(@D) $(WASI)/root >&2

# The standard library's tests

$(WASI)/std.list: FORCE
	@mkdir -p $(@D)
	@echo $(WASI_STD) | cmp -s - $@ || echo $(WASI_STD) >$@

$(WASI)/std.stamp: $(WASI)/std.list
	@rm -rf $(WASI)/std && mkdir -p $(WASI)/std/t $(WASI)/std/tmp
	for p in $(WASI_STD); do GOOS=wasip1 GOARCH=wasm $(GO) test -c -trimpath -ldflags='-s -w' -o $(WASI)/std/t/$$(echo $$p | tr / _) $$p || exit 1; done
	@touch $@

$(WASI)/std.vk/manifest.json: $(WASI)/std.stamp $(O)/vkernel
	$(O)/vkernel build -j $(JOBS) --cmd /t/os -o $(@D) $(WASI)/std >&2

test-wasi: $(WASI)/wasi.vk/manifest.json.sig $(WASI)/std.vk/manifest.json.sig ## run programs of Go, Rust and wasi-libc, and tests of Go's library
	cd test/wasi && VKERNEL_WASI=$(CURDIR)/$(WASI) VKERNEL=$(CURDIR)/$(O)/vkernel KEY=$(abspath $(KEY)) $(GO) test -count=1 -timeout 60m $(WASI_FLAGS) .

test-wasi-std: ## run the tests of all packages of Go's library that documents name
	$(MAKE) test-wasi WASI_STD='$(WASI_STD_ALL)' WASI_FLAGS='-run TestStandardLibrary -v'

test: test-wasi

.PHONY: test-wasi test-wasi-std FORCE
