import { expect, test } from 'vitest';
import type { Endpoint, ServicePort } from '../../src/phases/3-model/model.ts';
import { endpointChainName, serviceChainNames } from '../../src/phases/5-plan-iptables/iptables-names.ts';

/** The hashes are those that kube-proxy 1.37.2 wrote into the names of its chains. */
test('names have the hashes of kube-proxy, and at most 28 bytes', () => {
  const unnamed = { namespace: 'dns', name: 's2', portName: '', protocol: 'tcp' } as ServicePort;
  expect(serviceChainNames(unnamed).local).toBe('SVC2NFT-SVL-LFE4UE24XFEE6MNU');
  const named = { namespace: 'shop', name: 's4', portName: 'p0', protocol: 'tcp' } as ServicePort;
  expect(serviceChainNames(named)).toEqual({
    cluster: 'SVC2NFT-SVC-72AERQOU4HVFPRHF',
    local: 'SVC2NFT-SVL-72AERQOU4HVFPRHF',
    external: 'SVC2NFT-EXT-72AERQOU4HVFPRHF',
    firewall: 'SVC2NFT-FW-72AERQOU4HVFPRHF',
  });
  const endpoint = { endpointAddress: { address: '10.244.1.25', port: 8080 } } as Endpoint;
  const chain = endpointChainName(named, endpoint);
  expect(chain).toBe('SVC2NFT-SEP-IENTBXQL77XMEVAE');
  expect(chain).toHaveLength(28);
});
