# The short commands; meson does the work. Everything built is below build/.
#
#   make         build (release)           make test      install, build, run every test
#   make run     install, build, serve     make setup     install what building and testing needs
#   make deb     Debian packages, in build/deb
#   make bench   measure peal beside others (make bench-setup installs them); make bench-quick: beside
#                the commit before; make bench-micro: its parts
#   make soak    two nodes behind HAProxy, reloaded and drained under load: TIME=10m CLIENTS=5000
prefix  = /usr
DESTDIR =
TIME    = 30s
STAGES  =
JOBS    = 2
CLIENTS = 5000

# Debian's python3 has python3-websockets; one from elsewhere has not.
PYTHON = /usr/bin/python3
NINJA  = ninja -j$(JOBS)

all: build/build.ninja
	@$(NINJA) -C build

build/build.ninja:
	@.ci/setup --check build
	CXX="$(CXX)" meson setup build

setup:
	@.ci/setup build run test

run:
	@.ci/setup build run
	@$(MAKE) --no-print-directory build/build.ninja
	@$(NINJA) -C build server/peald
	@.ci/demo

test:
	@.ci/setup build run test $(if $(filter package,$(STAGES)),deb package)
	@$(PYTHON) tests/run --fuzz-time $(TIME) $(STAGES)

asan tsan:
	@$(PYTHON) tests/run $@

fuzz:
	@$(PYTHON) tests/run --fuzz-time $(TIME) fuzz

# What `make bench` and `make bench-quick` measure; see tests/bench/peers/bench.py and quick.py.
export SCENARIOS PEERS PEER ROUNDS SECONDS_EACH SERVER_CPU CLIENT_CPU FRESH REPORT BASE LIMIT

bench bench-quick: build/build.ninja
	@$(NINJA) -C build server/peald loadtest/peal-load tests/bench/peers/floor
	@$(PYTHON) -B tests/bench/peers/$(if $(findstring quick,$@),quick.py,bench.py)

bench-setup:
	@.ci/setup build bench

bench-micro: all
	meson test -C build --benchmark --verbose

soak: build/build.ninja
	@.ci/setup run test
	@$(NINJA) -C build server/peald
	@$(PYTHON) tests/soak/soak.py --time $(TIME) --clients $(CLIENTS)

format:
	git ls-files '*.h' '*.cc' | xargs clang-format -i

install: all
	meson configure build -Dprefix=$(prefix)
	@$(NINJA) -C build
	DESTDIR=$(DESTDIR) meson install -C build --no-rebuild

deb:
	@.ci/setup build deb
	@.ci/deb $(JOBS)

clean:
	rm -rf build

.PHONY: all setup run test asan tsan fuzz bench bench-quick bench-setup bench-micro soak format install deb clean
