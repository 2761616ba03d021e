# Each line calls one tool. `make hub` and `make test` do all of the set-up by themselves.
PYTHON ?= python3
VENV := .venv/bin/python
DEPLOYMENT ?=
ifneq ($(PORT),)
export PORT
endif
ifneq ($(DEPLOYMENT),)
export MINGA_DEPLOYMENT := $(abspath $(DEPLOYMENT))
endif

.PHONY: help hub stop doctor test test-fast book bench-spawn bench-attacks bench-exchange bench-formgrader bench-book bench-grade bench-chapters courses course lint clean clean-all

help:  ## show this
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

hub:  ## set up and start Minga on 127.0.0.1:8000 (PORT=… moves it); Ctrl-C stops it
	@$(PYTHON) deploy/install.py hub
	@$(VENV) -m book.build --if-changed
	@exec $(VENV) -m hub_config.run

stop:  ## stop what `make hub` started, sessions included
	@[ ! -x $(VENV) ] || $(VENV) -m hub_config.run --stop

doctor:  ## check this installation, to a test session on each site (PERSON=… starts them)
	@[ -x $(VENV) ] || { echo "$(PYTHON) deploy/install.py hub"; exit 1; }
	@$(VENV) -m deploy.doctor $(if $(PERSON),--person $(PERSON))

test:  ## set up and run all tests
	@$(PYTHON) deploy/install.py test
	@$(VENV) -m book.build --if-changed
	@$(VENV) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-fast:  ## the tests to run while editing
	@$(PYTHON) deploy/install.py test
	@$(VENV) -m pytest -n 2 --dist loadfile -m "not slow"

book:  ## build the course book into _build/book, with a PDF and an EPUB of each language
	@$(PYTHON) deploy/install.py book
	@$(VENV) -m book.build --pdf --epub

courses:  ## check every unit: texts, translations, grading, mutants (UNIT=… only one)
	@$(PYTHON) deploy/install.py test
	@$(VENV) -m courses.check $(UNIT)

course:  ## start a new course (NAME=…), or a new unit of one (NAME=… UNIT=…)
	@$(PYTHON) deploy/install.py test
	@$(VENV) -m courses.scaffold $(NAME) $(UNIT)

bench-spawn:  ## measure our spawner beside stock batchspawner (45 minutes, on a quiet machine)
	@$(PYTHON) deploy/install.py hub
	@$(VENV) -m benchmarks.spawn

bench-attacks:  ## attack our grader and stock nbgrader (10 minutes)
	@$(PYTHON) deploy/install.py test
	@$(VENV) -m benchmarks.attacks

bench-exchange:  ## hand in 1,000 submissions in a minute, ours and nbgrader's folder (3 minutes)
	@$(PYTHON) deploy/install.py test
	@$(VENV) -m benchmarks.exchange

bench-formgrader:  ## measure formgrader's pages with 500 students, ours and nbgrader's (5 minutes)
	@$(PYTHON) deploy/install.py test
	@$(VENV) -m benchmarks.formgrader

bench-book:  ## measure the book beside Jupyter Book 1 (10 minutes, on a quiet machine)
	@$(PYTHON) deploy/install.py test
	@.venv/bin/uv venv --quiet --seed --allow-existing _build/jupyter-book-1
	@.venv/bin/uv pip install --quiet --python _build/jupyter-book-1 jupyter-book==1.0.4.post1
	@$(VENV) -m benchmarks.book --stock _build/jupyter-book-1/bin/python

bench-grade:  ## grade the same submissions with stock nbgrader and with ours (10 minutes)
	@$(PYTHON) deploy/install.py test
	@$(VENV) -m benchmarks.grade

bench-chapters:  ## run the book's chapters on this machine's cores and GPU (RESULT=…)
	@$(PYTHON) deploy/install.py book
	@$(VENV) -m book.build --if-changed
	@$(VENV) -m benchmarks.chapters $(or $(RESULT),_build/chapters.json)

lint:  ## check style
	@$(VENV) -m ruff check . && $(VENV) -m ruff format --check .

clean: stop  ## stop, and remove what was installed and built; people's work in .minga stays
	rm -rf .venv .minga/slurm .minga/bubblewrap _build artifacts deploy/proxy/node_modules book/theme/node_modules book/pyodide/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

clean-all: clean  ## clean, and forget the try-out: accounts, homes, submissions, grades
	rm -rf .minga
