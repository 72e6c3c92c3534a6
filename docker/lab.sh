#!/usr/bin/env bash
# Runs the container lab of compose.yaml where no image registry can be reached, and takes everything down again.
#   docker/lab.sh [--programs FOLDER] [--reports FOLDER] [--seconds N]
#   --programs   what packaging/publish made; artifacts/publish unless named, and made if it is not there
#   --reports    where the reports go (text, JSON, HTML); artifacts/container-lab unless named
#   --seconds    how long each workload is measured; 1 unless given
# The image holds the programs and the libraries that they load, taken from this machine. The engine is the one that runs; if none does,
# Debian's (docker.io, docker-compose: installed if this is root), started with namespaces and folders of its own. Exit code 77: cannot
# be done here, for the reason printed last.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
programs=$root/artifacts/publish reports=$root/artifacts/container-lab seconds=1
while [[ $# -gt 0 ]]; do
  case $1 in
    --programs) programs=$2; shift 2 ;;
    --reports) reports=$2; shift 2 ;;
    --seconds) seconds=$2; shift 2 ;;
    -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "lab.sh: unknown option '$1' (--programs, --reports, --seconds)" >&2; exit 2 ;;
  esac
done

work=$(mktemp -d)
engine=''      # the process that holds the namespaces of an engine of our own
inside=()      # what runs a command where the engine's networks are
export PCIEOE_IMAGE=pcieoe-lab-$$ PCIEOE_REPORTS COMPOSE_PROJECT_NAME=pcieoe-lab-$$ PCIEOE_SECONDS=$seconds

compose() { "${compose_command[@]}" -f "$root/docker/compose.yaml" "$@"; }

clean_up() {
  trap - EXIT INT TERM
  if [[ -n ${composed:-} ]]; then compose down --volumes --timeout 5 >>"$work/down.log" 2>&1 || cat "$work/down.log"; fi
  docker image rm "$PCIEOE_IMAGE" >/dev/null 2>&1 || true
  if [[ -n $engine ]]; then
    local daemon; daemon=$(pgrep -P "$engine" || true)
    [[ -z $daemon ]] || kill "$daemon" 2>/dev/null || true
    wait "$engine" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

find_compose() {
  if docker compose version >/dev/null 2>&1; then compose_command=(docker compose)
  elif command -v docker-compose >/dev/null; then compose_command=(docker-compose)
  else return 1; fi
}

if ! command -v docker >/dev/null || ! find_compose || { ! docker info >/dev/null 2>&1 && ! command -v dockerd >/dev/null; }; then
  if [[ $(id -u) -ne 0 ]] || ! command -v apt-get >/dev/null; then
    echo "it takes a container engine and compose; as root on Debian this installs them (docker.io, docker-compose)"; exit 77
  fi
  export DEBIAN_FRONTEND=noninteractive
  if ! { apt-get update -q && apt-get install -y -q --no-install-recommends docker.io docker-compose; } >"$work/apt.log" 2>&1; then
    tail -n 5 "$work/apt.log"; echo "docker.io and docker-compose could not be installed"; exit 77
  fi
  find_compose || { echo "there is no compose after installing docker-compose"; exit 77; }
fi

if ! docker info >/dev/null 2>&1; then
  [[ $(id -u) -eq 0 ]] || { echo "no engine answers, and starting one takes root"; exit 77; }
  # In namespaces of its own, its bridges and rules go with it; its processes too, whatever ends this script.
  export DOCKER_HOST=unix://$work/docker.sock
  unshare --net --mount --pid --fork --mount-proc --kill-child bash -c 'ip link set lo up; exec dockerd "$@"' dockerd \
    --host "$DOCKER_HOST" --data-root "$work/data" --exec-root "$work/exec" --pidfile "$work/pid" >"$work/dockerd.log" 2>&1 &
  engine=$!
  for ((i = 0; i < 120; i++)); do
    docker info >/dev/null 2>&1 && break
    kill -0 "$engine" 2>/dev/null || break
    sleep 0.5
  done
  docker info >/dev/null 2>&1 || { grep -E 'level=(error|fatal)|failed' "$work/dockerd.log" | tail -n 5; echo "the engine does not start here"; engine=''; exit 77; }
  inside=(nsenter --target "$(pgrep -P "$engine")" --net)
fi

[[ -x $programs/pcieoe ]] || "$root/packaging/publish" "$programs"
mkdir -p "$work/image"/{usr/bin,etc/pcieoe,run/pcieoe,reports,tmp} "$reports"
install -m 755 -t "$work/image/usr/bin" "$programs"/pcieoe{,-host,-target}
# OpenSSL's are loaded by name when a key is first used.
mapfile -t libraries < <(ldconfig -p | awk '$1 ~ /^lib(ssl|crypto)\.so\.3$/ {print $NF}')
ldd "$programs"/pcieoe{,-host,-target} "${libraries[@]}" | grep -o '/[^ :]*\.so[^ :]*' | sort -u | while read -r library; do
  cp -L --parents "$library" "$work/image"
done
[[ ${#libraries[@]} -eq 0 ]] || cp -L --parents "${libraries[@]}" "$work/image"
tar -C "$work/image" -c . | docker import --change 'ENV PATH=/usr/bin' --change 'CMD ["pcieoe", "--help"]' - "$PCIEOE_IMAGE" >/dev/null
echo "image: $(docker image inspect --format '{{.Size}}' "$PCIEOE_IMAGE" | numfmt --to=iec-i --suffix=B)"

docker run --rm --network none "$PCIEOE_IMAGE" pcieoe --version >"$work/first.log" 2>&1 || { tail -n 3 "$work/first.log"; echo "containers do not start here"; exit 77; }

PCIEOE_REPORTS=$(cd "$reports" && pwd)
composed=1
compose up --detach --no-build target host1 host2 >"$work/up.log" 2>&1 || { cat "$work/up.log"; compose logs --no-color; exit 1; }
for host in 1 2; do
  compose run --rm --no-deps -T "report$host" >"$PCIEOE_REPORTS/host$host.txt" 2>"$work/report$host.log" &
  pids[host]=$!
done
for host in 1 2; do
  wait "${pids[host]}" || { cat "$work/report$host.log" "$PCIEOE_REPORTS/host$host.txt"; compose logs --no-color; exit 1; }
  cat "$PCIEOE_REPORTS/host$host.txt"
  [[ -s $PCIEOE_REPORTS/host$host.json && -s $PCIEOE_REPORTS/host$host.html ]] || { echo "host$host wrote no report"; exit 1; }
done
for id in $(compose ps -q target host1 host2); do
  confinement=$(docker inspect --format '{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.CapAdd}}' "$id")
  [[ $confinement == 'true [ALL] [NET_RAW]' || $confinement == 'true [ALL] [CAP_NET_RAW]' ]] || { echo "a container has more than it needs: $confinement"; exit 1; }
done
if command -v nbdinfo >/dev/null; then
  for host in 1 2; do
    "${inside[@]}" nbdinfo "nbd://127.0.0.1:$((10808 + host))/flash$host" | sed -n "s/^.*export-size:/flash$host by NBD:/p"
  done
fi
echo "the reports are in $PCIEOE_REPORTS"
