"""Times packets of pods through the rules of several network namespaces, which take turns.

stdin: {"family": "IPv4" or "IPv6", "rounds": N, "cases": [{"namespace": PATH, "kind": KIND, "targets": [IP, ...],
        "port": N, "endpoints": {IP: [ENDPOINT, ...]}}]}
    `targets` are the addresses that packets are sent to; `endpoints` is where a packet to some of them may go, each as
    [IP, PORT], and is checked before anything is timed.
    KIND: `cold` is the first packet of a connection to another target each time, in an order that no cache foresees;
    `used` to one of ten targets; `established` a later packet of one of 200 connections.
stdout: for each case {"p10": ..., "p50": ..., "p90": ...} in microseconds.

A packet is written to a TUN device and passes conntrack, prerouting, routing, the filter chains and postrouting, until it
is back at the device. Nothing is timed but that one system call. After 100 packets it is the next namespace's turn, and the
first one's again with each round; conntrack is flushed in between where connections are new.
"""

import ctypes
import fcntl
import gc
import ipaddress
import json
import os
import random
import select
import socket
import struct
import subprocess
import sys
import time

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TUN_NO_PI = 0x1001
NETLINK_NETFILTER = 12
# nfnetlink: IPCTNL_MSG_CT_DELETE of all families without a tuple, to be acknowledged.
FLUSH_CONNTRACK = struct.pack("=IHHIIBBH", 20, 0x102, 0x5, 1, 0, socket.AF_UNSPEC, 0, 0)
BATCH = 100
WARM_UP = 10
FLOWS = 200
SYN, ACK, PSH = 2, 16, 8


