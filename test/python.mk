# CPython: a container with python3 next to the shell of the demo, and its own test suite. The Makefile includes this.

.PHONY: python test-python test-python-warm

python: $(O)/python.vk/manifest.json.sig ## a container with python3: out/vkernel run out/python.vk

$(O)/python/packages.stamp: test/python/packages.txt scripts/install-packages
	@mkdir -p $(@D)
	@scripts/install-packages test/python/packages.txt
	@touch $@

$(O)/python/ports.stamp: $(O)/vkport $(O)/python/packages.stamp
	@rm -rf $(O)/python/ports
	$(O)/vkport -j $(JOBS) -o $(O)/python/ports python >&2
	@touch $@

$(O)/python/root.stamp: $(O)/python/ports.stamp $(O)/demo/root.stamp scripts/rootdir
	@scripts/rootdir $(O)/python/root $(O)/demo/ports $(O)/python/ports
	@touch $@

$(O)/python.vk/manifest.json: $(O)/python/root.stamp $(O)/vkernel
	@$(O)/vkport -sources $(PORTS) python >$(O)/python/sources.json
	$(O)/vkernel build -j $(JOBS) --name python --source $(O)/python/sources.json -o $(O)/python.vk $(O)/python/root >&2

# Its own tests, from the source, on both sides: see test/python/main.go

$(O)/src/python/Lib/test/regrtest.py: $(O)/vkport guest/recipes/python/recipe
	@rm -rf $(O)/src/python
	$(O)/vkport -source -o $(O)/src/python python
	@touch $@

$(O)/python/native.stamp: $(O)/vkport $(O)/python/packages.stamp
	@rm -rf $(O)/python/native
	$(O)/vkport -native -j $(JOBS) -o $(O)/python/native python >&2
	@touch $@

test-python: $(O)/python.vk/manifest.json.sig $(O)/python/native.stamp $(O)/src/python/Lib/test/regrtest.py ## CPython's test suite, beside a native python3
	$(GO) run ./test/python -j $(JOBS) $(FILES)

test-python-warm: $(O)/python.vk/manifest.json.sig ## commands around python3, warm and cold
	$(GO) run ./test/python/warm -vkernel $(O)/vkernel -bundle $(O)/python.vk
