#!/usr/bin/env bash
# Runs the tests. The last line is "N passed, N failed, N skipped"; the exit code is 0 only when nothing failed.
#   ./test.sh            everything that this machine allows (installs Debian packages when root)
#   ./test.sh --quick    what needs no root and no download, in under two minutes
#   ./test.sh --soak     everything, with the full counts
set -uo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"

mode=full
case "${1:-}" in
  "") ;;
  --quick) mode=quick ;;
  --soak) mode=soak ;;
  -h | --help) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 0 ;;
  *) echo "test.sh: unknown option '$1' (--quick, --soak, or none)" >&2; exit 2 ;;
esac
export PCIEOE_TEST_MODE=$mode

passed=0 failed=0 skipped=0
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

finish() {
  echo "$passed passed, $failed failed, $skipped skipped"
  [[ $failed -eq 0 ]] && exit 0
  exit 1
}

# A test project is a program of its own; its counts are read from the XML it writes. One that dies without it counts as a failure.
count() { sed -n "s/.*<assembly [^>]*[[:space:]]$2=\"\([0-9]*\)\".*/\1/p" "$1" | awk '{s+=$1} END {print s+0}'; }

run_tests() { # project directory, seconds allowed, arguments ...
  local directory=$1 limit=$2; shift 2
  local name; name=$(basename "$directory")
  local xml="$results/$name.xml" program="$directory/bin/Release/net10.0/$name" started=$SECONDS code=0
  timeout --kill-after=20 "$limit" "$program" -xml "$xml" -noColor -noLogo "$@" >"$results/$name.log" 2>&1 || code=$?
  if [[ -s $xml ]]; then
    local p f s e
    p=$(count "$xml" passed) f=$(count "$xml" failed) s=$(count "$xml" skipped) e=$(count "$xml" errors)
    passed=$((passed + p)) failed=$((failed + f + e)) skipped=$((skipped + s))
    echo "$name: $p passed, $((f + e)) failed, $s skipped in $((SECONDS - started)) s"
    if [[ $((f + e)) -gt 0 ]]; then
      cat "$results/$name.log"
    else
      grep -F '[SKIP]' -A 1 "$results/$name.log" || true
    fi
    if [[ $code -ne 0 && $((f + e)) -eq 0 ]]; then
      failed=$((failed + 1)); echo "$name: exit code $code"; tail -n 40 "$results/$name.log"
    fi
  else
    failed=$((failed + 1))
    echo "$name: gave no result (exit code $code after $((SECONDS - started)) s)"
    tail -n 60 "$results/$name.log"
  fi
}

run_check() { # name, seconds allowed, command ... : one check, passed when it exits with 0, skipped with the reason it prints last at 77
  local name=$1 limit=$2 started=$SECONDS code=0; shift 2
  timeout --kill-after=20 "$limit" "$@" >"$results/check.log" 2>&1 || code=$?
  if [[ $code -eq 0 ]]; then
    passed=$((passed + 1)); echo "$name: passed in $((SECONDS - started)) s"; tail -n 3 "$results/check.log"
  elif [[ $code -eq 77 ]]; then
    skipped=$((skipped + 1)); echo "$name: skipped: $(tail -n 1 "$results/check.log")"
  else
    failed=$((failed + 1)); echo "$name: FAILED (exit code $code)"; tail -n 40 "$results/check.log"
  fi
}

if ! command -v dotnet >/dev/null; then
  echo "test.sh: the .NET 10 SDK is needed ('dotnet' is not on the PATH)"; failed=1; finish
fi
if [[ $mode != quick && $(id -u) -eq 0 ]]; then
  test/install-prerequisites.sh || echo "test.sh: some packages could not be installed; the tests that need them are skipped"
fi

echo "building ..."
if ! dotnet build -c Release --nologo -v quiet PcieOe.sln >"$results/build.log" 2>&1; then
  cat "$results/build.log"; failed=1; finish
fi

quick_only=()
[[ $mode == quick ]] && quick_only=(-trait- "Category=System")
for directory in test/PcieOe.*.Tests; do
  limit=900
  [[ $directory == *Guest* ]] && limit=2400 # each of its tests boots guests with emulated processors
  run_tests "$directory" "$limit" "${quick_only[@]}"
done
if [[ $mode != quick ]]; then
  run_check "guest rig" 600 test/guest/self-test
  run_check "NBD clients" 600 test/nbd/clients
  rm -rf artifacts/publish
  run_check "container lab" 600 docker/lab.sh --seconds 0.2 --programs artifacts/publish
  run_check "native programs" 600 test/packaging/native-programs # those that the container lab built, if it did
  run_check "systemd units" 60 test/packaging/units
  run_check "port over SharpPcap" 400 test/sharppcap/run
  run_check "documents" 300 test/docs/commands
fi
simulation=test/PcieOe.Simulation/bin/Release/net10.0/PcieOe.Simulation
case $mode in
  quick) run_check "simulation" 120 "$simulation" --seeds 200 ;;
  full) run_check "simulation" 900 "$simulation" --seeds 5000 ;;
  soak)
    run_check "simulation" 900 "$simulation" --seeds 10000
    run_check "simulation, long sessions" 1800 "$simulation" --seeds 1000 --tlps 50000 ;;
esac
finish
