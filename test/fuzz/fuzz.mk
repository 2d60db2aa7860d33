# Fuzzing. The Makefile includes this. FUZZ says for how long: FUZZ=1h; else until interrupted.

.PHONY: fuzz

fuzz: $(O)/packages.stamp ## compare compiled code with wazero on modules by chance; FUZZ=10m says how long
	$(GO) run ./test/fuzz $(if $(FUZZ),-time $(FUZZ)) $(FUZZFLAGS)
