# One door to everything. `make help` lists it.
.DEFAULT_GOAL := help
BIN := .venv/bin
SOURCES := caxton_node swim transport certs
NATS_SERVER := github.com/nats-io/nats-server/v2@v2.15.2
TOXIPROXY := github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0
MEMBERLIST := tests/bench/peers/memberlist

help:            ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

.venv/.run: .ci/requirements.lock .ci/setup pyproject.toml
	@.ci/setup run

.venv/.dev: .ci/requirements-dev.lock .ci/setup pyproject.toml
	@.ci/setup dev

demo: .venv/.run ## three nodes, real agents, one kill: the whole system in a minute (KEEP=1 leaves it up)
	@$(BIN)/python -m caxton_node.devkit.demo $(if $(KEEP),--keep)

# Suites without sockets of fixed ports or clocks of their own share the cores; the others have them to themselves.
APART := conformance fuzz property sim unit

test: .venv/.dev ## every suite that gates a change
	@.ci/browser
	@$(BIN)/python -m pytest -q -n auto --maxprocesses 4 --dist worksteal $(APART:%=tests/%) || .ci/again
	@$(BIN)/python -m pytest -q tests $(APART:%=--ignore tests/%) || .ci/again

.venv/.fuzz: .venv/.dev tests/fuzz/requirements.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r tests/fuzz/requirements.txt && touch $@

fuzz: .venv/.fuzz ## coverage-guided fuzzing of all that reads guests' bytes, ten minutes (SECONDS_MAX=60: a short round)
	@$(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS_MAX),600)

.venv-rest/.made: tests/rest_fuzz/requirements.txt
	@$(BIN)/python -m venv .venv-rest
	@.venv-rest/bin/pip install --quiet --disable-pip-version-check --require-hashes -r tests/rest_fuzz/requirements.txt && touch $@

rest-fuzz: .venv/.dev .venv-rest/.made ## schemathesis with all its checks against the REST API of a node (EXAMPLES=1 SECONDS_MAX=50: a short round; SEED=7: others)
	@$(BIN)/python -m tests.rest_fuzz --examples $(or $(EXAMPLES),20) --seed $(or $(SEED),1) $(if $(SECONDS_MAX),--seconds $(SECONDS_MAX))

swagger: ## fetch Swagger UI anew into the sources (needs npm)
	@.ci/swagger

soak: .venv/.dev ## random traffic, crashes, reloads, restarts for an hour, and books that must balance (SECONDS_MAX=30: a short round)
	@$(BIN)/python -m tests.soak --seconds $(or $(SECONDS_MAX),3600) $(if $(SEED),--seed $(SEED))

kills: .venv/.dev ## real nodes killed at random, and no durable message lost or handled twice, an hour (ROUNDS=10: a short round)
	@$(BIN)/python -m tests.kills --rounds $(or $(ROUNDS),200) $(if $(SEED),--seed $(SEED))

kills-store: .venv/.dev ## a process killed while it writes its database, 500 times, five minutes (ROUNDS=15: a short round)
	@$(BIN)/python -m tests.kills.store --rounds $(or $(ROUNDS),500) $(if $(SEED),--seed $(SEED))

chaos: .venv/.dev ## real nodes on a network that splits, deafens, loses and freezes; root, half an hour (ONLY=frozen: some)
	@$(BIN)/python -m tests.chaos $(if $(ONLY),--only "$(ONLY)")

names: .venv/.dev ## five real nodes, 10,000 agents, a split in which both sides deploy the same names; root (AGENTS=500 SECONDS_MIN=10)
	@$(BIN)/python -m tests.chaos.contested --agents $(or $(AGENTS),10000) --seconds $(or $(SECONDS_MIN),30)

sim-long: .venv/.dev ## simulations that take minutes: ten thousand nodes in one process (SIM_SEED=7: another world)
	@$(BIN)/python -m pytest -q -s tests/sim_long/*.py

wheel: .venv/.dev ## build the wheel into dist/
	@$(BIN)/python -m tests.readme --wheel dist

readme: .venv/.dev ## do what the README's ten minutes say, as a new user from the wheel (FAST=1: without downloads)
	@$(BIN)/python -m tests.readme $(if $(FAST),--fast)

lint: .venv/.dev ## ruff's rules and format
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: .venv/.dev ## mypy, strict
	@$(BIN)/mypy

imports: .venv/.dev ## imports go one way
	@$(BIN)/lint-imports --config .ci/importlinter.ini

docs: .venv/.dev ## build the documentation, strictly
	@$(BIN)/mkdocs build --quiet --strict --config-file .ci/mkdocs.yml --site-dir ../site

reference: .venv/.dev ## regenerate docs/reference from the four tables
	@$(BIN)/python -m docs.reference.generate

bench: .venv/.dev ## every benchmark; writes docs/reference/benchmarks.md (QUICK=1: a minute or two)
	@$(BIN)/python -m tests.bench $(if $(QUICK),--quick) --write docs/reference/benchmarks.md

.venv-peers/.made: tests/bench/peers/requirements.txt $(wildcard $(MEMBERLIST)/*.go $(MEMBERLIST)/go.*)
	@$(BIN)/python -m venv .venv-peers
	@.venv-peers/bin/pip install --quiet --disable-pip-version-check --require-hashes -r tests/bench/peers/requirements.txt
	@command -v nats-server >/dev/null || GOBIN=$(CURDIR)/.venv-peers/bin go install -trimpath $(NATS_SERVER) || echo "no go: install nats-server yourself, or leave NATS out"
	@go -C $(MEMBERLIST) build -trimpath -o $(CURDIR)/.venv-peers/bin/memberlist-peer . || echo "no go: leave memberlist out"
	@touch $@

# The tool that go installs is named after its directory, which is just `server`.
.venv-peers/bin/toxiproxy-server:
	@GOBIN=$(CURDIR)/.venv-peers/go go install -trimpath $(TOXIPROXY)
	@mkdir -p $(@D) && mv .venv-peers/go/server $@ && rmdir .venv-peers/go

toxiproxy: .venv-peers/bin/toxiproxy-server ## the proxy that tests put in front of TCP links (needs Go; a stand-in of ours is used without)

bench-peers: .venv/.dev .venv-peers/.made ## other systems that the benches measure beside ours, in a place of their own

proto: .venv/.dev ## regenerate caxton_node/pb from the schemas, unless they break a released client
	@$(BIN)/python proto/check.py && $(BIN)/python proto/generate.py

proto-release: .venv/.dev ## with a release: what the schemas say now may not be broken any more
	@$(BIN)/python proto/check.py --release

clients: .venv/.dev ## generate and build the example clients in Python, Go and TypeScript (needs Go, Node)
	@$(BIN)/python sdk/clients/build.py

guests: .venv/.dev ## rebuild the example agents (needs Debian's rustc and libstd-rust-dev-wasm32)
	@$(BIN)/python sdk/rust/build.py

lock: .venv/.dev ## pin what pyproject.toml asks for, with hashes
	@.ci/lock

clean:           ## forget everything that can be made again
	rm -rf .venv .venv-peers .venv-rest .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache site *.egg-info

.PHONY: help proto proto-release clients demo test kills-store toxiproxy sim-long lint types imports docs reference bench bench-peers fuzz soak kills chaos names guests lock clean wheel readme rest-fuzz swagger
