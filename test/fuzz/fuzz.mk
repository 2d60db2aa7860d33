# Fuzzing. The Makefile includes this. FUZZ says for how long: FUZZ=1h; else until interrupted.

.PHONY: fuzz fuzz-native

# V8, whose opinion decides where vkernel and wazero differ.
$(O)/fuzz/packages.stamp: test/fuzz/packages.txt scripts/install-packages $(O)/packages.stamp
	@mkdir -p $(@D)
	@scripts/install-packages $<
	@touch $@

fuzz: $(O)/fuzz/packages.stamp ## compare compiled code with wazero on modules by chance; FUZZ=10m says how long
	$(GO) run ./test/fuzz $(if $(FUZZ),-time $(FUZZ)) $(FUZZFLAGS)

fuzz-native: $(O)/packages.stamp ## run each of Go's fuzz targets for FUZZ (10s)
	@grep -rl --include=*_test.go '^func Fuzz' cmd internal guest test 2>/dev/null | xargs -n 1 dirname | sort -u | while read dir; do \
	  for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9]*\).*/\1/p' $$dir/*_test.go); do \
	    echo "$$dir $$target"; \
	    $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(or $(FUZZ),10s) ./$$dir || exit 1; \
	  done; \
	done
