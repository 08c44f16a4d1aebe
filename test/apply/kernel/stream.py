"""Connections that never pause, each waiting for the answer to one packet before it sends the next.

Started inside the world's network namespace; the endpoints' own servers are here as well. The first line read is the list
of lanes {kind, source, address, port}; every further line is a number N and is answered, once each lane has had N results
since the answer before, with a list of {"answers": [[endpoint, count], ...], "losses": [text, ...]}: endpoints in the
order in which they answered. What one answer counts was sent after the answer before.
"""

import itertools
import json
import pathlib
import random
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "support/lab/agent"))
from loop import Loop  # noqa: E402
from servers import answer_to, serve_udp  # noqa: E402
from sockets import ALL_ADDRESSES, open_socket  # noqa: E402

PAUSE_SECONDS, PATIENCE_SECONDS = 0.004, 2
SOURCE_PORTS = itertools.cycle(random.sample(range(20000, 60000), 40000))
# Where nft hands over what is for the endpoints.
SERVER_PORT = 8
# Offsets in struct tcp_info.
TOTAL_RETRANSMISSIONS, DUPLICATES_REPORTED = 100, 216


def main():
    start_servers()
    lanes = [Lane(KINDS[spec.pop("kind")](**spec)) for spec in json.loads(sys.stdin.readline())]
    for line in sys.stdin:
        print(json.dumps([lane.report(int(line)) for lane in lanes]), flush=True)


class Lane:
    def __init__(self, client):
        self.client, self.lock, self.results = client, threading.Lock(), []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            with self.lock:
                try:
                    self.results.append(("at", self.client.exchange()))
                except OSError as error:
                    self.results.append(("lost", f"{type(error).__name__}: {error}"))
            time.sleep(PAUSE_SECONDS)

    def report(self, at_least):
        while len(self.results) < at_least:
            time.sleep(PAUSE_SECONDS)
        with self.lock:
            results, self.results = self.results, []
        answers = [text for what, text in results if what == "at"]
        losses = [text for what, text in results if what == "lost"]
        return {"answers": len(answers), "endpoints": sorted(set(answers)), "losses": losses}


class Client:
    def __init__(self, source, address, port):
        self.source, self.destination, self.open = source, (address, port), None

    def connect(self, protocol):
        opened = open_socket(protocol, self.source)
        opened.settimeout(PATIENCE_SECONDS)
        opened.bind((self.source, next(SOURCE_PORTS)))
        opened.connect(self.destination)
        return opened

    @staticmethod
    def ask(opened):
        opened.send(b"?\n")
        return json.loads(opened.recv(2048))["at"]


class UdpFlow(Client):
    def exchange(self):
        self.open = self.open or self.connect("udp")
        return self.ask(self.open)


class NewUdp(Client):
    def exchange(self):
        with self.connect("udp") as opened:
            return self.ask(opened)


class TcpFlow(Client):
    def exchange(self):
        self.open = self.open or self.connect("tcp")
        at = self.ask(self.open)
        refuse_retransmissions(self.open)
        return at


class NewTcp(Client):
    def exchange(self):
        with self.connect("tcp") as opened:
            at = self.ask(opened)
            refuse_retransmissions(opened)
            return at


KINDS = {"udp flow": UdpFlow, "new udp": NewUdp, "tcp flow": TcpFlow, "new tcp": NewTcp}


def refuse_retransmissions(opened):
    """Fails when a packet had to be sent twice, and the first one had not come late (RFC 2883)."""
    info = opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    (sent_again,) = struct.unpack_from("=I", info, TOTAL_RETRANSMISSIONS)
    duplicates = struct.unpack_from("=I", info, DUPLICATES_REPORTED)[0] if len(info) >= DUPLICATES_REPORTED + 4 else 0
    if sent_again > duplicates:
        raise OSError(f"{sent_again - duplicates} packets had to be sent again")


def start_servers():
    loop = Loop()
    for address in ALL_ADDRESSES:
        serve_udp(loop, address, SERVER_PORT)
        threading.Thread(target=serve_tcp, args=(listen(address),), daemon=True).start()
    threading.Thread(target=turn_forever, args=(loop,), daemon=True).start()


def turn_forever(loop):
    while True:
        loop.turn(None)


def listen(address):
    server = open_socket("tcp", address)
    server.settimeout(None)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((address, SERVER_PORT))
    server.listen()
    return server


def serve_tcp(server):
    while True:
        connection, peer = server.accept()
        threading.Thread(target=answer_lines, args=(connection, peer), daemon=True).start()


def answer_lines(connection, peer):
    with connection:
        connection.settimeout(None)
        while connection.recv(2048):
            connection.send(answer_to(connection.getsockname()[:2], peer[:2]))


main()
