# The official WebAssembly suite. The Makefile includes this. VK_SPEC names another archive
# than the one in test/spec/testdata.

.PHONY: spec

spec: $(O)/packages.stamp ## run the official WebAssembly test suite
	@$(GO) run ./test/spec
