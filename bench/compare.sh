#!/usr/bin/env bash
# Remote memory as a block device, two ways over one virtual cable: fio by NBD to the host agent beside it, which reaches the target by raw
# Ethernet; and fio by NBD over TCP to nbdkit in the target's place. Both in one run, turn by turn, so that only ratios count. Both in the
# clear, since that is all nbdkit does without TLS; the daemons as they are without any settings.
#   bench/compare.sh [--json FILE] [--seconds N] [--rounds N]
set -uo pipefail
json="" seconds=3 rounds=2
while [[ $# -gt 0 ]]; do
  case $1 in
    --json) json=$(realpath -m "$2"); shift 2 ;;
    --seconds) seconds=$2; shift 2 ;;
    --rounds) rounds=$2; shift 2 ;;
    -h | --help) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "compare.sh: unknown option '$1'" >&2; exit 2 ;;
  esac
done
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
source ../test/nbd/boxes.sh
for tool in fio nbdkit python3; do command -v "$tool" >/dev/null || skip "'$tool' is missing"; done
insecure=1
boxes_up "[{\"nbd\":\"unix:$boxes/nbd.sock\"}]"
ip netns exec "$target_box" nbdkit --foreground --ipaddr 10.99.0.1 --port 10809 memory 1G >"$boxes/nbdkit.log" 2>&1 &
processes+=($!)
for _ in $(seq 100); do in_host bash -c 'exec 3<>/dev/tcp/10.99.0.1/10809' 2>/dev/null && break; sleep 0.1; done

measure() { # uri, output, fio options ...
  local uri=$1 output=$2; shift 2
  if ! in_host timeout $((seconds * 4 + 30)) fio --name=compare --ioengine=nbd --uri="$uri" --bs=4k --size=256m --time_based --randrepeat=1 --lat_percentiles=1 --clat_percentiles=0 \
    --output-format=json --output="$output" "$@" 2>"$boxes/fio.log"; then
    cat "$boxes/fio.log" "$output" "$boxes/host.log" >&2; exit 1
  fi
}

ours="nbd+unix:///?socket=$boxes/nbd.sock" theirs="nbd://10.99.0.1:10809"
# Writes what will be read; and lets the runtime find out what is used much and compile it for that, which takes some seconds of work.
for uri in "$ours" "$theirs"; do measure "$uri" "$boxes/warm" --rw=write --iodepth=32 --runtime="$seconds"; done
for rw in randread randwrite randread randwrite; do measure "$ours" "$boxes/warm" --rw=$rw --iodepth=32 --runtime="$seconds"; done
for rw in randread randwrite; do
  for depth in 1 8 32 64; do
    for round in $(seq "$rounds"); do
      echo "$rw at depth $depth, round $round of $rounds" >&2
      measure "$ours" "$boxes/$rw.$depth.$round.pcieoe" --rw=$rw --iodepth=$depth --runtime="$seconds"
      measure "$theirs" "$boxes/$rw.$depth.$round.nbdkit" --rw=$rw --iodepth=$depth --runtime="$seconds"
    done
  done
done
python3 ./compare_report.py "$boxes" "$rounds" "$json"
