/** worker-1, as far as it takes to send packets somewhere: input of `ip -batch`. */
export const linksOfNode: string = `link set lo up
link add out0 type veth peer name far0
addr add 192.0.2.11/32 dev out0
addr add fd00::11/128 dev out0 nodad
link set out0 up
link set far0 up
route add default dev out0
route add ::/0 dev out0
`;

/**
 * Python: one datagram to each frontend of clean-conntrack.kernel.test.ts, always from the same port, so that all runs send packets of
 * the same flows. No program answers.
 */
export const sendDatagrams: string = `
import socket
for port, (family, address, to) in enumerate((
    (socket.AF_INET, '10.96.60.1', 4000), (socket.AF_INET, '198.19.5.1', 4000), (socket.AF_INET, '192.0.2.11', 30400),
    (socket.AF_INET6, 'fd00:10:96::6001', 4000), (socket.AF_INET6, '2001:db8::19', 4000), (socket.AF_INET6, 'fd00::11', 30400),
)):
    client = socket.socket(family, socket.SOCK_DGRAM)
    client.bind(('', 5000 + port))
    try:
        client.sendto(b'x', (address, to))
    except PermissionError:
        pass  # refused as it leaves
`;
