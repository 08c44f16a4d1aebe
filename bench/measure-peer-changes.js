// @ts-check
/**
 * `measure-peer-changes.js SERVICES TITLE`, started by start-process.js: a layout of kube-proxy in a namespace. Only nft
 * is timed, with the transaction that the layout needs: not what kube-proxy does before it, nor the second transaction
 * by which it deletes chains that are no longer used.
 */
import { answerChanges } from './contestants/start-process.js';
import { generateCluster } from './generate-cluster.js';
import { kubeProxy135 } from './layouts/kube-proxy-135.js';
import { kubeProxy138 } from './layouts/kube-proxy-138.js';
import { loadPeer } from './layouts/load-peer.js';
import { readService, readServices } from './layouts/read-services.js';
import { changeSlice } from './tools/edit-slice.js';
import { openNamespace } from './tools/open-namespace.js';
import { timeNft } from './tools/time-nft.js';

const [services, title] = process.argv.slice(2);
const layout = [kubeProxy138, kubeProxy135].find((candidate) => candidate.title === title);
if (!layout) {
  throw new Error(`no layout ${title}`);
}
const { items } = generateCluster({ services: Number(services), endpoints: 10, affinity: false });
const namespace = await openNamespace();
loadPeer(namespace, layout, readServices(items));
answerChanges((number) => {
  const { service, slice } = changeSlice(items, number);
  return [timeNft(namespace, layout.writeChange(readService(service, slice)))];
}, namespace.close);
