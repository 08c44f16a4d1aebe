#!/usr/bin/env bash
# Compiles a small cluster and prints the ruleset; as root, brings up the cluster of a few manifests in network namespaces, and
# sends real connections through its rules. The machine's own network is not touched.
set -euo pipefail
cd "$(dirname "$0")/.."

root=$PWD lab=demo-$$
svc2nft() {
  echo
  echo "\$ svc2nft $*"
  node "$root/bin/svc2nft.js" "$@"
}

svc2nft compile demo/cluster.yaml --cluster-cidr 10.244.0.0/16

if [ "$(id -u)" != 0 ]; then
  echo 'Not root, so no rules are loaded. As root, this goes on with a cluster in network namespaces.'
  exit 0
fi

folder=$(mktemp -d)
trap 'node "$root/bin/svc2nft.js" lab down --name "$lab" 2>/dev/null || true; rm -r "$folder"' EXIT
cd "$folder"

cat > shop.yaml <<'MANIFESTS'
# Two workloads, and four ways to what they serve.
{ apiVersion: apps/v1, kind: Deployment, metadata: { name: web }, spec: { selector: { matchLabels: { app: web } }, template: {
  metadata: { labels: { app: web } }, spec: { containers: [{ name: web, ports: [{ containerPort: 80 }] }] } } } }
---
{ apiVersion: apps/v1, kind: Deployment, metadata: { name: cart }, spec: { replicas: 3, selector: { matchLabels: { app: cart } }, template: {
  metadata: { labels: { app: cart } }, spec: { containers: [{ name: cart, ports: [{ containerPort: 8080 }] }] } } } }
---
{ apiVersion: v1, kind: Service, metadata: { name: cart }, spec: { selector: { app: cart }, ports: [{ port: 80, targetPort: 8080 }] } }
---
{ apiVersion: v1, kind: Service, metadata: { name: session }, spec: { selector: { app: cart }, sessionAffinity: ClientIP, ports: [{ port: 80, targetPort: 8080 }] } }
---
{ apiVersion: v1, kind: Service, metadata: { name: shop }, spec: { type: LoadBalancer, selector: { app: web }, ports: [{ port: 80 }] } }
---
{ apiVersion: v1, kind: Service, metadata: { name: mail }, spec: { selector: { app: mail }, ports: [{ port: 25 }] } }
MANIFESTS

cat > expectations.yaml <<'EXPECTATIONS'
expect:
  # A Pod uses the cluster IP of cart: all three endpoints answer, and see the Pod.
  - { from: deployment/web, to: 'http://cart', answeredBy: deployment/cart, times: 30, all: true, seenFrom: client }
  # With ClientIP affinity it is always the same one.
  - { from: deployment/web, to: 'http://session', answeredBy: deployment/cart, times: 30 }
  # A client outside uses the load balancer.
  - { from: outside, to: 'http://shop', answeredBy: deployment/web, times: 30 }
  # A Service without endpoints is refused at once, with a TCP reset.
  - { from: deployment/web, to: 'tcp://mail:25', result: refused }
EXPECTATIONS

svc2nft lab shop.yaml --name "$lab"
svc2nft lab curl --name "$lab" --from deployment/web -sS http://cart
svc2nft lab test expectations.yaml --name "$lab"
svc2nft lab scale deployment/cart 5 --name "$lab"
svc2nft lab drain node-1 --name "$lab"
svc2nft lab test expectations.yaml --name "$lab"
svc2nft lab status --name "$lab"
