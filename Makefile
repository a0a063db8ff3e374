# Two commands on a fresh machine: make demo, make test. Every target does the set-up it needs, and only that.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory --silent
SHELL := /bin/bash

BROKER ?=
SOURCE ?=
FRAMES ?=
MODEL ?=
MINUTES ?=
SEED ?=
MOMENTS ?=
PREFIX ?=
SLICES ?=
export BROKER SOURCE FRAMES MODEL MINUTES SEED MOMENTS PREFIX

native_sources := $(shell find native -path native/test -prune -o \( -name '*.cc' -o -name '*.cu' -o -name '*.h' \) -print) binding.gyp
typescript_sources := $(shell find src -name '*.ts') tsconfig.json tsconfig.build.json scripts/bundle.mjs
addon := build/Release/fastsamd.node
modules := node_modules/.fastsamd-installed
compiled := dist/.fastsamd-compiled
web_sources := $(shell find web -type f) src/contract/console.ts src/contract/view-message.ts
page := dist/web/index.html

# Compilers and npm write into a file; all of it is shown when they fail.
quietly = { $(1); } > $(2) 2>&1 || { status=$$?; cat $(2) >&2; exit $$status; }

# onnxruntime-node would download CUDA libraries otherwise; the ones of the system are used.
export ONNXRUNTIME_NODE_INSTALL := skip

.PHONY: help setup build demo test check quick layers style types unused test-one watch check-cuda check-gpu check-tensorrt lint tidy format fuzz fuzz-native fuzz-readers cameras hostile bad-sources soak-mqtt flood-mqtt frames-exact memory-console leaving generate bench bench-track bench-measure bench-inspect bench-console bench-eval soak chaos train-demo install uninstall sbom deb check-deb check-container check-package check-arm64 check-oldest clean

help: ## List the targets
	awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install missing system packages
	scripts/setup.sh runtime

# In two steps: npm's install step builds the addon, which make would not notice within one.
build: setup ## Install dependencies, build the addon and the TypeScript
	$(MAKE) $(modules)
	$(MAKE) $(addon) $(compiled) $(page)

$(modules): package-lock.json
	echo 'build: installing npm packages and compiling the addon, which takes some minutes (build/install.log)'
	mkdir -p build
	headers=$$(scripts/node-headers.sh); $(call quietly,env $${headers:+npm_config_nodedir="$$headers"} npm ci --no-audit --no-fund --foreground-scripts,build/install.log)
	touch $@

$(addon): $(native_sources) | $(modules)
	echo 'build: native addon (build/addon.log)'
	$(call quietly,npm run --silent install,build/addon.log)
	grep -A 3 'warning:' build/addon.log || true

$(compiled): $(typescript_sources) $(modules)
	echo 'build: TypeScript'
	npm run --silent build:ts
	touch $@

$(page): $(web_sources) $(modules)
	echo 'build: the console'\''s page'
	npm run --silent build:web
	touch $@

demo: build ## Segment a drawn conveyor belt and publish it [BROKER=mqtt://… SOURCE=… FRAMES=20 MODEL=… INSPECT=1]
	node bin/fastsamd demo --out build/demo.jpg $${BROKER:+--broker "$$BROKER"} $${SOURCE:+--source "$$SOURCE"} $${FRAMES:+--frames "$$FRAMES"} $${MODEL:+--model "$$MODEL"} $${INSPECT:+--inspect}

test: ## Lint, layers, types, native tests, TypeScript tests
	scripts/test.sh

check: build ## Static checks, and the tests that start no server; for between edits
	$(side_by_side) quick $(static_checks)

test-one: build ## One test file, or all below a folder [T=test/prompt/apply.test.ts]
	test -n "$(T)" || { echo 'test-one: expected T=PATH of a test file or folder' >&2; exit 2; }
	node_modules/.bin/vitest run $(T)

watch: build ## Run the tests a change touches, at every change
	node_modules/.bin/vitest watch --project quick --changed

check-cuda: ## Compile the CUDA kernels for Orin, Thor and Hopper; registers and spills (needs nvcc)
	scripts/check-cuda.sh

check-gpu: ## Check kernels, graphs, errors and bandwidth on the GPU at hand (needs nvcc) [TENSORRT_REPO=…]
	scripts/check-gpu.sh

check-tensorrt: build ## Compile for every TensorRT, test on stand-ins [TENSORRT_REPO=checkout of NVIDIA's repository]
	scripts/check-tensorrt.sh

