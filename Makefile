# quench: `make help` lists the targets.  On a fresh Debian machine `make demo` and `make test` install what is missing by themselves.
B      ?= build
PREFIX ?= /usr/local
VERSION = 0.1.0

CSTD = -std=c11 -O3 -g -fopenmp -fPIC -fno-math-errno -fno-trapping-math -ffp-contract=off
WARN = -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith
PKG  = gsl openblas fftw3 hdf5 libfyaml libxxhash zlib
ifdef SANITIZE
  B    := build/sanitize-$(SANITIZE)
  CSTD += -O1 -fno-omit-frame-pointer $(if $(filter thread,$(SANITIZE)),-fsanitize=thread,-fsanitize=address$(comma)undefined -fno-sanitize-recover=undefined)
endif
comma = ,
ifndef V                                 # make V=1 shows the commands
  Q = @
  say = @echo '  $1 $2';
else
  say =
endif

# The libraries are looked for when something is compiled, not when the goal is to install them.
NEEDS_NO_LIBRARY = help deps clean distclean demo test test-long test-cluster figures figures-selftest bench
ifneq ($(filter-out $(NEEDS_NO_LIBRARY),$(or $(MAKECMDGOALS),all)),)
  ifneq ($(shell pkg-config --exists $(PKG) && echo yes),yes)
    $(error some libraries are missing; `tools/install-deps` installs them or prints the line to run)
  endif
  PKG_CFLAGS := $(shell pkg-config --cflags $(PKG))
  PKG_LIBS   := $(filter-out -lgslcblas,$(shell pkg-config --libs $(PKG))) # one CBLAS: OpenBLAS, also under GSL
  HDF5_HL    := $(shell pkg-config --libs-only-L hdf5) -lhdf5_hl
  GIT        := $(shell git describe --always --dirty --tags 2>/dev/null || echo unknown)
endif
CPPFLAGS += -D_GNU_SOURCE -DQN_VERSION='"$(VERSION)"' -Isrc/core -Isrc/cli -Imodels -Ianalysis $(PKG_CFLAGS)
LDLIBS   += $(HDF5_HL) $(PKG_LIBS) -ldl -lpthread -lm

CORE  = $(wildcard src/core/*.c)
REST  = $(wildcard models/*.c models/hebbian/*.c models/cbo/*.c models/sgd/*.c models/povm/*.c analysis/*.c)
CLI   = $(wildcard src/cli/*.c)
object = $(patsubst %.c,$B/%.o,$1)
TESTS = $(patsubst %.c,$B/%,$(wildcard tests/unit/*.c tests/physics/*.c tests/stat/*.c))
LONG  = $(patsubst %.c,$B/%,$(wildcard tests/long/*.c))
BENCH = $(patsubst %.c,$B/%,$(wildcard tools/bench_*.c))
FIGURES = $(wildcard runs/*/*/figure)

# Processes on many machines: a small shared object that the program loads under mpirun and srun, built where there is an MPI.
MPICC ?= mpicc
MPI   := $(if $(shell command -v $(MPICC)),$B/quench_mpi.so)

all: $B/quench models/template/ising.so $(MPI)       ## build the program and the template's plug-in

$B/quench: $(call object,$(CORE) $(REST) $(CLI))
	$(call say,LD,$@)
	$Q$(CC) $(CSTD) -rdynamic $(LDFLAGS) $^ $(LDLIBS) -o $@.new && mv $@.new $@
$B/libquench.so: $(call object,$(CORE))
	$(call say,LD,$@)
	$Q$(CC) $(CSTD) -shared -Wl,-soname,libquench.so.0 $(LDFLAGS) $^ $(LDLIBS) -o $@
$B/quench_mpi.so: src/mpi/quench_mpi.c src/core/ranks.h src/core/quench.h
	@mkdir -p $(@D)
	$(call say,MPI,$@)
	$Q$(MPICC) -D_GNU_SOURCE -Isrc/core $(CSTD) $(WARN) $(CFLAGS) -shared $< -lpthread -o $@
models/template/ising.so: models/template/ising.c src/core/quench.h
	$(call say,LD,$@)
	$Q$(CC) -std=c11 -O3 -g -fPIC -fno-math-errno -fno-trapping-math -ffp-contract=off $(WARN) -Isrc/core -shared $< -lm -o $@

