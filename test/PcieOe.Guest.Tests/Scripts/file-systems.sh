#!/bin/sh
# File systems on the device keep a tree of files through unmounting and checking.
set -e
fail() { echo "FAILED: $*"; exit 1; }
disk=/dev/nvme0n1
tree=/job/files/tree
(cd "$tree" && find . -type f | sort | xargs sha256sum) >/tmp/expected

check() { # how to mount, how to check
  mount -t "$1" "$disk" /mnt
  for copy in 1 2 3; do cp -r "$tree" "/mnt/copy$copy"; done
  rm -r /mnt/copy2
  umount /mnt
  $2 "$disk" >/tmp/check 2>&1 || fail "$2: $(cat /tmp/check)"
  mount -t "$1" "$disk" /mnt
  for copy in 1 3; do
    (cd "/mnt/copy$copy" && find . -type f | sort | xargs sha256sum) | cmp - /tmp/expected || fail "$1: the files are not those that were copied"
  done
  umount /mnt
}

mkfs.ext4 -q -F "$disk"
check ext4 "e2fsck -fn"
mkfs.xfs -q -f "$disk"
modprobe xfs
check xfs "xfs_repair -n"
echo DONE
