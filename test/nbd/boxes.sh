# Two network namespaces joined by a cable, a target in one and a host agent in the other that serves NBD. To be sourced; bash.
#   boxes_up HOST_FRONTENDS...   a JSON list of front ends for each function; the functions are flash0, flash1, ...
#   in_host COMMAND..., in_target COMMAND...
# daemon_settings: more of both daemons' configurations, with a comma behind each; insecure=1: without keys.
# Everything is named after this process and goes away with it.
boxes=$(mktemp -d /tmp/pcieoe-nbd.XXXXXX)
host_box=pcieoe-h-$$ target_box=pcieoe-t-$$
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
processes=()
daemon_settings=${daemon_settings:-}

boxes_down() {
  [[ ${#processes[@]} -gt 0 ]] && kill "${processes[@]}" 2>/dev/null
  for process in "${processes[@]}"; do timeout 10 tail --pid="$process" -f /dev/null || kill -9 "$process" 2>/dev/null; done
  wait 2>/dev/null
  ip netns del "$host_box" 2>/dev/null
  ip netns del "$target_box" 2>/dev/null
  rm -rf "$boxes"
}

skip() { echo "$1"; exit 77; }

in_host() { ip netns exec "$host_box" "$@"; }

in_target() { ip netns exec "$target_box" "$@"; }

boxes_up() {
  [[ $(id -u) -eq 0 ]] || skip "network namespaces take root"
  command -v ip >/dev/null || skip "'ip' (iproute2) is missing"
  trap boxes_down EXIT
  trap 'exit 130' INT TERM
  ip netns add "$host_box" 2>/dev/null && ip netns add "$target_box" 2>/dev/null || skip "network namespaces cannot be made here"
  ip link add pcieoe0 netns "$target_box" mtu 9000 type veth peer name pcieoe0 netns "$host_box" mtu 9000
  ip -n "$target_box" link set pcieoe0 up
  ip -n "$host_box" link set pcieoe0 up
  ip -n "$target_box" addr add 10.99.0.1/24 dev pcieoe0
  ip -n "$host_box" addr add 10.99.0.2/24 dev pcieoe0
  ip -n "$host_box" link set lo up

  local key functions="" attachments="" number=0 frontends in_target_only in_attachment
  key=$(head -c 32 /dev/urandom | base64 -w 0)
  in_target_only="\"hosts\":[{\"name\":\"server\",\"key\":\"$key\"}]," in_attachment="\"key\":\"$key\","
  if [[ ${insecure:-0} == 1 ]]; then in_target_only="" in_attachment=""; daemon_settings+='"insecure":true,'; fi
  for frontends in "$@"; do
    functions+="${functions:+,}{\"name\":\"flash$number\",\"media\":{\"size\":\"1GiB\"}}"
    attachments+="${attachments:+,}{\"function\":\"flash$number\",\"target\":\"box\",$in_attachment\"frontends\":$frontends}"
    number=$((number + 1))
  done
  cat >"$boxes/target.json" <<JSON
{"name":"box",$daemon_settings"port":{"interface":"pcieoe0"},"controlSocket":"$boxes/target.sock",$in_target_only"functions":[$functions]}
JSON
  cat >"$boxes/host.json" <<JSON
{"name":"server",$daemon_settings"port":{"interface":"pcieoe0"},"controlSocket":"$boxes/host.sock","attachments":[$attachments]}
JSON
  chmod 600 "$boxes"/*.json
  # By the program itself, not the functions above: a function's process number would be that of a shell around it.
  ip netns exec "$target_box" "$root/src/PcieOe.Target/bin/Release/net10.0/pcieoe-target" --config "$boxes/target.json" >"$boxes/target.log" 2>&1 &
  processes+=($!)
  ip netns exec "$host_box" "$root/src/PcieOe.Host/bin/Release/net10.0/pcieoe-host" --config "$boxes/host.json" >"$boxes/host.log" 2>&1 &
  processes+=($!)
  for _ in $(seq 300); do
    [[ -S $boxes/host.sock ]] && grep -q 'session New' "$boxes/host.log" && return 0
    kill -0 "${processes[@]}" 2>/dev/null || break
    sleep 0.1
  done
  cat "$boxes/target.log" "$boxes/host.log"
  echo "the daemons did not start"
  exit 1
}
