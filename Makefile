# The commands of this repository. CI calls these and nothing else.

CARGO ?= cargo
DOCKER ?= docker
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
SECONDS ?= 1800
SEED ?= 7
ACCOUNTS ?= 1
NUMBERS ?= 1
STEPS ?= 1
ENTRIES ?= 1000
FUZZ_SECONDS ?= 600
TARGET ?= $(shell rustc --print host-tuple)
export CARGO_TERM_COLOR ?= auto
export DOCKER

.PHONY: help check fmt lint test doc deny demo conformance bench soak explore onboard image image-check image-push image-index dist sbom notices checksums chart-readme chart-push release-check release-draft docs guide deploy-check schema page-check page-images dashboard-image flips planted fuzz

help: ## Show the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

check: fmt lint test doc deny ## Formatting, clippy, tests, docs, dependencies

fmt: ## The formatting is rustfmt's
	$(CARGO) fmt --all --check
	$(CARGO) fmt --manifest-path crates/fuzz/Cargo.toml --check

lint: ## No warning of clippy
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings

test: ## Every test
	$(CARGO) test --workspace --exclude simulation --locked

doc: ## No warning of rustdoc
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --locked --document-private-items

deny: ## Licences, bans and sources of the dependencies; needs cargo-deny
	$(CARGO) fetch --quiet --locked
	$(CARGO) deny --offline check -D warnings bans licenses sources

demo: ## A simulated Twilio and the daemon on an example; DEMO_ONCE=1 plays the edits itself
	bash config/demo/demo.sh

conformance: ## The official SDKs against the simulator and the daemon; needs python3 and node
	$(CARGO) build --locked -p subaccountd -p twilio-sim
	bash crates/twilio-sim/conformance/run.sh

bench: ## Reaction, throughput, memory and size
	$(CARGO) bench --locked -p subaccountd --bench fleet

soak: ## Crashes, faults, lags and edits, every write judged; SEEDS=n on virtual time, or a real process for SECONDS=1800; SEED=7
ifdef SEEDS
	$(CARGO) run --locked --profile simulation -p simulation -- --seed $(SEED) --seeds $(SEEDS)
else
	SOAK_SECONDS=$(SECONDS) SOAK_SEED=$(SEED) $(CARGO) test --locked -p subaccountd --test soak -- --nocapture
endif

explore: ## Every schedule of STEPS=1 faults, kills or edits in every fleet of ACCOUNTS=1 and NUMBERS=1; SAMPLE=n of each fleet
	$(CARGO) run --locked --profile simulation -p simulation -- explore \
		--accounts $(ACCOUNTS) --numbers $(NUMBERS) --steps $(STEPS) $(if $(SAMPLE),--sample $(SAMPLE))

onboard: ## ENTRIES=1000 entries without a SID, created under a limit while everything goes wrong; SEED=7
	$(CARGO) run --locked --profile simulation -p simulation -- onboard --entries $(ENTRIES) --seed $(SEED)

planted: ## Plant each known bug in a copy, and show which tests notice it; BUG=07,limit, LAYERS=core,simulation
	$(CARGO) xtask planted --seeds $(or $(SEEDS),1500) $(if $(BUG),--only $(BUG)) $(if $(LAYERS),--layers $(LAYERS))

fuzz: ## Fuzz everything that is read, each target for FUZZ_SECONDS=600; TARGETS="state journal" for some; needs cargo-fuzz
	FUZZ_SECONDS=$(FUZZ_SECONDS) CARGO="$(CARGO)" bash crates/fuzz/run.sh $(TARGETS)

image: ## The container image; needs docker, or DOCKER=podman; SOURCE=https://… labels it
	$(DOCKER) build --build-arg REVISION=$$(git rev-parse HEAD) --build-arg VERSION=$(VERSION) \
		--build-arg CREATED=$$(git log -1 --format=%cI) \
		--build-arg SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(if $(SOURCE),--build-arg SOURCE=$(SOURCE)) -t subaccountd:$(VERSION) .

image-check: ## Build the image twice over a stand-in of its base, compare, and run it; QUICK=1 builds once, unoptimized; needs root, buildah, podman, runc and debootstrap
	$(CARGO) build --locked -p subaccountd -p twilio-sim
	QUICK=$(QUICK) bash deploy/image/check.sh

dist: ## The release archive and its checksum, in dist/; TARGET=… for another machine
	TARGET=$(TARGET) bash deploy/dist.sh

sbom: ## The bill of materials (CycloneDX) of the program, in dist/; TARGET=… for another machine; needs cargo-cyclonedx and python3
	mkdir -p dist
	python3 deploy/sbom.py $(TARGET) dist/subaccountd-$(VERSION)-$(TARGET).cdx.json
	bash deploy/release.sh checksums

notices: ## Write THIRD-PARTY-NOTICES.txt, the licences of what the program links; needs cargo-about
	$(CARGO) fetch --quiet --locked
	bash deploy/notices/write.sh

chart-readme: ## Write the table of values in the README of the chart
	python3 deploy/helm/values_table.py

release-check: ## TAG=vX.Y.Z, the version of every file and the changelog agree
	bash deploy/release.sh check $(TAG)

checksums: ## The checksums of everything in dist/
	bash deploy/release.sh checksums

image-push: ## Push the image of this machine to IMAGE=registry/name, with its architecture in the tag
	bash deploy/release.sh push $(IMAGE)

image-index: ## Join the pushed images of all architectures to one tag, and print its digest
	bash deploy/release.sh index $(IMAGE)

chart-push: ## Pack the chart, and push it to CHARTS=oci://registry/folder
	bash deploy/release.sh chart $(CHARTS)

release-draft: ## A draft of the release TAG=vX.Y.Z on GitHub with everything in dist/; needs gh
	bash deploy/release.sh draft $(TAG)

docs: ## The user guide, in target/guide; needs mdbook
	rm -rf target/guide
	mdbook build docs/guide

guide: ## Write the pages of the guide that are made from the schema and the command line
	$(CARGO) xtask guide

deploy-check: ## Manifests, chart, alerts, dashboard and CI jobs are valid; needs kubectl, npm, prometheus and python3
	bash deploy/check.sh
	bash deploy/ci/check.sh

flips: ## COUNT=200 swaps of the state by git-sync and by a ConfigMap, each noticed; 40 minutes; needs prometheus and python3
	$(CARGO) build --locked -p subaccountd -p twilio-sim
	python3 deploy/tests/flips.py $(or $(COUNT),200)

dashboard-image: ## Draw the dashboard from its queries into docs/images; needs prometheus, chromium and python3
	$(CARGO) build --locked -p subaccountd -p twilio-sim
	python3 deploy/grafana/draw.py docs/images/dashboard.png

schema: ## Write the JSON Schema to its place in the repository
	$(CARGO) xtask schema

page-check: ## The status page in headless Chromium; needs chromium and node
	bash crates/subaccountd/page-check/run.sh

page-images: ## The same, and its screenshots into docs/images
	bash crates/subaccountd/page-check/run.sh --screenshots docs/images
