#!/bin/sh
# Random mixed reads and writes whose data is checked: several jobs, depths and block sizes, both ways of asking the kernel.
# $1: MiB that each job writes.
set -e
disk=/dev/nvme0n1
job() { # engine, offset, depth, block sizes
  printf '[%s-%s]\nioengine=%s\noffset=%s\nsize=%sM\niodepth=%s\nbsrange=%s\n' "$1" "$3" "$1" "$2" "$size" "$3" "$4"
}
size=$1
{
  printf '[global]\nfilename=%s\ndirect=1\nrw=randrw\nrwmixread=40\nverify=crc32c\nverify_fatal=1\nverify_backlog=256\nserialize_overlap=1\nrandseed=1\n' "$disk"
  job libaio 0 32 4k-64k
  job libaio 512M 4 4k-4k
  job io_uring 1024M 64 4k-128k
  job io_uring 1536M 8 128k-256k
} >/tmp/jobs
fio --output=/tmp/out /tmp/jobs || { cat /tmp/out; exit 1; }
grep -E 'READ:|WRITE:' /tmp/out
dmesg -r | grep -E '^<[0-4]>' | grep -E 'nvme|I/O error' && exit 1
echo DONE
