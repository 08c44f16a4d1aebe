#!/usr/bin/env python3
"""watch-commits.py events|poll: prints a line for each ruleset that nftables puts in force in this network namespace: when, in
milliseconds of the monotonic clock. With `events`, as the kernel tells; with `poll`, to 5 ms: nobody listens then, so a
transaction does not have to tell of each of its elements."""

import errno
import socket
import struct
import sys
import time

NETLINK_NETFILTER, NFNLGRP_NFTABLES = 12, 7
SUBSYSTEM, NEWGEN, GETGEN = 10, 15, 16
HEADER = struct.Struct("=IHHII")


def messages(data):
    """Yields the kind of each message, and what it holds after the header of nfnetlink."""
    while len(data) >= HEADER.size:
        length, kind, *_ = HEADER.unpack_from(data)
        yield kind, data[HEADER.size + 4 : length]
        data = data[(length + 3) & ~3 :]


def say():
    print(f"{time.monotonic() * 1000:.3f}", flush=True)


def listen(netlink):
    netlink.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
    netlink.bind((0, 1 << (NFNLGRP_NFTABLES - 1)))
    while True:
        try:
            data = netlink.recv(1 << 20)
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            continue
        if any(kind == SUBSYSTEM << 8 | NEWGEN for kind, _ in messages(data)):
            say()


def poll(netlink):
    request = HEADER.pack(20, SUBSYSTEM << 8 | GETGEN, 1, 1, 0) + b"\0\0\0\0"
    last = None
    while True:
        netlink.send(request)
        # The number of the generation comes first.
        generation = next(held[:8] for _, held in messages(netlink.recv(4096)))
        if last not in (None, generation):
            say()
        last = generation
        time.sleep(0.005)


netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
if sys.argv[1] == "poll":
    netlink.connect((0, 0))
    poll(netlink)
else:
    listen(netlink)
