#!/bin/sh
# Verified random traffic that whoever reads the output interrupts: he acts on each marker.
# $1: the markers with the seconds to wait after each, as "CUT 10 JOIN 0"; $2: for how many seconds fio runs.
disk=/dev/nvme0n1
fio --name=verify --filename="$disk" --direct=1 --rw=randrw --bsrange=4k-64k --iodepth=16 --ioengine=io_uring --size=256M \
  --verify=crc32c --verify_fatal=1 --verify_backlog=128 --serialize_overlap=1 --time_based --runtime="$2" --output=/tmp/out &
fio=$!
sleep 5
set -- $1
while [ $# -gt 0 ]; do
  echo "$1"
  sleep "$2"
  shift 2
done

# The first read from here on tells when the device answers again.
started=$(cut -d . -f 1 /proc/uptime)
dd if="$disk" of=/dev/null bs=4k count=1 skip=100000 iflag=direct 2>/tmp/dd || { cat /tmp/dd; exit 1; }
echo "ANSWERED $(($(cut -d . -f 1 /proc/uptime) - started))"
wait "$fio" || { cat /tmp/out; dmesg | tail -n 30; exit 1; }
grep -E 'READ:|WRITE:' /tmp/out
echo DONE
