#!/bin/sh
# 2048 reads of 4 KiB one by one, and as many writes, between markers that the reader of the output answers by looking at counters.
set -e
disk=/dev/nvme0n1
run() {
  fio --name=count --filename="$disk" --direct=1 --rw="$1" --bs=4k --iodepth=1 --ioengine=io_uring --size=8M --output=/tmp/out
  sed -n 's/.*IOPS=\([0-9.k]*\),.*/IOPS \1/p' /tmp/out
}
run randread >/dev/null
sleep 2
echo START
sleep 3
run randread
run randwrite
sleep 1
echo END
sleep 2
echo DONE
