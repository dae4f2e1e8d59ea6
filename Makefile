# The door for every task. `make help` lists them.
PYTHON ?= python3
ARGS ?=
SEEDS ?= 5
# One more than the two cores: a test that waits for a process leaves a fifth of them idle.
TESTERS ?= 3
FIRST ?= 1
INSTALLED := .venv/installed

PRODUCTION := tests/production
LOST_BROKERS := tests/production/test_lost_brokers.py
CLUSTER := tests/production/test_cluster.py
CONTAINERS := tests/production/test_containers.py
APART := $(CLUSTER) $(CONTAINERS)
RECIPES := tests/test_changing.py tests/test_changing_rules.py
STACKS := $(addprefix tests/,scrutin/demo/test_demo.py e2e/test_kills.py faults/test_faults.py \
	e2e/test_polis.py e2e/test_locked_pipe.py e2e/test_key_rotation.py scrutin/stack/test_up.py \
	benchmarks/test_attacks.py benchmarks/test_benchmarks.py)
RUN := .venv/bin/pytest --numprocesses $(TESTERS) --dist loadfile --no-loadscope-reorder

.PHONY: help setup demo test stacks production lost-brokers cluster containers recipes fuzz faults bench attack simulate interop acceptance-clickhouse check audit advisories sbom lock docs
.DEFAULT_GOAL := help

help: ## List the targets.
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /make \1\t/'

setup: $(INSTALLED) ## Install the locked dependencies into .venv (instant when nothing changed).

$(INSTALLED): requirements.lock pyproject.toml .ci/setup
	.ci/setup $(PYTHON)
	touch $@

demo: setup ## Run the #SolutionsJeunes campaign on Kafka, Faust and ClickHouse; ARGS=--exit ends by itself.
	.venv/bin/scrutin demo $(ARGS)

test: setup ## Run the suite on a real Kafka and ClickHouse's engine; ARGS go to pytest.
	$(RUN) $(STACKS:%=--ignore=%) $(RECIPES:%=--ignore=%) --ignore=$(PRODUCTION) $(ARGS)

# One at a time: each keeps both cores busy.
stacks: setup ## Run what takes whole stacks minutes: demo, kills, faults, keys, TLS, attacks; ARGS go to pytest.
	.venv/bin/pytest $(STACKS) $(ARGS)

production: setup ## Try what production needs and takes minutes: alerts by real faults; ARGS go to pytest.
	.venv/bin/pytest $(PRODUCTION) $(APART:%=--ignore=%) $(ARGS)

# Two minutes of the above, alone.
lost-brokers: setup ## Kill, freeze, cut off and roll three brokers under votes, one seed; ARGS go to pytest.
	.venv/bin/pytest $(LOST_BROKERS) $(ARGS)

# Apart: Go builds the API server first, ten minutes on two cores, and keeps it in SCRUTIN_CACHE_DIR.
cluster: setup ## Have Kubernetes' own API server take the chart (Go 1.26); ARGS go to pytest.
	.venv/bin/pytest $(CLUSTER) $(ARGS)

# Apart: it takes root, Debian's packages and some twenty minutes; what is built is kept there too.
containers: setup ## Build the image and bring docker-compose.yml up on Docker's engine; ARGS go to pytest.
	.venv/bin/pytest $(CONTAINERS) $(ARGS)

recipes: setup ## Follow the recipes of docs/changing.md in copies of the tree; ARGS go to pytest.
	$(RUN) $(RECIPES) $(ARGS)

bench: setup ## Measure everything on real parts; ARGS name groups and options (--help).
	.venv/bin/python -m benchmarks $(ARGS)

attack: setup ## Have the guard judge attacks and honest crowds by seed; ATTACK=A1 attacks the local stack.
	.venv/bin/python -m benchmarks.attacks $(if $(ATTACK),--live $(ATTACK)) $(ARGS)

simulate: setup ## Repeat one simulated history and print its steps: make simulate SEED=123.
	.venv/bin/python -m tests.simulation $(SEED)

faults: setup ## Kill, freeze and stop everything under load, SEEDS=n from FIRST=k on, and check that the count is right.
	.venv/bin/python -m tests.faults --seeds $(SEEDS) --first $(FIRST) $(ARGS)

fuzz: setup ## Look for bytes that break a reader of foreign bytes, and keep them; ARGS name readers.
	.venv/bin/python -m tests.foreign $(ARGS)

interop: setup ## Have other programs (Go) read our transparency logs, whole and damaged, and countersign one and refuse its fork.
	.venv/bin/python -m tests.interop

acceptance-clickhouse: setup ## Ask a ClickHouse of yours, URL=http://user:password@host:8123, whether the archive can rest on it; READER=URL too.
	@.venv/bin/python -m tests.acceptance "$(URL)" $(if $(READER),--reader "$(READER)")

check: setup ## Check style, types, the doors between rooms, and that requirements.lock is fresh.
	.venv/bin/ruff check .
	.venv/bin/mypy && .venv/bin/lint-imports
	.ci/lock --check

audit: setup ## Compare what others made and we use with the kept list of known faults, offline.
	.venv/bin/python -m tests.supply audit

advisories: setup ## Make that list anew: FROM="FOLDER ..." names clones of advisory databases (OSV).
	.venv/bin/python -m tests.supply advisories $(FROM)

sbom: setup ## Write deploy/sbom.cdx.json, what scrutin is made of (CycloneDX).
	.venv/bin/python -m tests.supply sbom

lock: setup ## Resolve the dependencies of pyproject.toml again and write requirements.lock.
	.ci/lock $(ARGS)

docs: setup ## Write the pages that follow from the code: events, commands, settings.
	.venv/bin/python docs/generate.py
