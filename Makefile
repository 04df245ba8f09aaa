# Every target is thin: what it runs can be run by hand.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

.PHONY: build
build: ## Build bin/gangway.
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/gangway ./cmd/gangway

.PHONY: demo
demo: build ## Show the main job on an OpenStack of its own, or on the cloud OS_CLOUD.
	@go build -o bin/ ./cmd/mkcsar ./cmd/demo
	@bin/demo

.PHONY: docs
docs: ## Write the generated parts of docs/ anew.
	go test ./cmd/gangway -run Docs -update

.PHONY: screenshots
screenshots: ## Take the pictures of docs/pictures anew, with Chromium.
	.ci/browser
	go test ./cmd/gangway -run TestPictures -update

.PHONY: test
test: ## Run every test, against a real Keystone and Glance where they can be installed.
	.ci/test

.PHONY: bench
bench: build ## Measure gangway beside cp, openssl, unzip and curl; BENCH has its flags.
	go run ./cmd/bench $(BENCH)

.PHONY: lint
lint: ## Check format, vet and staticcheck.
	@test -z "$$(gofmt -l .)" || { gofmt -l .; exit 1; }
	go vet ./...
	go tool staticcheck ./...

.PHONY: help
help: ## List the targets.
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)
