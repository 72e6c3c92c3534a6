#!/bin/sh
# What an administrator asks of a device, and what he does to its namespaces. Needs room beside the first namespace.
set -e
fail() { echo "FAILED: $*"; exit 1; }
controller=/dev/nvme0
disk=/dev/nvme0n1

nvme list
nvme list | grep -q "$disk" || fail "nvme list does not show $disk"
nvme id-ctrl "$controller" >/tmp/id-ctrl
grep -Eq '^nn +: [1-9]' /tmp/id-ctrl || fail "no namespaces"
grep -Eq '^mdts +: [1-9]' /tmp/id-ctrl || fail "transfers without a limit"
nvme id-ns "$disk" >/tmp/id-ns
grep -Eq '^nsze +: 0x[1-9a-f]' /tmp/id-ns || fail "an empty namespace"
nvme smart-log "$controller" >/tmp/smart
grep -Eq '^critical_warning[[:space:]]*: 0' /tmp/smart || fail "a critical warning: $(cat /tmp/smart)"
head -c 1048576 /dev/zero | dd of="$disk" bs=64k oflag=direct 2>/dev/null
[ "$(nvme smart-log "$controller" | sed -n 's/^host_write_commands[[:space:]]*: *//p')" -gt 0 ] || fail "writes are not counted"
nvme error-log "$controller" -e 4 >/dev/null
nvme fw-log "$controller" >/dev/null
features="1 2 4 5 7 8 9 0xa 0xb"
[ $(($(sed -n 's/^vwc[[:space:]]*: *//p' /tmp/id-ctrl) & 1)) = 0 ] || features="$features 6" # there is a write cache
for feature in $features; do
  nvme get-feature "$controller" -f "$feature" || fail "feature $feature"
done
nvme get-feature "$controller" -f 7 | grep -Eq 'Current value:' || fail "no number of queues"

# A second namespace: made, attached, used, detached, deleted.
blocks=65536
nvme create-ns "$controller" -s "$blocks" -c "$blocks" -f 0 | tee /tmp/create
id=$(sed -n 's/.*nsid:\([0-9]*\).*/\1/p' /tmp/create)
nvme attach-ns "$controller" -n "$id" -c "$(sed -n 's/^cntlid *: *//p' /tmp/id-ctrl)"
nvme ns-rescan "$controller"
[ -b "/dev/nvme0n$id" ] || fail "namespace $id did not appear"
head -c 4194304 /dev/urandom >/tmp/data
dd if=/tmp/data of="/dev/nvme0n$id" bs=1M oflag=direct 2>/dev/null
dd if="/dev/nvme0n$id" bs=1M count=4 iflag=direct 2>/dev/null | cmp - /tmp/data || fail "namespace $id gives other data than it was given"
nvme detach-ns "$controller" -n "$id" -c "$(sed -n 's/^cntlid *: *//p' /tmp/id-ctrl)"
nvme delete-ns "$controller" -n "$id"
nvme ns-rescan "$controller"
[ ! -b "/dev/nvme0n$id" ] || fail "namespace $id did not go away"

# Formatted to 4 KiB blocks, used, and back; what was there is gone.
nvme format "$disk" --lbaf=1 --force
[ "$(cat /sys/block/nvme0n1/queue/logical_block_size)" = 4096 ] || fail "no blocks of 4 KiB after the format"
dd if="$disk" bs=1M count=1 iflag=direct 2>/dev/null | cmp -n 1048576 - /dev/zero || fail "data outlived the format"
nvme format "$disk" --lbaf=0 --force
[ "$(cat /sys/block/nvme0n1/queue/logical_block_size)" = 512 ] || fail "no blocks of 512 B after the format back"

warnings=$(dmesg -r | grep -E '^<[0-4]>' | grep -E 'nvme|0000:00:0[1-9]' || true)
[ -z "$warnings" ] || fail "the kernel warns of the device: $warnings"
echo DONE
