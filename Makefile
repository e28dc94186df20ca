# SPDX-License-Identifier: Apache-2.0
# The front door. Userspace is built by meson, the module by kbuild (which reads the file Kbuild
# beside this one, never this one), and this file only knows whom to ask.
#
# DKMS appends KERNELRELEASE to the command line of make: here it is nothing but the release to
# build for.

VERSION := $(shell sed -n "s/^ *version: '\(.*\)',$$/\1/p;T;q" meson.build 2>/dev/null)

PREFIX ?= /usr/local
DESTDIR ?=
KDIR ?= /lib/modules/$(or $(KERNELRELEASE),$(shell uname -r))/build
RELEASE := build/release
DEPS := tests/scripts/deps
MESON_FLAGS ?=
# meson knows Debian's directories for libraries only where dpkg-dev is installed.
MULTIARCH = $(shell $(CC) -print-multiarch 2>/dev/null)
LIBDIR ?= $(if $(MULTIARCH),lib/$(MULTIARCH))
DKMS_SRC = $(DESTDIR)/usr/src/mxl-$(VERSION)
DKMS_KERNELS ?= $(notdir $(patsubst %/build/Makefile,%,$(wildcard /lib/modules/*/build/Makefile)))
UDEV_RULES_DIR ?= /etc/udev/rules.d
MODULES_LOAD_DIR ?= /etc/modules-load.d

# Meson and the compilers speak to people in their language, scripts read them in one.
export LC_ALL ?= C.UTF-8
MAKEFLAGS += --no-print-directory

.PHONY: all help lib modules demo check check-quick check-full bench install uninstall \
	dkms-install dkms-remove dkms-uninstall style format clean
all: lib

help:
	@echo 'make, make lib        build the library and its tools into $(RELEASE)'
	@echo 'make demo             real pictures and sound through two flows, checked bit for bit'
	@echo 'make check            all tests; check-quick: under two minutes; check-full: longer runs'
	@echo 'make bench            measure; BASELINE=/path/to/libmxl.so.1 compares with another library'
	@echo 'make modules          the kernel module, for KDIR=$(KDIR)'
	@echo 'make install          library, headers, tools, manual pages; PREFIX=$(PREFIX) DESTDIR='
	@echo 'make uninstall        remove what the last make install from here installed'
	@echo 'make dkms-install     the kernel module through DKMS, with its udev rule; dkms-uninstall'
	@echo 'make style            formatting, spelling, static analysis; format: reformat the C files'
	@echo 'make clean            remove build/ and what kbuild left'

# --- Userspace ------------------------------------------------------------------------------------

$(RELEASE)/build.ninja:
	@$(DEPS) build
	@meson setup --buildtype=release -Dtests=false -Ddemo=false $(if $(LIBDIR),-Dlibdir=$(LIBDIR)) $(MESON_FLAGS) $(RELEASE) >/dev/null || \
		{ tail -n 20 $(RELEASE)/meson-logs/meson-log.txt; exit 1; }

lib: $(RELEASE)/build.ninja
	@$(DEPS) build
	@meson compile -C $(RELEASE)

# With what demo and bench need beside library and tools.
define build_demo
	@$(DEPS) $(1)
	@$(MAKE) -s $(RELEASE)/build.ninja
	@meson configure -Ddemo=true $(RELEASE)
	@meson compile -C $(RELEASE) >$(RELEASE)/compile.log 2>&1 || \
		{ tail -n 40 $(RELEASE)/compile.log; exit 1; }
endef

demo:
	$(call build_demo,demo)
	@DEMO_BIN=$(CURDIR)/$(RELEASE)/tests/demo tests/demo/run

bench:
	$(call build_demo,bench)
	@tests/bench/run --build $(RELEASE) $(if $(BASELINE),--baseline $(BASELINE)) $(BENCH_FLAGS)

# Where kernels cannot be built or guests not be started, their tests are skipped and say so.
check:
	@$(DEPS) check
	@$(DEPS) kernel || true
	@tests/scripts/check default

check-quick:
	@$(DEPS) check
	@tests/scripts/check quick

check-full:
	@$(DEPS) check
	@$(DEPS) full || true
	@tests/scripts/check full

style:
	@$(DEPS) check
	@tests/scripts/check style

format:
	@git ls-files -z -- '*.c' '*.h' '*.cpp' | xargs -0 clang-format -i

# Meson remembers the prefix. A library of which the loader's cache knows nothing is not found.
install: $(RELEASE)/build.ninja
	@meson configure -Dprefix=$(abspath $(PREFIX)) $(RELEASE)
	@$(MAKE) lib
	@DESTDIR=$(DESTDIR) meson install -C $(RELEASE) --no-rebuild
	@[ -n '$(DESTDIR)' ] || [ "$$(id -u)" != 0 ] || ldconfig

uninstall:
	@test -f $(RELEASE)/meson-logs/install-log.txt || \
		{ echo 'Nothing was installed from here.' >&2; exit 1; }
	@ninja -C $(RELEASE) uninstall
	@[ "$$(id -u)" != 0 ] || ldconfig

# --- The kernel module ----------------------------------------------------------------------------

modules:
	@test -e '$(KDIR)/Makefile' || { \
		echo 'No kernel to build for at $(KDIR): install its headers' \
			'(Debian: linux-headers-amd64), or say KDIR=.' >&2; \
		exit 1; }
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

# Only what building the module takes; wanted by dkms in /usr/src. Built at once for each kernel
# whose headers are there; for those installed later DKMS does it by itself.
dkms-install: dkms-remove
	install -d $(DKMS_SRC)/kmod/include/uapi/linux $(DESTDIR)$(UDEV_RULES_DIR) $(DESTDIR)$(MODULES_LOAD_DIR)
	install -m 644 Kbuild dkms.conf $(DKMS_SRC)
	install -m 644 $(wildcard kmod/*.[ch]) $(DKMS_SRC)/kmod
	install -m 644 $(wildcard kmod/include/uapi/linux/*.h) $(DKMS_SRC)/kmod/include/uapi/linux
	install -m 644 udev/60-mxl.rules $(DESTDIR)$(UDEV_RULES_DIR)
	install -m 644 udev/mxl.conf $(DESTDIR)$(MODULES_LOAD_DIR)
ifeq ($(DESTDIR),)
	dkms add -m mxl -v $(VERSION)
	@[ -n '$(DKMS_KERNELS)' ] || echo 'No kernel headers are installed (Debian:' \
		'linux-headers-amd64); DKMS builds the module when they are.'
	@for kernel in $(DKMS_KERNELS); do \
		dkms install -m mxl -v $(VERSION) -k $$kernel || exit 1; \
	done
	-@udevadm control --reload 2>/dev/null || true
endif

# An earlier installation of the same version, if any
dkms-remove:
ifeq ($(DESTDIR),)
	@command -v dkms >/dev/null || { echo 'dkms is missing (Debian: apt-get install dkms)' >&2; exit 1; }
	@[ -z "$$(dkms status -m mxl -v $(VERSION) 2>/dev/null)" ] || dkms remove -m mxl -v $(VERSION) --all
endif
	rm -rf $(DKMS_SRC)

dkms-uninstall: dkms-remove
	rm -f $(DESTDIR)$(UDEV_RULES_DIR)/60-mxl.rules $(DESTDIR)$(MODULES_LOAD_DIR)/mxl.conf

clean:
	rm -rf build
	find Kbuild kmod tests/kunit \( -name '*.o' -o -name '*.ko' -o -name '*.mod' -o -name '*.mod.c' \
		-o -name '.*.cmd' -o -name '*.o.d' \) -delete 2>/dev/null || true
	rm -rf mxl.o mxl.ko mxl.mod mxl.mod.c mxl.mod.o mxl_kunit.* .*.cmd Module.symvers \
		modules.order .Module.symvers .modules.order .module-common.o .tmp_versions