class Case:
    """A namespace and the packets that are sent in it. Descriptors stay in the namespace where they were opened."""

    def __init__(self, case, family, rounds):
        self.family, self.kind, self.targets, self.port = family, case["kind"], case["targets"], case["port"]
        self.times = []
        # The same packets for all cases.
        self.random = random.Random(1)
        namespace = os.open(case["namespace"], os.O_RDONLY)
        if ctypes.CDLL(None).setns(namespace, CLONE_NEWNET) != 0:
            sys.exit("setns failed")
        os.close(namespace)
        self.tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self.tun, TUNSETIFF, struct.pack("16sH", b"pods", IFF_TUN_NO_PI))
        for name in ("all", "default", "pods"):
            write(f"/proc/sys/net/ipv4/conf/{name}/rp_filter", "0")
            # Packets leave through the device by which they came, which would cost each new client a redirect.
            write(f"/proc/sys/net/ipv4/conf/{name}/send_redirects", "0")
            write(f"/proc/sys/net/ipv6/conf/{name}/forwarding", "1")
        write("/proc/sys/net/ipv4/ip_forward", "1")
        write("/proc/sys/net/ipv6/conf/pods/accept_dad", "0")
        run("ip link set pods up txqueuelen 100000")
        # Without a gateway, IPv6 would keep a neighbor for each destination.
        run("ip route add default dev pods" if family == "IPv4" else "ip -6 route add default via fe80::1 dev pods onlink")
        self.conntrack = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        for target, endpoints in case["endpoints"].items():
            self.check(target, {(str(ipaddress.ip_address(address)), port) for address, port in endpoints})
        self.flush()
        if self.kind == "established":
            # Data of a connection need not fit its window.
            write("/proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal", "1")
            packets = [self.connect() for _ in range(FLOWS)]
            self.packets = [packets[i % FLOWS] for i in range(rounds * BATCH)]
        else:
            some = self.targets if self.kind == "cold" else self.random.sample(self.targets, min(10, len(self.targets)))
            self.packets = [self.syn(self.random.choice(some)) for _ in range(rounds * BATCH)]
        self.drain()

    def client(self):
        host = self.random.randrange(1, 60000)
        return f"10.250.{host >> 8}.{host & 255}" if self.family == "IPv4" else f"fd00:10:128:250::{host:x}"

    def syn(self, target):
        return build(self.client(), target, self.random.randrange(1024, 65535), self.port, 1000, 0, SYN)

    def connect(self):
        """Opens a connection through the rules; returns a packet of data."""
        source, port, target = self.client(), self.random.randrange(1024, 65535), self.random.choice(self.targets)
        os.write(self.tun, build(source, target, port, self.port, 1000, 0, SYN))
        endpoint, endpoint_port = self.receive()
        os.write(self.tun, build(endpoint, source, endpoint_port, port, 5000, 1001, SYN | ACK))
        self.receive()
        os.write(self.tun, build(source, target, port, self.port, 1001, 5001, ACK))
        self.receive()
        return build(source, target, port, self.port, 1001, 5001, ACK | PSH, b"x" * 64)

    def receive(self):
        """The destination of the next TCP packet, address and port."""
        while select.select([self.tun], [], [], 2)[0]:
            packet = os.read(self.tun, 2048)
            if packet[0] >> 4 == 4 and packet[9] == 6:
                return str(ipaddress.ip_address(packet[16:20])), struct.unpack("!H", packet[22:24])[0]
            if packet[0] >> 4 == 6 and packet[6] == 6:
                return str(ipaddress.ip_address(packet[24:40])), struct.unpack("!H", packet[42:44])[0]
        sys.exit("a packet is lost")

    def check(self, target, expected):
        """Rules that translate wrongly are not worth timing."""
        self.drain()
        seen = set()
        for _ in range(100 * len(expected)):
            os.write(self.tun, self.syn(target))
            seen.add(self.receive())
        if seen != expected:
            sys.exit(f"packets to {target} went to {sorted(seen)} instead of {sorted(expected)}")

    def drain(self):
        try:
            while True:
                os.read(self.tun, 2048)
        except BlockingIOError:
            pass

    def flush(self):
        self.conntrack.send(FLUSH_CONNTRACK)
        if struct.unpack_from("=i", self.conntrack.recv(4096), 16)[0] != 0:
            sys.exit("conntrack refuses to be flushed")

    def turn(self, number):
        if self.kind != "established":
            self.flush()
        clock, tun, write_packet = time.perf_counter_ns, self.tun, os.write
        times = []
        for packet in self.packets[number * BATCH : (number + 1) * BATCH]:
            start = clock()
            write_packet(tun, packet)
            times.append(clock() - start)
        self.drain()
        if number >= WARM_UP:
            self.times.extend(times)

    def result(self):
        times = sorted(self.times)
        return {f"p{percent}": times[len(times) * percent // 100] / 1000 for percent in (10, 50, 90)}


def build(source, destination, port, destination_port, sequence, acknowledged, flags, body=b""):
    """A TCP packet: conntrack does not track one with a wrong checksum."""
    s, d = ipaddress.ip_address(source).packed, ipaddress.ip_address(destination).packed
    tcp = struct.pack("!HHIIBBHHH", port, destination_port, sequence, acknowledged, 0x50, flags, 65535, 0, 0) + body
    tail = struct.pack("!BBH", 0, 6, len(tcp)) if len(s) == 4 else struct.pack("!II", len(tcp), 6)
    tcp = tcp[:16] + struct.pack("!H", checksum(s + d + tail + tcp)) + tcp[18:]
    if len(s) == 16:
        return struct.pack("!IHBB", 6 << 28, len(tcp), 6, 64) + s + d + tcp
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0) + s + d
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + tcp


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def run(command):
    subprocess.run(command.split(), check=True)


def write(file, text):
    # /proc shows the namespace of whoever opens it.
    with open(file, "w", encoding="ascii") as opened:
        opened.write(text)


def main():
    task = json.load(sys.stdin)
    rounds = task["rounds"]
    cases = [Case(case, task["family"], rounds) for case in task["cases"]]
    gc.disable()
    for number in range(rounds):
        first = number % len(cases)
        for case in cases[first:] + cases[:first]:
            case.turn(number)
    json.dump([case.result() for case in cases], sys.stdout)


main()
