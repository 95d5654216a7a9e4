# Model Analytics Workbench. `make demo` and `make test` do everything on a Debian machine with a Swift toolchain.
SCRATCH := .build-release
WORKBENCH := $(SCRATCH)/release/workbench
SWIFTPM := --configuration release --scratch-path $(SCRATCH)
# Real production traces; tests that need them say so when they are absent.
export WORKBENCH_DATA ?= $(abspath ../shared/data)

.PHONY: help demo test build lint format bench verify clean

help:
	@echo "make demo      install what is missing, build, run a real scenario, show its figures"
	@echo "make test      install what is missing, build, run all tests"
	@echo "make build     the program: $(WORKBENCH)"
	@echo "make lint      swift format, strict; make format mends it"
	@echo "make bench     the benchmark table of the README"
	@echo "make verify    the long checks: tests in a debug build with its assertions"

build:
	@.ci/setup
	swift build $(SWIFTPM)

demo: build
	@sh .ci/demo $(WORKBENCH)

test:
	@.ci/setup tests
	swift build $(SWIFTPM) --build-tests
	WORKBENCH=$(abspath $(WORKBENCH)) swift test $(SWIFTPM) --skip-build

verify:
	@.ci/setup tests
	swift build $(SWIFTPM)
	WORKBENCH=$(abspath $(WORKBENCH)) swift test --scratch-path .build-debug

lint:
	swift format lint --strict --recursive Package.swift Sources Tests

format:
	swift format --in-place --recursive Package.swift Sources Tests

bench: build
	@.ci/setup bench
	.venv/bin/python Benchmarks/bench.py $(WORKBENCH)

clean:
	rm -rf .build .build-debug $(SCRATCH) .venv
