#!/bin/sh
# Counts its own boots on the device, and reboots the guest until there have been $1.
set -e
disk=/dev/nvme0n1
mark=$(dd if="$disk" bs=4k count=1 iflag=direct 2>/dev/null | head -c 16 | tr -d '\000')
case $mark in
  boots:*) boots=$((${mark#boots:} + 1)) ;;
  *) boots=1 ;;
esac
printf 'boots:%s' "$boots" | dd of="$disk" bs=4k conv=sync oflag=direct 2>/dev/null
echo "boot $boots"
[ "$boots" -lt "$1" ] && reboot -f
echo DONE
