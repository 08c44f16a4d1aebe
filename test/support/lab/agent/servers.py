"""Answer every connection with the address it was reached at and the address it came from."""

import json
import socket

from sctp import INIT, build_init_ack, parse_packet
from sockets import ALL_ADDRESSES, IP_RECVORIGDSTADDR, IPV6_RECVORIGDSTADDR, open_socket, read_original_destination, text_of

BACKLOG = 4096
IPV4_HEADER_WORD = 4


def serve_tcp(loop, address, port):
    server = open_socket("tcp", address)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((address, port))
    server.listen(BACKLOG)

    def accept():
        for connection, peer in until_empty(server.accept):
            with connection:
                connection.sendall(answer_to(connection.getsockname()[:2], peer[:2]))

    loop.watch(server, accept)
    return server


def serve_udp(loop, address, port):
    server = open_socket("udp", address)
    if server.family == socket.AF_INET6:
        server.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, 1)
    else:
        server.setsockopt(socket.IPPROTO_IP, IP_RECVORIGDSTADDR, 1)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((address, port))
    intercepts = address in ALL_ADDRESSES

    def receive():
        for _, control, _, peer in until_empty(lambda: server.recvmsg(256, 256)):
            if not intercepts:
                server.sendto(answer_to((address, port), peer[:2]), peer)
                continue
            at = read_original_destination(control)
            send_from("udp", at, peer, answer_to(at, peer[:2]))

    loop.watch(server, receive)
    return server


def serve_sctp(loop, any_address):
    """Sees every SCTP packet delivered in this namespace, whatever its address and port."""
    server = open_socket("sctp", any_address)
    if server.family == socket.AF_INET6:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)

    def receive():
        for packet, control, _, peer in until_empty(lambda: server.recvmsg(2048, 256)):
            address, payload = destination_of(server, packet, control)
            parsed = parse_packet(payload)
            if parsed and parsed[3] == INIT:
                source_port, port, _, _, tag, _ = parsed
                cookie = answer_to((address, port), (peer[0], source_port))
                send_from("sctp", (address, 0), (peer[0], 0), build_init_ack(port, source_port, tag, cookie))

    loop.watch(server, receive)


def destination_of(server, packet, control):
    """(destination address, payload). Raw IPv4 sockets deliver the IP header, IPv6 ones do not."""
    if server.family == socket.AF_INET:
        return socket.inet_ntop(socket.AF_INET, packet[16:20]), packet[(packet[0] & 15) * IPV4_HEADER_WORD :]
    return socket.inet_ntop(socket.AF_INET6, control[0][2][:16]), packet


def send_from(protocol, source, peer, data):
    with open_socket(protocol, source[0]) as sender:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sender.bind(source)
        sender.sendto(data, peer)


def until_empty(call):
    while True:
        try:
            yield call()
        except BlockingIOError:
            return


def answer_to(at, saw):
    return json.dumps({"at": text_of(*at), "saw": text_of(*saw)}).encode()
