// @ts-check

/** The least that can translate: one rule for all cluster IPs of the generated cluster, and nothing else. */
export const staticRule = `table ip static {
	chain nat-output {
		type nat hook output priority -100; policy accept;
		ip daddr 10.96.0.0/12 tcp dport 80 dnat to 10.128.0.0:8080
	}
}
`;
