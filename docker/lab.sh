#!/usr/bin/env bash
# Builds the image of the Dockerfile where no image registry can be reached, runs the container lab of compose.yaml, and takes everything down again.
#   docker/lab.sh [--programs FOLDER] [--reports FOLDER] [--seconds N]
#   --programs   a folder for the programs that were built; they stay in the image unless one is named
#   --reports    where the reports go (text, JSON, HTML); artifacts/container-lab unless named
#   --seconds    how long each workload is measured; 1 unless given
# The base images are made by debootstrap, the one to build in with this machine's .NET SDK; Debian's packages and NuGet's must be within reach.
# The engine is the one that runs; if none does, Debian's (docker.io, docker-compose: installed if this is root), started with namespaces and
# folders of its own. Exit code 77: cannot be done here, for the reason printed last.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
programs='' reports=$root/artifacts/container-lab seconds=1
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
image=pcieoe-lab-$$
engine=''      # the process that holds the namespaces of an engine of our own
own_engine=''  # there is no other
made=()        # folders outside that it needs to be there
inside=()      # what runs a command where the engine's networks are
export PCIEOE_IMAGE=$image PCIEOE_REPORTS COMPOSE_PROJECT_NAME=$image PCIEOE_SECONDS=$seconds

cannot() { echo "$*"; exit 77; }
compose() { "${compose_command[@]}" -f "$root/docker/compose.yaml" "$@"; }

find_compose() {
  if docker compose version >/dev/null 2>&1; then compose_command=(docker compose)
  elif command -v docker-compose >/dev/null; then compose_command=(docker-compose)
  else return 1; fi
}

# An engine in namespaces of its own: its bridges, rules and mounts go with it, and it goes with this script, whatever ends that.
# It shares this machine's network, and makes none of its own, while something is built that takes packages.
start_engine() { # building | running
  local namespaces=(--mount --pid --fork --mount-proc --kill-child) network=()
  if [[ $1 == building ]]; then network=(--bridge none --iptables=false --ip6tables=false --ip-forward=false)
  else namespaces+=(--net); fi
  # shellcheck disable=SC2016
  setpriv --pdeathsig KILL setsid unshare "${namespaces[@]}" bash -c '
      for folder in /run/docker /etc/docker /opt/containerd; do mount -t tmpfs tmpfs "$folder" || exit; done
      ip link set lo up; exec dockerd "$@"' dockerd \
    --host "$DOCKER_HOST" --data-root "$work/data" --exec-root "$work/exec" --pidfile "$work/pid" \
    --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/$image" "${network[@]}" >"$work/dockerd.log" 2>&1 &
  engine=$!
  for ((i = 0; i < 240; i++)); do
    if docker info >/dev/null 2>&1; then inside=(nsenter --target "$(pgrep -P "$engine")" --net); return; fi
    kill -0 "$engine" 2>/dev/null || break
    sleep 0.25
  done
  grep -E 'level=(error|fatal)|failed' "$work/dockerd.log" | tail -n 5 || true
  cannot "the engine does not start here"
}

stop_engine() {
  [[ -n $engine ]] || return 0
  local daemon; daemon=$(pgrep -P "$engine" || true)
  [[ -z $daemon ]] || kill "$daemon" 2>/dev/null || true
  wait "$engine" 2>/dev/null || true
  engine=''
  find /sys/fs/cgroup -depth -type d -path "*/$image*" -exec rmdir {} + 2>/dev/null || true
}

