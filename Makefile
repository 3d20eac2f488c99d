# What a newcomer types: `make run` and `make test`. What a contributor types: `make check`.
.PHONY: help setup build run shakespeare test check bench interop fuzz api schema page moderation clean
CONFIGURATION ?= release
PRIMER := .build/$(CONFIGURATION)/primer

help: ## Says what there is.
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 20

setup: ## Installs what is missing (Debian) and checks the Swift toolchain. Safe to run again.
	@scripts/setup

build: setup ## Builds the `primer` command.
	@scripts/build $(CONFIGURATION)

run: build ## Opens a private chat service on this machine, with a small model.
	@scripts/run $(PRIMER)

shakespeare: build ## Trains a small model on Shakespeare for about a minute, and lets it write.
	@scripts/first-model $(PRIMER)

test: setup ## Runs all tests.
	@scripts/test $(CONFIGURATION)

check: setup ## Format, rules of the house, build, tests: what has to pass before a commit.
	@scripts/check $(CONFIGURATION)

interop: build ## Compares with PyTorch and transformers in a Python environment of its own.
	@scripts/interop

fuzz: ## Feeds damaged files, templates and schemas to their readers, PRIMER_FUZZ_SECONDS each (60).
	@scripts/fuzz

api: build ## Uses the service with the official `openai` client and LangChain, every endpoint.
	@scripts/api

schema: build ## Sends the service what schemathesis makes of its own description of the API.
	@scripts/schema

page: setup ## Uses the chat page in a browser, as a person would: features, attacks, accessibility, speed.
	@scripts/page

moderation: build ## Trains the head again that moderates, from public data, to the same bytes.
	@scripts/moderation $(PRIMER)

bench: build ## Measures the whole table of figures beside PyTorch and tiktoken, in alternating pairs.
	@scripts/bench $(PRIMER)

clean: ## Removes what was built.
	rm -rf .build .build-*
