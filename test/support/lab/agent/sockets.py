"""Sockets for addresses that no interface has, and their texts."""

import socket
import struct

ALL_ADDRESSES = ("0.0.0.0", "::")

# Absent from Python's socket module.
IP_RECVERR, IPV6_RECVERR = 11, 25
IP_TRANSPARENT, IPV6_TRANSPARENT = 19, 75
IP_RECVORIGDSTADDR, IPV6_RECVORIGDSTADDR = 20, 74
ICMP_ORIGINS = (2, 3)
SO_RCVBUFFORCE = 33
# The usual 200 kB hold some 250 datagrams: fewer than may be sent before the first one is read.
RECEIVE_BUFFER = 8 << 20

KINDS = {
    "tcp": (socket.SOCK_STREAM, socket.IPPROTO_TCP),
    "udp": (socket.SOCK_DGRAM, socket.IPPROTO_UDP),
    "sctp": (socket.SOCK_RAW, socket.IPPROTO_SCTP),
}


def open_socket(protocol, address):
    """A non-blocking socket that may use any address as its own and any port again; `address` gives the family."""
    is_ipv6 = ":" in address
    opened = socket.socket(socket.AF_INET6 if is_ipv6 else socket.AF_INET, *KINDS[protocol])
    opened.setblocking(False)
    opened.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
    if is_ipv6:
        opened.setsockopt(socket.IPPROTO_IPV6, IPV6_TRANSPARENT, 1)
        if protocol != "sctp":
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    else:
        opened.setsockopt(socket.IPPROTO_IP, IP_TRANSPARENT, 1)
    return opened


def report_icmp_errors(opened):
    """Keeps ICMP errors with their type and code. Connected TCP sockets do so while connecting, since Linux 5.8."""
    if opened.family == socket.AF_INET6:
        opened.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
    else:
        opened.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)


def read_icmp_error(opened):
    """(type, code, start of the packet that caused it), or None if no ICMP error waits."""
    try:
        packet, control, _, _ = opened.recvmsg(256, 256, socket.MSG_ERRQUEUE)
    except OSError:
        return None
    for _, _, data in control:
        _, origin, icmp_type, code = struct.unpack_from("=IBBB", data)
        if origin in ICMP_ORIGINS:
            return icmp_type, code, packet
    return None


def read_original_destination(control):
    """(address, port) that a datagram handed over by tproxy was sent to, or None."""
    for level, kind, data in control:
        if (level, kind) == (socket.IPPROTO_IP, IP_RECVORIGDSTADDR):
            return socket.inet_ntop(socket.AF_INET, data[4:8]), struct.unpack_from("!H", data, 2)[0]
        if (level, kind) == (socket.IPPROTO_IPV6, IPV6_RECVORIGDSTADDR):
            return socket.inet_ntop(socket.AF_INET6, data[8:24]), struct.unpack_from("!H", data, 2)[0]
    return None


def text_of(address, port):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
