#!/usr/bin/env bash
# Compiles a small cluster, prints the ruleset and, as root, loads it into a network namespace of its own and
# sends real connections through it. The machine's own rules are not touched.
set -euo pipefail
cd "$(dirname "$0")/.."

compile() { node bin/svc2nft.js compile demo/cluster.yaml --cluster-cidr 10.244.0.0/16; }

echo '$ svc2nft compile demo/cluster.yaml --cluster-cidr 10.244.0.0/16'
compile

if [ "$(id -u)" != 0 ]; then
  echo 'Not root, so the ruleset is not loaded. As root, this goes on with real connections in a network namespace.'
  exit 0
fi
if ! command -v nft >/dev/null || ! command -v ip >/dev/null; then
  echo 'error: the demo needs nft and ip; install nftables and iproute2' >&2
  exit 1
fi

# Four small machines: the node, the pods of shop/cart, a pod that is a client, and a client outside the cluster.
node=svc2nft-$$-node pods=svc2nft-$$-pods client=svc2nft-$$-client outside=svc2nft-$$-outside
server=
cleanup() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  for name in "$node" "$pods" "$client" "$outside"; do ip netns delete "$name" 2>/dev/null || true; done
}
trap cleanup EXIT

attach() { # attach NAMESPACE INTERFACE GATEWAY ADDRESS...: a cable from the node's INTERFACE, where it has GATEWAY
  local namespace=$1 interface=$2 gateway=$3
  shift 3
  ip netns add "$namespace"
  ip -n "$namespace" link set lo up
  ip -n "$node" link add "$interface" type veth peer name eth0 netns "$namespace"
  ip -n "$node" address add "$gateway/32" dev "$interface"
  ip -n "$node" link set "$interface" up
  ip -n "$namespace" link set eth0 up
  for address in "$@"; do
    ip -n "$namespace" address add "$address/32" dev eth0
    ip -n "$node" route add "$address/32" dev "$interface"
  done
  ip -n "$namespace" route add default via "$gateway" dev eth0 onlink
}
ip netns add "$node"
ip -n "$node" link set lo up
ip netns exec "$node" sh -c "echo 1 >/proc/sys/net/ipv4/ip_forward"
attach "$pods" pods0 10.244.1.1 10.244.1.11 10.244.1.12 10.244.1.13
attach "$client" client0 10.244.1.1 10.244.1.50
attach "$outside" outside0 192.0.2.11 192.0.2.99
ip -n "$node" route add default via 192.0.2.99 dev outside0

echo
echo '$ svc2nft compile demo/cluster.yaml --cluster-cidr 10.244.0.0/16 | nft -f -     # as worker-1, in a namespace'
compile | ip netns exec "$node" nft -f -

ip netns exec "$pods" node demo/pods.js 10.244.1.11 10.244.1.12 10.244.1.13 &
server=$!
sleep 1

from_pod() { ip netns exec "$client" node demo/client.js "$1" 10.244.1.50 "$2" 30; }
from_outside() { ip netns exec "$outside" node demo/client.js "$1" 192.0.2.99 "$2" 30; }
echo
from_pod 'A pod uses the cluster IP of shop/cart (three ready endpoints; the source is kept)' http://10.96.0.10
from_outside 'A client outside uses its node port (masqueraded, so that the answer comes back this way)' http://192.0.2.11:30080
from_pod 'A pod uses shop/session (ClientIP affinity: always the same endpoint)' http://10.96.0.20
from_pod 'A pod uses shop/mail (no endpoints: refused at once, with a TCP reset)' http://10.96.0.30:25
