// @ts-check

/** The least that can translate: one rule for all cluster IPs of the generated cluster, and nothing else. */
export const staticRules = {
  IPv4: table('ip', 'ip daddr 10.96.0.0/12 tcp dport 80 dnat to 10.128.0.0:8080'),
  IPv6: table('ip6', 'ip6 daddr fd00:10:96::/96 tcp dport 80 dnat to [fd00:10:128:0::1]:8080'),
};

/** Nothing but the hooks of NAT, and conntrack, which the kernel runs only if some rule needs it: this one does no more. */
export const emptyTables = { IPv4: table('ip', 'ct state new accept'), IPv6: table('ip6', 'ct state new accept') };

/**
 * @param {'ip' | 'ip6'} family
 * @param {string} rule
 */
function table(family, rule) {
  return `table ${family} static {
	chain nat-prerouting {
		type nat hook prerouting priority -100; policy accept;
		${rule}
	}

	chain nat-postrouting {
		type nat hook postrouting priority 100; policy accept;
	}
}
`;
}
