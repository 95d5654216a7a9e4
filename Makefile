# Model Analytics Workbench. `make demo` and `make test` do everything on a Debian machine with a Swift toolchain.
SCRATCH := .build-release
WORKBENCH := $(SCRATCH)/release/workbench
# What a C compiler calls its sources in the program, so that no path of this machine is in it.
SWIFTPM := --configuration release --scratch-path $(SCRATCH) -Xcc -ffile-prefix-map=$(CURDIR)/=
PACKAGES := .build-package
DUCKDB := $(abspath .venv/bin/duckdb)
# Real production traces; tests that need them say so if they are missing.
export WORKBENCH_DATA ?= $(abspath ../shared/data)

.PHONY: help demo test build build-tests build-fuzz package docs lint format bench bench-more baselines fuzz verify tsan asan screenshots clean

help:
	@echo "make demo      install what is missing, build, run a real scenario, show its figures"
	@echo "make test      install what is missing, build, run all tests"
	@echo "make build     the program: $(WORKBENCH)"
	@echo "make package   a Debian package, a tarball that runs from any folder, a Python wheel: $(PACKAGES)"
	@echo "make docs      the documentation site, readable from the file system: .build-docs/index.html"
	@echo "make lint      the format of all code, and the types of Python; make format fixes the format"
	@echo "make bench     one table: engine, pipeline, growth, memory, beside the peers; BENCH=--quick leaves out what takes minutes"
	@echo "make bench-more  the dashboard, comparison, planning and fitting"
	@echo "make baselines  records the results of the shipped scenarios (make test checks them)"
	@echo "make screenshots   retakes the README's picture, and draws those of the guide"
	@echo "make fuzz      each of our own readers under libFuzzer, for a minute each (FUZZ_SECONDS, FUZZ_TARGETS)"
	@echo "make verify    the long checks: all tests with assertions, pictures of every page at five widths, light and dark"
	@echo "make tsan      the libraries' tests under the thread sanitizer; make asan: under the address sanitizer (SANITIZED)"

build:
	@.ci/setup
	swift build $(SWIFTPM)

demo:
	@if program=$$(.ci/packaged $(PACKAGES)); then .ci/setup duckdb; \
	else $(MAKE) --no-print-directory build && .ci/setup demo && program=$(WORKBENCH) || exit 1; fi; \
	WORKBENCH_DUCKDB=$(DUCKDB) sh .ci/demo "$$program"

build-tests:
	@.ci/setup tests
	swift build $(SWIFTPM) --build-tests

build-fuzz:
	WORKBENCH_FUZZ=1 swift build $(SWIFTPM) --target fuzz

# The same objects, linked once more with Swift's runtime inside.
package:
	@.ci/setup package
	WORKBENCH_STATIC=1 swift build $(SWIFTPM) --product workbench
	@.ci/packaging/make $(SCRATCH) $(PACKAGES)

test: build-tests
	WORKBENCH=$(abspath $(WORKBENCH)) WORKBENCH_DUCKDB=$(DUCKDB) swift test $(SWIFTPM) --skip-build
	WORKBENCH=$(abspath $(WORKBENCH)) .venv/bin/python -m pytest -q -p no:cacheprovider python/tests
	WORKBENCH=$(abspath $(WORKBENCH)) .venv/bin/python -m pytest -q -p no:cacheprovider -n 2 --dist loadfile Tests/Package/test_parts.py Tests/Examples Tests/Browser Benchmarks cluster

docs: build
	@.ci/setup tests
	@.ci/docs $(SCRATCH) .build-docs

# Optimised, with assertions: without optimisation, tests of theory take hours.
ASSERTED := --configuration release --scratch-path .build-verify -Xswiftc -DASSERTIONS -Xcc -ffile-prefix-map=$(CURDIR)/=
VERIFIED := .build-verify/release/workbench

