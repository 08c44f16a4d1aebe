/** Types of generate-cluster.js for the tests. */
export function generateCluster(size: {
  services: number;
  endpoints: number;
  affinity?: boolean;
  family?: 'IPv4' | 'IPv6';
}): {
  apiVersion: 'v1';
  kind: 'List';
  items: object[];
};
