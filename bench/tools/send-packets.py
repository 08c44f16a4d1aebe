"""Times the first packets of connections in several network namespaces, in turn.

stdin: {"rounds": N, "cases": [{"namespace": PATH, "services": N, "endpoints": N}]}
    `services` is how many cluster IPs the namespace's rules know: 10.96.0.0 and on, port 80. `endpoints` is how many
    each has: 10.128.0.0 and on, port 8080; 0 if the rules translate all to 10.128.0.0, null if they translate nothing.
stdout: {"packet": {"same": [...], "other": [...]}, "connect": {"same": [...], "other": [...]}}
    Medians in microseconds, for each case: of sending a TCP SYN through a raw socket, and of `connect`; always to the
    same Service, and to another Service each time.

The packets come from an address of the pods and a source port of their own. They pass conntrack, the output hook,
routing, the filter chains and postrouting, and end at an interface without carrier. Nothing is timed but one system
call for each packet; conntrack is flushed between rounds.
"""

import ctypes
import gc
import json
import os
import socket
import statistics
import struct
import subprocess
import sys
import time

CLONE_NEWNET = 0x40000000
NETLINK_NETFILTER = 12
# nfnetlink: IPCTNL_MSG_CT_DELETE without a tuple, to be acknowledged.
FLUSH_CONNTRACK = struct.pack("=IHHIIBBH", 20, 0x102, 0x5, 1, 0, socket.AF_INET, 0, 0)
POD = "10.255.0.1"
FIRST_SERVICE = 0x0A600000
FIRST_ENDPOINT = 0x0A800000
PACKETS = 100


class Case:
    """A namespace, and what is needed to send from it. Sockets stay in the namespace where they were made."""

    def __init__(self, namespace, services, endpoints):
        self.namespace = os.open(namespace, os.O_RDONLY)
        self.enter()
        ip("link add out type veth peer name in")
        ip(f"address add {POD}/32 dev out")
        ip("link set out arp off up")
        ip("route add default dev out")
        self.raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.conntrack = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        self.targets = {
            "same": [services // 2] * PACKETS,
            # In an order that no cache foresees.
            "other": [index * 7919 % services for index in range(PACKETS)],
        }
        self.check(services // 2, endpoints)

    def enter(self):
        if ctypes.CDLL(None).setns(self.namespace, CLONE_NEWNET) != 0:
            sys.exit("setns failed")

    def flush(self):
        self.conntrack.send(FLUSH_CONNTRACK)
        if struct.unpack_from("=i", self.conntrack.recv(4096), 16)[0] != 0:
            sys.exit("conntrack refuses to be flushed")

    def time_packets(self, which):
        """Microseconds of each."""
        packets = [build_packet(service, port) for port, service in enumerate(self.targets[which], 20000)]
        return [time_call(self.raw.sendto, *packet) for packet in packets]

    def time_connects(self, which):
        """The same."""
        self.enter()
        times = []
        for port, service in enumerate(self.targets[which], 20000):
            with socket.socket() as client:
                client.setblocking(False)
                client.bind((POD, port))
                times.append(time_call(client.connect_ex, (address(service), 80)))
        return times

    def check(self, service, endpoints):
        """Rules that translate wrongly are not worth timing."""
        ip("link set in up")
        seen = self.capture(service)
        ip("link set in down")
        first = FIRST_ENDPOINT + service * (endpoints or 0)
        expected = {(first + index, 8080) for index in range(endpoints or 1)}
        if endpoints is None:
            expected = {(FIRST_SERVICE + service, 80)}
        if seen != expected:
            sys.exit(f"packets to Service {service} went to {sorted(seen)} instead of {sorted(expected)}")

    def capture(self, service):
        """Where at least 500 packets went, address and port. The carrier comes up some time after the interface."""
        seen = []
        end = time.monotonic() + 10
        with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0) as tap:
            tap.settimeout(0.05)
            tap.bind(("in", 0x0800))
            while len(seen) < 500 and time.monotonic() < end:
                for port in range(PACKETS):
                    self.raw.sendto(*build_packet(service, 10000 + len(seen) + port))
                try:
                    while True:
                        seen.append(struct.unpack_from("!I2xH", tap.recv(100), 16))
                except TimeoutError:
                    pass
        return set(seen)


def ip(command):
    subprocess.run(["ip", *command.split()], check=True)


def address(service):
    return socket.inet_ntoa(struct.pack("!I", FIRST_SERVICE + service))


def build_packet(service, port):
    """Arguments for `sendto`."""
    source = socket.inet_aton(POD)
    head = struct.pack("!BBHHHBBH4sI", 0x45, 0, 40, 0, 0, 64, 6, 0, source, FIRST_SERVICE + service)
    return head + struct.pack("!HHIIBBHHH", port, 80, 1, 0, 0x50, 0x02, 65535, 0, 0), (address(service), 0)


def time_call(function, *arguments):
    start = time.perf_counter_ns()
    function(*arguments)
    return (time.perf_counter_ns() - start) / 1000


def measure(cases, rounds, time_some):
    """The median of each case; the cases take turns."""
    times = [[] for _ in cases]
    for _ in range(rounds):
        for case, some in zip(cases, times):
            case.flush()
            some.extend(time_some(case))
    return [statistics.median(some) for some in times]


def main():
    task = json.load(sys.stdin)
    cases = [Case(**case) for case in task["cases"]]
    # The carriers go down some time after their interfaces.
    time.sleep(2)
    gc.disable()
    result = {
        name: {
            which: measure(cases, task["rounds"], lambda case: time_some(case, which)) for which in ("same", "other")
        }
        for name, time_some in (("packet", Case.time_packets), ("connect", Case.time_connects))
    }
    json.dump(result, sys.stdout)


main()
