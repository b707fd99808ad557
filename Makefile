# `make` lists the targets. Each one sets up first what is missing.

export PATH := $(CURDIR)/.venv/bin:$(PATH)

READY := .venv/.ready
# sqlfluff lets dbt start Spark and query tables: in a workspace of its own.
SCRATCH := $(CURDIR)/.cache/lint
IN_SCRATCH := FOREVIEW_HOME=$(SCRATCH) DBT_TARGET_PATH=$(SCRATCH)/target \
	DBT_LOG_PATH=$(SCRATCH)/logs

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format bench billion soak clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## Install packages, Java and Delta Lake's jars (the other targets do it themselves)

$(READY): requirements.lock pyproject.toml scripts/setup.sh
	@scripts/setup.sh

demo: $(READY) ## Tell the whole story on a generated market, in a new folder under demo/ (STORE=mariadb: with a server)
	@$(if $(STORE),scripts/setup_tests.sh $(STORE))
	@foreview demo "demo/$$(date +%Y%m%d-%H%M%S)" $(if $(STORE),--store $(STORE))

test: $(READY) ## Run the unit and flow tests, dbt's snapshot scenarios, the adapter for MariaDB
	@scripts/setup_tests.sh
	@python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations 25

lint: $(SCRATCH)/.built ## Check Python and SQL: ruff, mypy, sqlfluff
	ruff check
	ruff format --check
	mypy
	mypy --config-file adapters/mariadb/pyproject.toml adapters/mariadb/dbt/adapters/foreview_mariadb
	@echo sqlfluff lint models tests/dbt
	@$(IN_SCRATCH) sqlfluff lint models tests/dbt 2>$(SCRATCH)/sqlfluff.log || \
		{ grep -vE ' WARN |^(Using|Setting|To adjust) |incubator' $(SCRATCH)/sqlfluff.log | \
			cut -c 1-300 | tail -n 40; exit 1; }
	@! grep 'Skipped file' $(SCRATCH)/sqlfluff.log | grep -v 'it is a macro' # all were seen

# A model that is new or has other columns is declared in a properties file.
$(SCRATCH)/.built: $(READY) $(wildcard models/*/*.yml)
	@echo "lint: building an empty workspace for sqlfluff's dbt templater"
	@rm -rf $(SCRATCH) && mkdir -p $(SCRATCH)
	@{ $(IN_SCRATCH) dbt -q build --exclude-resource-type test && \
		$(IN_SCRATCH) dbt -q run --select tag:what_if --vars '{change_sets: [lint]}'; \
	} >$(SCRATCH)/log 2>&1 || { tail -n 40 $(SCRATCH)/log; exit 1; }
	@touch $@

format: $(SCRATCH)/.built ## Format Python and SQL
	ruff format
	ruff check --fix
	@$(IN_SCRATCH) sqlfluff fix models tests/dbt 2>$(SCRATCH)/sqlfluff.log

bench: $(READY) ## Run the benchmarks of docs/benchmarks.md (long)
	@set -e; for file in tests/bench/bench_*.py; do echo "$$file"; python "$$file"; done

billion: $(READY) ## Generate and keep a billion records of viewing for the benchmarks (over an hour; 25 GB)
	python tests/bench/bench_what_if.py --keep billion --rows 100000000 --days 3 --repeat 10 \
		--without $(addprefix audience_by_,channel_minute market_week programme) --load-only

soak: $(READY) ## Run the long versions of the random tests, and more of the snapshot scenarios
	@FOREVIEW_SOAK=1 python -m pytest tests/soak tests/flow/test_real_edits.py \
		tests/flow/test_promotion_ledger.py \
		tests/adapter/test_snapshot_configs.py \
		tests/unit/test_many_analysts.py \
		adapters/mariadb/tests

clean: ## Remove what was installed and generated, but not the workspace (.foreview)
	rm -rf .venv .uv .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache target logs demo