verify:
	@.ci/setup tests
	swift build $(ASSERTED) --build-tests
	WORKBENCH_VERIFY=1 WORKBENCH=$(abspath $(VERIFIED)) WORKBENCH_DUCKDB=$(DUCKDB) swift test $(ASSERTED) --skip-build
	WORKBENCH_VERIFY=1 WORKBENCH=$(abspath $(VERIFIED)) .venv/bin/python -m pytest -q -p no:cacheprovider -n 2 --dist loadfile Tests/Browser

# Tests of libraries; those of the command run a program that is not sanitized.
SANITIZED ?= TelemetryTests|SamplingTests|DocumentsTests|HashingTests|ScenarioModelTests|SimulationTests|AggregationTests|DatasetsTests|RunsTests|PlanningTests|VerificationTests|CalibrationTests|DashboardServerTests

tsan:
	@.ci/setup tests
	WORKBENCH_DUCKDB=$(DUCKDB) TSAN_OPTIONS=halt_on_error=0:exitcode=66:suppressions=$(CURDIR)/.ci/tsan.supp swift test --configuration release --sanitize=thread --scratch-path .build-tsan --filter '$(SANITIZED)'

asan:
	@.ci/setup tests
	WORKBENCH_DUCKDB=$(DUCKDB) ASAN_OPTIONS=detect_leaks=0 swift test --configuration release --sanitize=address --scratch-path .build-asan --filter '$(SANITIZED)'

lint:
	@.ci/setup tests
	swift format lint --strict --recursive Package.swift Sources Tests Benchmarks
	cd python && ../.venv/bin/ruff check --quiet && ../.venv/bin/ruff format --check --quiet && ../.venv/bin/mypy

format:
	@.ci/setup tests
	swift format --in-place --recursive Package.swift Sources Tests Benchmarks
	cd python && ../.venv/bin/ruff format --quiet

bench: build
	@.ci/setup bench
	.venv/bin/python Benchmarks/bench.py $(WORKBENCH) $(BENCH)

bench-more: build
	@.ci/setup bench
	.venv/bin/python Benchmarks/dashboard.py $(WORKBENCH)
	.venv/bin/python Benchmarks/compare.py $(WORKBENCH)
	.venv/bin/python Benchmarks/plan.py $(WORKBENCH)
	.venv/bin/python Benchmarks/fit.py $(WORKBENCH)
	.venv/bin/python Benchmarks/bound.py $(WORKBENCH)
	.venv/bin/python Benchmarks/arrivals.py $(WORKBENCH)

baselines: build
	$(WORKBENCH) baseline update

FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= $(notdir $(wildcard Tests/Fuzz/corpus/*))

fuzz:
	@.ci/setup
	WORKBENCH_FUZZ=1 swift build --configuration release --scratch-path .build-fuzz --product fuzz -Xswiftc -sanitize=fuzzer -Xswiftc -use-ld=lld
	@export SWIFT_BACKTRACE=enable=no; failed=; for target in $(FUZZ_TARGETS); do \
	  echo "== $$target"; mkdir -p .build-fuzz/corpus/$$target; \
	  FUZZ_TARGET=$$target .build-fuzz/release/fuzz .build-fuzz/corpus/$$target Tests/Fuzz/corpus/$$target \
	    -max_total_time=$(FUZZ_SECONDS) -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
	    -artifact_prefix=.build-fuzz/$$target- > .build-fuzz/$$target.log 2>&1 || failed="$$failed $$target"; \
	  grep -E "ERROR|SUMMARY|Fatal|Test unit written|stat::(number_of|average|peak)" .build-fuzz/$$target.log; done; \
	awk '/stat::number_of_executed_units/ { sum += $$2 } END { printf "%d inputs in total\n", sum }' .build-fuzz/*.log; \
	if [ -n "$$failed" ]; then echo "Failed:$$failed. The input is in .build-fuzz."; exit 1; fi

screenshots: build
	@.ci/setup tests
	.venv/bin/python Tests/Browser/screenshots.py $(WORKBENCH)
	.venv/bin/python Tests/Examples/pictures.py $(WORKBENCH)

clean:
	rm -rf .build .build-debug .build-tsan .build-asan .build-docs .build-fuzz $(PACKAGES) $(SCRATCH) .venv
