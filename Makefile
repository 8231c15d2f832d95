# The one way in. Nothing has to be run before any of these.

CARGO ?= cargo
# A fresh rustup is not on PATH before the next login.
export PATH := $(PATH):$(HOME)/.cargo/bin

.DEFAULT_GOAL := help
.PHONY: help setup ready build demo test check bench

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

setup: ## Install what is missing on this machine (Debian, Ubuntu) or say what to install
	@sh scripts/setup

# What every other target begins with: silent and quick when nothing is missing.
ready:
	@sh scripts/setup --quiet

build: ready ## Build the release binary
	$(CARGO) build --release --locked

demo: ready ## Play the incident: a hotfix past the files, a rollout behind dead sessions under live load
	$(CARGO) build --release --locked --bin rlsctl --example demo
	@$(CARGO) run --quiet --release --locked --example demo

test: ready ## Run every test, each against a real server
	$(CARGO) test --locked

check: ready ## Formatting, lints, documentation, generated files, licences
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps
	$(CARGO) test --locked --test all -- generated licences house

bench: ready ## Measure against psql, and against sqlx and dbmate when they are there (scripts/peers)
	$(CARGO) bench --locked --bench migrate -- $(ARGS)
	$(CARGO) bench --locked --bench drift
	$(CARGO) bench --locked --bench locks
	$(CARGO) bench --locked --bench retrofit
	$(CARGO) bench --locked --bench observe
	$(CARGO) bench --locked --bench audit
	$(CARGO) bench --locked --bench retrofit -- templates