lint: build ## Static checks only
	$(side_by_side) $(static_checks)

# The output of each follows when it ends; all of them run, whatever one finds.
side_by_side := $(MAKE) --jobs=$(shell nproc) --output-sync=target --keep-going
static_checks := layers style types unused

quick:
	node_modules/.bin/vitest run --project quick --silent=passed-only --reporter=dot

layers:
	npm run --silent layers

style:
	npm run --silent lint

types:
	npm run --silent typecheck

unused:
	npm run --silent unused

tidy: ## Look for bugs in native/ with clang-tidy; what has changed since the last time
	scripts/setup.sh tidy
	scripts/tidy.sh

format: build ## Format all sources
	npx biome check --write .
	find native -name '*.cc' -o -name '*.h' | xargs clang-format -i

fuzz: build ## Convert 100,000 mutated checkpoints [FUZZ_FILES=…]
	FUZZ_FILES=$${FUZZ_FILES:-100000} npx vitest run test/fuzz

fuzz-readers: build ## Coverage-guided fuzzing of the readers of checkpoints, ONNX, GeoTIFF, MP4 and MAT files, for so long each [FUZZ_SECONDS=60]
	TMPDIR=/dev/shm node scripts/fuzz-readers.mjs $${FUZZ_SECONDS:-60}

fuzz-native: ## Coverage-guided fuzzing of RLE, contours, JPEG markers, letterbox, engine files, lists of detections, for so long each (needs clang) [FUZZ_SECONDS=180]
	scripts/fuzz-native.sh $${FUZZ_SECONDS:-180}

cameras: build ## Cameras at length: 20 restarts, 200 lost connections each of RTSP and motion JPEG, the cost of 1080p30
	scripts/setup.sh test
	CAMERA_RESTARTS=20 CAMERA_RECONNECTS=200 CAMERA_COST_SECONDS=60 npx vitest run test/source/rtsp.test.ts test/source/mjpeg.test.ts test/source/capture-cost.test.ts --no-file-parallelism

hostile: build ## Attacks at full strength, judged and written to docs/hardening.md, about 25 minutes; on a quiet machine [SLICES='log cameras …']
	scripts/setup.sh test
	node scripts/hostile.mjs $(SLICES)

bad-sources: build ## The rate of a healthy camera without and with each of twenty bad ones, 4 s each; on a quiet machine
	scripts/setup.sh test
	BAD_SOURCES_SECONDS=4 npx vitest run test/daemon/bad-sources.test.ts -t rate

soak-mqtt: build ## MQTT at length: 50 broker restarts, 300 jobs, 200,000 fuzzed requests
	scripts/setup.sh test
	MQTT_RESTARTS=50 MQTT_JOBS=300 MQTT_FUZZ=200000 npx vitest run test/mqtt test/events

flood-mqtt: build ## 1,000 requests a second for 30 s, and how soon 200 prompt changes show; on a quiet machine
	scripts/setup.sh test
	MQTT_FLOOD_SECONDS=30 MQTT_CHANGES=200 npx vitest run test/mqtt/flood.test.ts

frames-exact: build ## 1,000 frames read back from a browser's canvas: every mask on its own picture
	scripts/setup.sh test
	FRAMES_EXACT=1000 npx vitest run test/console/frame-exact.test.ts

memory-console: build ## A tab of the console for five minutes at full rate: heap, nodes, listeners, open pictures
	scripts/setup.sh test
	MEMORY_SECONDS=300 npx vitest run test/console/memory.test.ts

leaving: build ## Interrupt segment and bench at 20 random moments in each way; files must be whole [MOMENTS=20 SEED=…]
	LEAVING_MOMENTS=$${MOMENTS:-20} LEAVING_SEED=$${SEED:-20261127} npx vitest run test/cli/leaving.test.ts

generate: build ## Write config/config.schema.json and docs/config.md from the schema
	npm run --silent generate

bench: build ## Measure decoding alone, then the pipeline [SOURCE=… MODEL=… FRAMES=…]
	cmake -S native -B build/bench -DCMAKE_BUILD_TYPE=Release > build/bench.log
	cmake --build build/bench --target bench_decode >> build/bench.log
	build/bench/bench_decode
	test -n "$$MODEL" || { echo 'bench: expected MODEL=PATH of an ONNX model' >&2; exit 2; }
	node bin/fastsamd bench "$${SOURCE:-test:shapes?realtime=false}" --model "$$MODEL" $${FRAMES:+--frames "$$FRAMES"}