$B/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$Q$(CC) $(CPPFLAGS) $(CSTD) $(WARN) $(CFLAGS) $(EXTRA) -MMD -MP -c $< -o $@
# Provenance: the commit and the flags are compiled in; the stamp changes only when they do.
$B/src/core/provenance.o: EXTRA = -DQN_GIT='"$(GIT)"' -DQN_FLAGS='"$(CSTD) $(CFLAGS)"'
$B/src/core/provenance.o: $B/provenance.stamp
$B/provenance.stamp: FORCE
	@mkdir -p $(@D); echo '$(GIT) $(CSTD) $(CFLAGS)' | cmp -s - $@ || echo '$(GIT) $(CSTD) $(CFLAGS)' > $@
FORCE:

# One cmocka program a file; the test links everything but main().
$B/tests/%: $B/tests/%.o $(call object,$(CORE) $(REST) $(filter-out src/cli/main.c,$(CLI)))
	$(call say,LD,$@)
	$Q$(CC) $(CSTD) -rdynamic $(LDFLAGS) $^ $(LDLIBS) -lcmocka -o $@
$B/tests/%.o: CPPFLAGS += -Itests
$B/tools/%: $B/tools/%.o $(call object,$(CORE) $(REST))
	$(call say,LD,$@)
	$Q$(CC) $(CSTD) -rdynamic $(LDFLAGS) $^ $(LDLIBS) -o $@

deps:                                                ## install the libraries that are missing (apt), or say how
	@tools/install-deps
demo: deps                                           ## one to two minutes: a phase diagram and the recall of digits, with figures
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@runs/demo
test: deps                                           ## every test (SANITIZE=1: with the address and undefined-behaviour sanitizers)
	@$(MAKE) --no-print-directory -j$$(nproc) run-tests
test-long: deps                                      ## the physics that takes minutes
	@$(MAKE) --no-print-directory -j$$(nproc) run-tests-long
test-cluster: deps                                   ## `quench submit` and srun on a Slurm of one node, set up on the loopback address and taken down again
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@QUENCH_BUILD=$B tests/run $(filter-out %/lib.sh,$(wildcard tests/cluster/*.sh))
figures: deps                                        ## every figure of runs/ in its small size, checked
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@for f in $(FIGURES); do $$f || exit 1; done
figures-selftest: deps                               ## the checks of runs/ must fail when T is 10 % off
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@runs/selftest $(FIGURES)
bench: deps                                          ## speed of the kernels and of the runner, beside plain versions
	@$(MAKE) --no-print-directory -j$$(nproc) run-bench

run-tests: all $(TESTS) $B/libquench.so
	@QUENCH_BUILD=$B tests/run $(TESTS) $(filter-out %/lib.sh,$(wildcard tests/cli/*.sh))
run-tests-long: all $(LONG)
	@QUENCH_BUILD=$B tests/run $(LONG)
run-bench: all $(BENCH)
	@for b in $(BENCH); do echo "== $${b##*/}"; $$b || exit 1; done
	@QUENCH_BUILD=$B tools/bench_runner

install: all $B/libquench.so                         ## program, library, header, pkg-config file, man page, completion (PREFIX, DESTDIR)
	install -d $(addprefix $(DESTDIR)$(PREFIX)/,bin lib/pkgconfig include share/man/man1 share/bash-completion/completions)
	install -m 755 $B/quench $(DESTDIR)$(PREFIX)/bin/quench
	install -m 755 $B/libquench.so $(DESTDIR)$(PREFIX)/lib/libquench.so.0
	ln -sf libquench.so.0 $(DESTDIR)$(PREFIX)/lib/libquench.so
	$(if $(MPI),install -D -m 755 $(MPI) $(DESTDIR)$(PREFIX)/lib/quench/quench_mpi.so)
	install -m 644 src/core/quench.h $(DESTDIR)$(PREFIX)/include/quench.h
	install -m 644 models/cbo/quench_objective.h $(DESTDIR)$(PREFIX)/include/quench_objective.h
	sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@VERSION@|$(VERSION)|g' tools/quench.pc.in > $(DESTDIR)$(PREFIX)/lib/pkgconfig/quench.pc
	install -m 644 tools/quench.1 $(DESTDIR)$(PREFIX)/share/man/man1/quench.1
	install -m 644 tools/quench.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/quench
clean:                                               ## remove what was built
	rm -rf $B models/template/*.so
distclean: clean                                     ## and every output of the figures
	rm -rf build $(wildcard runs/*/*/out)
help:                                                ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 20

.PHONY: all deps demo test test-long test-cluster figures figures-selftest bench run-tests run-tests-long run-bench install clean distclean help FORCE
.SECONDARY:
-include $(shell find $B -name '*.d' 2>/dev/null)
