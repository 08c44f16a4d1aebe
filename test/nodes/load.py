"""Clients in a network namespace, each of which sends one request after the other over a new connection.

The first line read is the list of clients {"targets": [[address, port, health port or null], ...], "source": address or null}. A client takes the targets in
turn. One with health ports leaves out those whose health check did not answer 200 when it was last asked, every PROBE_SECONDS, as a load balancer
does. Every further line is answered with what each client saw since the line before: {"requests": N, "failures": [text, ...], "answers": {name: count},
"resent": N}, the last for requests of which a packet was sent twice, as the first one was lost.
"""

import itertools
import json
import socket
import struct
import sys
import threading
import time

PAUSE_SECONDS, PATIENCE_SECONDS, PROBE_SECONDS = 0.005, 10, 0.1
# Its offset in struct tcp_info.
TOTAL_RETRANSMISSIONS = 100


def main():
    clients = [Client(**spec) for spec in json.loads(sys.stdin.readline())]
    for _ in sys.stdin:
        print(json.dumps([client.report() for client in clients]), flush=True)


class Client:
    def __init__(self, targets, source):
        self.source, self.lock = source, threading.Lock()
        self.targets = [Target(*target) for target in targets]
        self.clear()
        threading.Thread(target=self.run, daemon=True).start()

    def clear(self):
        self.requests, self.failures, self.answers, self.resent = 0, [], {}, 0

    def run(self):
        for target in itertools.cycle(self.targets):
            if not target.healthy:
                time.sleep(PAUSE_SECONDS)
                continue
            try:
                seen = self.ask(target.place)
            except OSError as error:
                seen = f"{target.place[0]}: {type(error).__name__}: {error}"
            with self.lock:
                self.count(seen)
            time.sleep(PAUSE_SECONDS)

    def ask(self, place):
        with socket.create_connection(place, PATIENCE_SECONDS, (self.source, 0) if self.source else None) as connection:
            connection.sendall(b"?\n")
            answer = connection.recv(2048)
            info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        if not answer:
            raise OSError("closed without an answer")
        return answer.decode().strip(), struct.unpack_from("=I", info, TOTAL_RETRANSMISSIONS)[0]

    def count(self, seen):
        self.requests += 1
        if isinstance(seen, str):
            self.failures.append(seen)
        else:
            name, retransmissions = seen
            self.answers[name] = self.answers.get(name, 0) + 1
            self.resent += retransmissions > 0

    def report(self):
        with self.lock:
            report = {"requests": self.requests, "failures": self.failures, "answers": self.answers, "resent": self.resent}
            self.clear()
        return report


class Target:
    def __init__(self, address, port, health_port):
        self.place, self.health_port = (address, port), health_port
        self.healthy = health_port is None
        if health_port is not None:
            threading.Thread(target=self.probe, daemon=True).start()

    def probe(self):
        while True:
            self.healthy = self.is_healthy()
            time.sleep(PROBE_SECONDS)

    def is_healthy(self):
        try:
            with socket.create_connection((self.place[0], self.health_port), 1) as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n")
                return connection.recv(64).startswith(b"HTTP/1.1 200 ")
        except OSError:
            return False


main()
