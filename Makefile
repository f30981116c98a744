# Everything here works as root and as an ordinary user, and needs no container.
SHELL := /bin/bash
.DEFAULT_GOAL := help
# The checkout may belong to another user, as for root in a container. git and Go's version stamp refuse such a checkout.
VERSION := $(shell git -c safe.directory='*' describe --always --dirty 2>/dev/null || echo dev)
export GOFLAGS := $(GOFLAGS) -buildvcs=false
GO_TEST_FLAGS ?=
# The race detector needs a C compiler.
RACE := $(shell command -v $$(go env CC) >/dev/null && echo -race)

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z/-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.PHONY: run
run: build bin/dev bin/standin ## Run everything in the foreground: PostgreSQL, Temporal with its UI, inorder; PLATFORM=stand-in adds the stand-in
	@PLATFORM='$(PLATFORM)' bin/dev run

.PHONY: build
build: ## Build bin/inorder
	go build -trimpath -ldflags "-X main.version=$(VERSION)" -o bin/inorder ./cmd/inorder

.PHONY: bin/standin
bin/standin: ## Build bin/standin, the stand-in for the commerce platform
	@go build -trimpath -o bin/standin ./dev/cmd/standin

.PHONY: bin/dev
bin/dev:
	@go build -o bin/dev ./dev/cmd/dev

# Most tests wait for servers, leases and clocks, so four tests of a package at once keep two cores busy. The longest packages start first.
.PHONY: test
test: build bin/dev conformance/node_modules ## Run every test, on real servers that it starts itself
	bin/dev test -- sh -c 'go test -timeout 20m -parallel 4 $(GO_TEST_FLAGS) ./workflows ./e2e ./... && go test $(RACE) -short -parallel 4 . ./activities/... ./receiver/... ./workflows/...'

# The platform's official SDK, for ./conformance. Without it those tests skip on a laptop and fail in CI.
conformance/node_modules: conformance/package-lock.json
	@if command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null; then \
		cd conformance && npm ci --no-audit --no-fund --loglevel=error && touch node_modules; \
	else \
		echo "The test against the platform's official SDK needs Node.js 20 or newer with npm; found: $$(node --version 2>/dev/null || echo none). Install it$${CI:+: in CI no test is skipped}." >&2; \
		[ -z "$$CI" ]; \
	fi

.PHONY: image
image: ## Build the inorder image, labelled with its version
	docker build --build-arg VERSION=$(VERSION) -t inorder .

BENCH = cd bench && go build -o ../bin/bench . && cd .. && bin/bench -inorder bin/inorder -version '$(VERSION)'
.PHONY: bench
bench: build ## Compare with River, DBOS, a plain handler and others, about 35 minutes; BEFORE=program adds an older build
	@$(BENCH) -before '$(BEFORE)'

.PHONY: bench/short
bench/short: build ## The same comparison in less than five minutes
	@$(BENCH) -short -before '$(BEFORE)'

.PHONY: bench/filled
bench/filled: build ## Measure with 1,000,000 processed and 100,000 waiting events and 200,000 orders, compared with empty tables
	@$(BENCH) -filled

.PHONY: bench/lists
bench/lists: build ## Measure the first page of each list, and each view that operators see, on the same full tables
	@$(BENCH) -lists 200

# "The commit before" is HEAD if Go or SQL code has uncommitted changes, else the commit before HEAD.
.PHONY: bench/guard
bench/guard: build ## Report what became slower, beyond noise, since the commit before; BEFORE=commit or BEFORE=program picks another
	@before='$(BEFORE)'; if ! [ -f "$$before" ]; then \
		before=$${before:-$$(git diff --quiet HEAD -- '*.go' '*.sql' go.mod && echo HEAD^ || echo HEAD)} && \
		rm -rf bin/before.src && mkdir -p bin/before.src && git archive "$$before" | tar -x -C bin/before.src && \
		(cd bin/before.src && go build -trimpath -ldflags "-X main.version=$$before" -o ../before ./cmd/inorder); built=$$?; rm -rf bin/before.src; \
		[ $$built = 0 ] || exit 1; before=bin/before; \
	fi; $(BENCH) -guard -before "$$before"

.PHONY: bench/plots
bench/plots: ## Draw the charts in docs/benchmark from RESULTS, a file of results; default: the newest of the long form
	@cd bench && go build -o ../bin/bench . && cd .. && bin/bench -plots '$(or $(RESULTS),$(lastword $(sort $(wildcard bench/results/*-long.json))))'

.PHONY: bench/engine
bench/engine: build bin/temporal-server ## Compare settings of Temporal's server with the usual ones; BUILDS='name=program;…' adds other builds
	@$(BENCH) -engine -builds '$(BUILDS)'

