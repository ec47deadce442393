# SPDX-License-Identifier: GPL-3.0-or-later
# Debian packages that the tree needs, and their installation. Sourced by quickstart and check.
# shellcheck shell=bash disable=SC2034

packages_build="gcc libc6-dev meson ninja-build pkg-config libuv1-dev liblmdb-dev libcjson-dev libmbedtls-dev node-llhttp zlib1g-dev libblkid-dev libdevmapper-dev libcryptsetup-dev"
packages_quickstart="e2fsprogs mount libblkid1"
packages_check="libcmocka-dev python3 python3-venv ca-certificates git clang-format clang-tidy e2fsprogs xfsprogs mount mandoc libblkid1 libdevmapper1.02.1 libcryptsetup12"
packages_vm="qemu-system-x86 busybox-static linux-image-amd64 kmod udev iproute2 lvm2 dmsetup thin-provisioning-tools cryptsetup-bin
    drbd-utils nvme-cli bcache-tools e2fsprogs xfsprogs mount util-linux gcc libc6-dev"

# Prints those of its arguments that are not installed.
packages_missing()
{
    local package

    for package in "$@"; do
        dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' || printf '%s ' "$package"
    done
}

# packages_install LOG PACKAGE...: installs what is missing. Says what and why when it cannot.
packages_install()
{
    local log=$1 missing

    shift
    if ! command -v dpkg-query >/dev/null; then
        echo "This is no Debian system; these must be there: $*"
        return 0
    fi
    missing=$(packages_missing "$@")
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" -ne 0 ]; then
        echo "Missing packages; as root: apt-get install $missing" >&2
        return 1
    fi
    # shellcheck disable=SC2086
    if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
        tail -n 5 "$log" >&2
        echo "apt-get could not install: $missing" >&2
        return 1
    fi
}
