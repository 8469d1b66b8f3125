# firsttap: everything a developer types. `make` alone lists the targets.

SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS   += --no-print-directory

VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS  := -s -w -X main.version=$(VERSION)
FUZZTIME ?= 10s
BENCH    ?=

# The version comes from VERSION; stamping would fail in a checkout of another user.
export GOFLAGS := $(GOFLAGS) -buildvcs=false

# Packages without goroutines gain nothing from the race detector. All others run
# with it, unless there is no C compiler; then the last lines of `make test` say so.
# guess has goroutines: it repeats by the ten thousand what gateway and store do,
# whose own tests run with the detector.
CALM   := card|dcvv2|emv|token|keys|specs|messages|guess|examples
CALM   := $(CALM)|internal/(arch|cmd|golden|need|secret)
LIST   := go list -e ./... | grep
calm    = $(shell $(LIST) -E '^github.com/firsttap/firsttap/($(CALM))(/|$$)')
lively  = $(shell $(LIST) -vE '^github.com/firsttap/firsttap/($(CALM))(/|$$)')
cgo    := $(shell go env CGO_ENABLED)
race    = $(if $(filter 1,$(cgo)),-race)
norace  = $(if $(race),,-skipped 'race detector: needs a C compiler')

# The PKCS#11 driver has a build tag, needs cgo, and is tested against SoftHSM.
softhsm = $(and $(filter 1,$(cgo)),$(shell command -v softhsm2-util))
users   = ./cmd/firsttap ./internal/network
tagged  = -- $(race) -tags pkcs11 ./keys/pkcs11 -- -tags pkcs11 -run ^TestModule $(users)
module  = $(if $(softhsm),$(tagged))
nomod   = $(if $(softhsm),,-skipped 'PKCS#11: needs a C compiler and softhsm2-util')

.PHONY: help build demo test counted check lint race fuzz bench benches clean bin/count bin/bench

help: ## list the targets
	@echo "usage: make TARGET"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 12

build: ## build bin/firsttap
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/firsttap ./cmd/firsttap

demo: build ## run the whole story once, from application to first tap
	./bin/firsttap demo --once

test: ## run all tests and end with a count; REQUIRE=all fails on anything skipped
	@.ci/needs
	@$(MAKE) counted

counted: bin/count
	@bin/count $(norace) $(nomod) -- $(calm) -- $(race) $(lively) $(module)

check: lint ## lint, rules of the tree and quick tests: run it before each commit
	go test -count=1 ./internal/arch
	go test $(calm)

lint: bin/staticcheck bin/gofumpt ## gofumpt (includes gofmt), vet and staticcheck
	@bad=$$(bin/gofumpt -l $$(go list -f '{{.Dir}}' ./...)); \
	if [ -n "$$bad" ]; then echo "format these with bin/gofumpt -w:"; echo "$$bad"; exit 1; fi
	go vet ./...
	$(if $(filter 1,$(cgo)),go vet -tags pkcs11 ./keys/pkcs11 $(users))
	bin/staticcheck ./...

race: bin/count ## run all tests of all packages with the race detector
	@bin/count -- -race ./...

fuzz: ## fuzz every target for FUZZTIME (10s, or a count such as 5000x) each
	@go list -f '{{.Dir}}' ./... | while read -r dir; do \
	  for target in $$(grep -hso '^func Fuzz[A-Za-z0-9_]*' "$$dir"/*_test.go | cut -c6-); do \
	    echo "fuzz $$target in .$${dir#$(CURDIR)}"; \
	    go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) "$$dir" </dev/null; \
	  done; \
	done

bench: build bin/bench ## measure speed beside moov and the goals; BENCH=-help tells how
	@bin/bench $(BENCH)

benches: ## run all benchmarks of all packages; the numbers stay in bin/benches.txt
	@mkdir -p bin
	go test -run '^$$' -bench . -benchmem ./... | tee bin/benches.txt
	$(if $(softhsm),go test -tags pkcs11 -run '^$$' -bench . ./keys/pkcs11 | tee -a bin/benches.txt)

clean: ## remove what was built
	rm -rf bin dist bench.json

bin/count:
	@go build -o bin/count ./internal/cmd/count

bin/bench:
	@go build -trimpath -o bin/bench ./internal/cmd/bench

bin/staticcheck: tools/go.mod tools/go.sum
	go build -C tools -o ../bin/ honnef.co/go/tools/cmd/staticcheck

bin/gofumpt: tools/go.mod tools/go.sum
	go build -C tools -o ../bin/ mvdan.cc/gofumpt
