# Included by GNUmakefile: builds the tools, installs system packages, and renders docs/.

bin/test/terraform-provider-kvs: $(GO_FILES)
	@echo "building the provider that the tests drive"; go build -ldflags '-s -w' -o $@ ./internal/cmd/testprovider

bin/testsummary: $(wildcard internal/cmd/testsummary/*.go)
	@go build -o $@ ./internal/cmd/testsummary

# Each tool has its own module, so that its dependencies stay out of go.mod. Arguments: name, folder, package, purpose, linker flags.
define tool
bin/$(1): internal/tools/$(2)/go.mod internal/tools/$(2)/go.sum
	@echo "building $$@, once: $(4)"; go build -C internal/tools/$(2) -trimpath -ldflags '-s -w $(5)' -o ../../../$$@ $(3)
endef
$(eval $(call tool,golangci-lint,lint,github.com/golangci/golangci-lint/v2/cmd/golangci-lint,linter; takes some minutes))
$(eval $(call tool,misspell,lint,github.com/golangci/misspell/cmd/misspell,checks the spelling of pages and examples))
$(eval $(call tool,tfplugindocs,docs,github.com/hashicorp/terraform-plugin-docs/cmd/tfplugindocs,renders docs/))
$(eval $(call tool,terraform-docs,terraform-docs,github.com/terraform-docs/terraform-docs,writes the READMEs of examples/modules))
$(eval $(call tool,opa,opa,github.com/open-policy-agent/opa,evaluates examples/policies; takes some minutes))
$(eval $(call tool,actionlint,actionlint,github.com/rhysd/actionlint/cmd/actionlint,checks the workflows))
$(eval $(call tool,govulncheck,govulncheck,golang.org/x/vuln/cmd/govulncheck,checks for known vulnerabilities))
$(eval $(call tool,goreleaser,goreleaser,github.com/goreleaser/goreleaser/v2,builds releases; takes some minutes))
$(eval $(call tool,cyclonedx-gomod,sbom,github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod,writes bills of materials))
$(eval $(call tool,tofu,opentofu,github.com/opentofu/opentofu/cmd/tofu,OpenTofu for the tests; takes some minutes,-X github.com/opentofu/opentofu/version.dev=no))

bin/terraform:
	@echo "terraform is not on PATH, and only OpenTofu can be built here: install it, or use TF=tofu" >&2; exit 1

# System packages that the tests need: a server for the stores, and a C compiler to link the race detector (not on macOS).
# They are installed only if make runs as root. RUNLEVEL keeps Debian from starting the server.
missing = { command -v redis-server || command -v valkey-server; } >/dev/null || echo redis-server; \
	[ "$$(uname)" = Darwin ] || command -v "$$(go env CC)" >/dev/null || echo gcc
packages:
	@missing=$$($(missing)); [ -z "$$missing" ] || [ "$$(id -u)" != 0 ] || { echo "installing" $$missing; \
		if command -v apt-get >/dev/null; then apt-get update -qq; RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -qq -y redis-server gcc libc6-dev >/dev/null; \
		elif command -v dnf >/dev/null; then dnf install -q -y gcc valkey || dnf install -q -y gcc redis; \
		elif command -v apk >/dev/null; then apk add -q gcc musl-dev redis; fi; }; \
	missing=$$($(missing)); [ -z "$$missing" ] || { echo "the tests need" $$missing "(redis or valkey will do): install it and run make again" >&2; exit 1; }

# A browser, which only the tests of the sandbox's page need. It is large, so it is optional: without it, these tests are skipped with a message.
browser:
	@for name in chromium chromium-browser google-chrome-stable google-chrome; do ! command -v $$name >/dev/null || exit 0; done; \
	if [ "$$(id -u)" = 0 ]; then echo "installing chromium, which the tests of the sandbox's page need"; \
		if command -v apt-get >/dev/null; then apt-get update -qq; \
			DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium >/dev/null; \
		elif command -v dnf >/dev/null; then dnf install -q -y chromium; elif command -v apk >/dev/null; then apk add -q chromium; fi; fi; \
	command -v chromium >/dev/null || echo "SKIPPED: the tests of the sandbox's page need a browser: install chromium and run make again"

# Renders docs/, the provider's schema and the READMEs of the modules into $$work.
SCHEMA := internal/provider/testdata/schema.json
render = set -eu; work=$$(mktemp -d); trap 'rm -rf "$$work"' EXIT; cp -R templates examples "$$work"; \
	for kind in actions data-sources ephemeral-resources list-resources; do cp templates/resources.md.tmpl "$$work/templates/$$kind.md.tmpl"; done; \
	for page in "$$work"/templates/resources/*.md; do sed "/make generate puts/r $$page" templates/resources.md.tmpl >"$$page.tmpl"; rm "$$page"; done; \
	go run ./internal/cmd/schemadump >"$$work/schema.json"; for task in generate validate; do \
		bin/tfplugindocs $$task --provider-dir "$$work" --provider-name kvs --providers-schema "$$work/schema.json" >"$$work/log" 2>&1 || \
		{ cat "$$work/log" >&2; exit 1; }; done; \
	for module in "$$work"/examples/modules/*/main.tf; do \
		bin/terraform-docs -c "$$work/examples/modules/.terraform-docs.yml" "$${module%/main.tf}" >/dev/null; \
	done