bench-track: build ## Tracks on MOT17, of a drawn belt and on DAVIS beside ByteTrack's rule; prompts that follow; what tracking costs; all beside its goals [TRACKING=folder of sequences SCENES=20]
	cmake -S native -B build/bench -DCMAKE_BUILD_TYPE=Release > build/bench.log
	cmake --build build/bench --target bench_track >> build/bench.log
	TRACKING="$$TRACKING" node test/bench/track-all.mjs

bench-inspect: build ## Parts of a drawn belt judged against the truth; the trigger alone with 10,000 parts [PARTS=1000 LANES=1 FPS=4 SEED=9000001 RESULTS=file that a later run goes on with]
	CROSSING_PARTS=10000 npx vitest run test/inspect/crossing.test.ts --testTimeout 600000 --silent=passed-only
	PARTS="$$PARTS" node test/bench/inspect-belt.mjs
	node test/bench/modbus.mjs

bench-eval: build ## Score detections in turns with pycocotools, where it is [PYTHON=python3 ROUNDS=3 PICTURES=500 ANNOTATIONS=… RESULTS=…]
	node test/bench/eval.mjs

bench-measure: build ## Measures of drawn parts against the truth, and what they cost; boards against golden samples and tiles with good ones [PAIRS=folder of DeepPCB pairs TILES=folder MODEL=YOLOv8-seg]
	cmake -S native -B build/bench -DCMAKE_BUILD_TYPE=Release > build/bench.log
	cmake --build build/bench --target bench_measure >> build/bench.log
	build/bench/bench_measure
	PAIRS="$$PAIRS" node test/bench/golden.mjs
	TILES="$$TILES" MODEL="$$MODEL" node test/bench/tiles.mjs

bench-console: build ## What the console costs and how soon it shows things, in a real browser [ONLY=cost|rate|page|slow MINUTES=10 ROUNDS=5]
	scripts/setup.sh test
	node test/bench/console.mjs

soak: build ## A long run with faults, reported in docs/soak.md [MINUTES=30 SEED=…]
	SOAK_MINUTES=$${MINUTES:-30} SOAK_SEED=$${SEED:-20261125} SOAK_REPORT=docs/soak.md npx vitest run test/soak/soak.test.ts

chaos: build ## Kills, stalls, full disks, clock jumps, broker and camera faults at once; docs/chaos.md [MINUTES=10 SEED=…]
	scripts/setup.sh test
	CHAOS_MINUTES=$${MINUTES:-10} CHAOS_SEED=$${SEED:-20261127} CHAOS_REPORT=docs/chaos.md npx vitest run test/soak/chaos.test.ts

install: build ## Install the service on this machine [PREFIX=/usr/local]
	scripts/install.sh install

uninstall: ## Remove it again; configuration and state are kept
	scripts/install.sh uninstall

sbom: build ## Write the bill of materials of what is installed (CycloneDX) to build/, and check signatures of the registry
	npm sbom --sbom-format cyclonedx --omit dev > build/fastsamd.cdx.json
	echo "sbom: build/fastsamd.cdx.json ($$(node -p 'require("./build/fastsamd.cdx.json").components.length') components)"
	npm audit signatures || echo 'sbom: signatures could not be checked: this registry does not offer its keys, or is not reachable' >&2

deb: build ## Write a Debian package to build/
	scripts/deb.sh

check-package: build ## Pack, install the package into an empty folder with npm, run the demo there (minutes)
	scripts/check-package.sh

check-deb: build ## Install that package in a separate root, run it, remove it (root, debootstrap)
	CHECK_DEB=1 npx vitest run test/packaging

check-container: build ## Build container/Dockerfile with buildah on a Debian root, run the node in the image (root, buildah, debootstrap)
	scripts/check-container.sh

check-arm64: build ## Build and test a clean clone on an emulated arm64 processor (root, debootstrap, qemu-user-static)
	scripts/check-root.sh arm64

check-oldest: build ## Build and test a clean clone on Debian bullseye: g++ 10, glibc 2.31, GStreamer 1.18 (root, debootstrap)
	scripts/check-root.sh oldest

train-demo: ## Train the demo model again, about three hours; see models/demo/README.md
	models/demo/train.sh

clean: ## Remove everything that was built
	rm -rf build dist node_modules