clean_up() {
  trap - EXIT
  trap '' INT TERM
  # Clients that were cut short: a build, the reports.
  for job in $(jobs -p); do [[ $job == "$engine" ]] || kill "$job" 2>/dev/null || true; done
  if [[ -n ${composed:-} ]]; then compose down --volumes --timeout 5 >"$work/down.log" 2>&1 || cat "$work/down.log"; fi
  [[ -n $own_engine ]] || docker image rm "$image" "$image"-{build,sdk,runtime} >/dev/null 2>&1 || true
  stop_engine
  [[ ${#made[@]} -eq 0 ]] || rmdir "${made[@]}" 2>/dev/null || true
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if ! command -v docker >/dev/null || ! find_compose || ! command -v debootstrap >/dev/null || { ! docker info >/dev/null 2>&1 && ! command -v dockerd >/dev/null; }; then
  [[ $(id -u) -eq 0 ]] && command -v apt-get >/dev/null ||
    cannot "it takes a container engine, compose and debootstrap; as root on Debian this installs them (docker.io, docker-compose, debootstrap)"
  export DEBIAN_FRONTEND=noninteractive
  if ! { apt-get update -q && apt-get install -y -q --no-install-recommends docker.io docker-compose debootstrap; } >"$work/apt.log" 2>&1; then
    tail -n 5 "$work/apt.log"; cannot "docker.io, docker-compose and debootstrap could not be installed"
  fi
  find_compose || cannot "there is no compose after installing docker-compose"
fi
command -v dotnet >/dev/null || cannot "the .NET 10 SDK is needed ('dotnet' is not on the PATH)"
bases=$("$root/docker/make-bases") || exit $?
if ! docker info >/dev/null 2>&1; then
  [[ $(id -u) -eq 0 ]] || cannot "no engine answers, and starting one takes root"
  export DOCKER_HOST=unix://$work/docker.sock
  own_engine=1
  for folder in /run/docker /etc/docker /opt/containerd; do [[ -e $folder ]] || { mkdir "$folder"; made+=("$folder"); }; done
  start_engine building
fi

# The base images. The one to build in is minbase with this machine's SDK and the certificates that it trusts.
docker import --change 'ENV PATH=/usr/bin' - "$image-runtime" <"$bases/runtime.tar" >/dev/null
mkdir "$work/sdk"
tar -C "$work/sdk" -xf "$bases/minbase.tar"
cp -a "$(dirname "$(readlink -f "$(command -v dotnet)")")" "$work/sdk/usr/share/dotnet"
ln -s ../share/dotnet/dotnet "$work/sdk/usr/bin/dotnet"
certificates=/etc/ssl/certs/ca-certificates.crt
[[ ! -e $certificates ]] || install -D -m 644 -t "$work/sdk${certificates%/*}" "$certificates"
tar -C "$work/sdk" -c . | docker import --change 'ENV PATH=/usr/sbin:/usr/bin' --change 'ENV DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1' \
  --change 'ENV DOTNET_NOLOGO=1' --change "ENV NUGET_CERT_REVOCATION_MODE=${NUGET_CERT_REVOCATION_MODE:-online}" - "$image-sdk" >/dev/null
rm -rf "$work/sdk"
docker run --rm --network none "$image-sdk" dotnet --version >"$work/first.log" 2>&1 || { tail -n 3 "$work/first.log"; cannot "containers do not start here"; }

# The stage to build in gets a name, so that it can be removed; the second build finds it done.
build=(docker build --network host --build-arg BUILD_IMAGE="$image-sdk" --build-arg RUNTIME_IMAGE="$image-runtime" -f "$root/docker/Dockerfile" "$root")
for goal in "--target build -t $image-build" "-t $image"; do
  # shellcheck disable=SC2086
  "${build[@]}" $goal >"$work/build.log" 2>&1 &
  wait $! || { tail -n 30 "$work/build.log"; echo "the image could not be built"; exit 1; }
done
echo "image: $(docker image inspect --format '{{.Size}}' "$image" | numfmt --to=iec-i --suffix=B)," \
  "$(docker image inspect --format '{{.Size}}' "$image-runtime" | numfmt --to=iec-i --suffix=B) of it the base"
if [[ -n $programs ]]; then
  mkdir -p "$programs"
  container=$(docker create --network none "$image")
  for program in pcieoe pcieoe-host pcieoe-target; do docker cp -q "$container:/usr/bin/$program" "$programs/"; done
  docker rm "$container" >/dev/null
fi
if [[ -n $own_engine ]]; then
  stop_engine
  start_engine running
fi

mkdir -p "$reports"
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
