# Each verb sets up what it needs. A new machine has git, make and Python 3.11 or newer.
.PHONY: demo run test check bench soak faults screenshots fmt setup browser lock
PY := .venv/bin/python

demo: setup     ## two tenants, forty simulated calls and a month of past ones, everything on this machine
	$(PY) -m realtime_ops demo
run: setup      ## the same without simulator and sample data
	$(PY) -m realtime_ops run
test: setup browser ## all tests, on real services and in a real browser (LANES=1: one after the other)
	$(PY) -m pytest -n $(or $(LANES),2)
check: setup    ## style, types, floors, Django's own checks, migrations complete
	./.ci/check
bench: setup browser ## measurements against baselines of the same run; build/bench.json
	$(PY) -m benchmarks
faults: setup   ## breaks a part of the product under load and compares what was, what is stored and what was shown (SEEDS=3 CALLS=60 ONLY=F1,F6; LANES=2: two products side by side)
	SEEDS=$(SEEDS) CALLS=$(CALLS) ONLY=$(ONLY) LANES=$(LANES) $(PY) -m tests.faults
soak: setup     ## half an hour of calls and faults: what stays behind; SOAK=5 for five minutes
	$(PY) -m benchmarks.soak
screenshots: setup browser ## every page in both themes and three widths; build/screenshots/
	$(PY) -m tests.screenshots
fmt: setup
	.venv/bin/ruff format . && .venv/bin/ruff check --fix .
lock: setup     ## pin the dependencies of pyproject.toml again (needs uv)
	./.ci/lock
setup:
	@./.ci/setup
browser:
	@./.ci/browser
