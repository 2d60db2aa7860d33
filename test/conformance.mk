# The conformance suite of the hash rule. test/tests.mk includes this.

.PHONY: conformance mutation

COMMA := ,

CONFORMANCE_C := $(wildcard test/conformance/guest/*.c test/conformance/guest/*.h)
CONFORMANCE_ROOT := $(O)/conformance/root

$(CONFORMANCE_ROOT)/bin/attack: $(CONFORMANCE_C) $(O)/vkcc
	@mkdir -p $(@D)
	$(O)/vkcc -O2 -pthread -o $@ $(filter-out %/mark.c %/interp.c %/heat.c,$(filter %.c,$^))
	$(O)/vkcc -O2 -o $(@D)/mark test/conformance/guest/mark.c
	$(O)/vkcc -O2 -o $(@D)/interp test/conformance/guest/interp.c
	$(O)/vkcc -O2 -o $(@D)/heat test/conformance/guest/heat.c

$(O)/conformance.vk/manifest.json: $(CONFORMANCE_ROOT)/bin/attack $(shell find test/conformance/root -type f) $(O)/demo/root.stamp $(O)/vkernel
	@scripts/rootdir $(O)/conformance/bundled $(O)/demo/ports $(CURDIR)/test/conformance/root $(CONFORMANCE_ROOT)
	$(O)/vkernel build -j $(JOBS) --name conformance -o $(O)/conformance.vk $(O)/conformance/bundled >&2

conformance: $(O)/conformance.vk/manifest.json ## attack the hash rule; RACES=N repeats each race N times, CONFORMANCE=-json
	@$(GO) run ./test/conformance $(if $(RACES),-races $(RACES)) $(CONFORMANCE)

# The proof that the suite can fail: single checks are switched off in a build of its own.

mutation: $(O)/conformance.vk/manifest.json ## switch each check of the hash rule off, and see that cases fail
	$(subst -tags ,-tags mutate$(COMMA),$(BUILD_VKERNEL)) -o $(O)/conformance/vkernel ./cmd/vkernel
	@$(GO) run ./test/conformance -mutate -vkernel $(O)/conformance/vkernel -races $(or $(RACES),100) $(CONFORMANCE)

test-guest: $(O)/conformance.vk/manifest.json
