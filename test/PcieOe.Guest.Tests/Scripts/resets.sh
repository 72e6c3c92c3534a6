#!/bin/sh
# Everything that takes a device away from its driver and gives it back, ten times each, with data checked in between.
set -e
fail() { echo "FAILED: $*"; dmesg | tail -n 20; exit 1; }
disk=/dev/nvme0n1
address=$(basename "$(readlink -f /sys/class/nvme/nvme0/device)")

wait_for_disk() {
  for i in $(seq 200); do
    [ -b "$disk" ] && dd if="$disk" of=/dev/null bs=4k count=1 iflag=direct 2>/dev/null && return 0
    usleep 50000
  done
  fail "no disk after $1"
}
check() { # what has been done
  wait_for_disk "$1"
  dd if="$disk" bs=1M count=4 iflag=direct 2>/dev/null | cmp - /tmp/data || fail "other data after $1"
}

head -c 4194304 /dev/urandom >/tmp/data
dd if=/tmp/data of="$disk" bs=1M oflag=direct conv=fsync 2>/dev/null
for i in $(seq 10); do
  echo "$address" >/sys/bus/pci/drivers/nvme/unbind
  echo "$address" >/sys/bus/pci/drivers/nvme/bind
  check "unbind and bind $i"
done
echo "unbound and bound 10 times"
for i in $(seq 10); do
  nvme reset /dev/nvme0
  check "nvme reset $i"
done
echo "reset by nvme 10 times"
for i in $(seq 10); do
  echo 1 >"/sys/bus/pci/devices/$address/reset"
  check "function level reset $i"
done
echo "reset by sysfs ($(cat /sys/bus/pci/devices/"$address"/reset_method)) 10 times"
for i in $(seq 10); do
  echo 1 >"/sys/bus/pci/devices/$address/remove"
  echo 1 >/sys/bus/pci/rescan
  check "removal and rescan $i"
done
echo "removed and found 10 times"
echo DONE