# Temporal's production server, of the development server's version. Its command needs a few more modules than the development server.
bin/temporal-server: tools/temporal/go.mod
	rm -rf bin/temporal.src && mkdir -p bin/temporal.src && cp tools/temporal/go.mod tools/temporal/go.sum bin/temporal.src
	cd bin/temporal.src && export GOFLAGS='-buildvcs=false -mod=mod' && \
		go build -o ../temporal-sql-tool go.temporal.io/server/cmd/tools/sql && go build -o ../temporal-server go.temporal.io/server/cmd/server
	rm -rf bin/temporal.src

.PHONY: bench/outages
bench/outages: build ## Measure acknowledgements at 20 and 80 events/s, and while Temporal and PostgreSQL are stopped for a minute each
	@$(BENCH) -outages 60s

ROWS ?= 1000000
.PHONY: bench/purge
bench/purge: build ## Measure acknowledgements while ROWS=1000000 rows, and as many payloads, are purged
	@$(BENCH) -purge $(ROWS)

SEED ?= 0
DURATION ?= 1m
ROUNDS ?= 1
.PHONY: chaos
chaos: build bin/dev ## Kill, stop and cut off real servers under load, and check that nothing is lost; SEED=, DURATION=, ROUNDS=
	go build -o bin/chaos ./dev/cmd/chaos
	@bin/chaos -inorder bin/inorder -seed $(SEED) -duration $(DURATION) -rounds $(ROUNDS)

.PHONY: fuzz
fuzz: ## Fuzz the parser, the domain and the verifier for a minute each
	go test -run '^$$' -fuzz FuzzParseEvent -fuzztime 60s .
	go test -run '^$$' -fuzz FuzzChange -fuzztime 60s .
	go test -run '^$$' -fuzz FuzzVerify -fuzztime 60s ./internal/delivery

.PHONY: fixtures
fixtures: build bin/dev ## Record the missing replay fixtures, from landed code
	RECORD_FIXTURES=1 bin/dev test -- go test -count 1 -run TestRecordFixtures ./workflows/...

BROWSER = command -v chromium chromium-browser google-chrome google-chrome-stable >/dev/null || \
	{ echo "This needs Chromium or Chrome: apt-get install chromium" >&2; exit 1; }; cd e2e/browser && go test -count=1 -timeout 8m -parallel 3
.PHONY: browser
browser: ## Test what operators see and do in Temporal's UI, in a headless Chromium
	@$(BROWSER) ./...

.PHONY: screenshots
screenshots: ## Retake the README's pictures of Temporal's UI, in a headless Chromium
	@for test in TestColumnsAndViews TestAnOperatorReleasesAWaitingEvent TestDetailsFitInEachPhase; do ($(BROWSER) . -run "^$$test\$$" -pictures '$(CURDIR)/docs/img') || exit 1; done

# The tests of tools and of the dashboard are not cached: they read files outside their module, where Go's cache notices no change.
.PHONY: lint
lint: bin/staticcheck bin/workflowcheck ## Run gofmt, vet, staticcheck, workflowcheck, go mod tidy -diff; test bench, deploy/dashboard, and tools with the compose file
	@files=$$(find . -name node_modules -prune -o -name '*.go' -print); test -z "$$(gofmt -l $$files)" || { gofmt -d $$files; exit 1; }
	go vet ./...
	bin/staticcheck ./...
	bin/workflowcheck ./workflows/...
	go mod tidy -diff
	cd bench && go vet ./... && ../bin/staticcheck ./... && go mod tidy -diff && go test -count=1 ./...
	cd e2e/browser && go vet ./... && ../../bin/staticcheck ./... && go mod tidy -diff
	cd tools && go vet ./... && ../bin/staticcheck ./... && go mod tidy -diff && go test -count=1 ./...
	cd deploy/dashboard && go vet ./... && ../../bin/staticcheck ./... && go mod tidy -diff && go test -count=1 ./...

.PHONY: dashboard
dashboard: ## Regenerate deploy/dashboard.json, for Grafana, from deploy/dashboard
	cd deploy/dashboard && go run . >../dashboard.json.new && mv ../dashboard.json.new ../dashboard.json

bin/staticcheck: tools/go.mod
	cd tools && go build -o ../bin/staticcheck honnef.co/go/tools/cmd/staticcheck

bin/workflowcheck: tools/go.mod
	cd tools && go build -o ../bin/workflowcheck go.temporal.io/sdk/contrib/tools/workflowcheck

.PHONY: fmt
fmt: ## Format all Go code
	find . -name node_modules -prune -o -name '*.go' -print | xargs gofmt -w

.PHONY: temporal
temporal: bin/dev ## Find the Temporal CLI, or build bin/temporal, and print its path
	@bin/dev temporal

.PHONY: clean
clean: bin/dev ## Remove what was built and the development servers' state
	bin/dev clean
	rm -rf bin
