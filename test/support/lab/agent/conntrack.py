"""Empties the connection table of this namespace, as `conntrack -F` does, which may not be installed."""

import os
import socket
import struct

NETLINK_NETFILTER = 12
NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_DELETE = 1, 2
NLM_F_REQUEST, NLM_F_ACK = 1, 4
HEADER, GENERIC = struct.Struct("=IHHII"), struct.Struct("!BBH")


def flush_connections():
    """Throws an OSError with the kernel's reason if it refuses."""
    kind = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE
    # Without a tuple, of any family: all connections.
    body = GENERIC.pack(socket.AF_UNSPEC, 0, 0)
    header = HEADER.pack(HEADER.size + len(body), kind, NLM_F_REQUEST | NLM_F_ACK, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as channel:
        channel.send(header + body)
        (error,) = struct.unpack_from("=i", channel.recv(4096), HEADER.size)
    if error:
        raise OSError(-error, f"the connections cannot be forgotten: {os.strerror(-error)}")
