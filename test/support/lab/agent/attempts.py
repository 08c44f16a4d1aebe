"""One connection each: begins, and knows its result once an answer or an error arrived.

A result is {"at", "saw", "from"} (reached address, source seen there, source used here), {"icmp": [type, code]},
{"reset": true}, {"silent": true} or {"error": text}.
"""

import itertools
import json
import random
import socket

from sctp import INIT_ACK, build_init, parse_packet
from servers import IPV4_HEADER_WORD
from sockets import open_socket, read_icmp_error, report_icmp_errors, text_of

# Each connection has a source port of its own: where two of one client meet at one endpoint by different ways, the kernel
# would change the port of the second, and that looks like masquerading.
SOURCE_PORTS = itertools.cycle(random.sample(range(20000, 60000), 40000))


def new_attempt(spec):
    """The attempt that a specification {protocol, source, address, port, mark, patience} describes."""
    return {"tcp": TcpAttempt, "udp": UdpAttempt, "sctp": SctpAttempt}[spec["protocol"]](spec)


class Attempt:
    def __init__(self, spec):
        self.spec, self.patience = spec, spec["patience"]
        self.destination = (spec["address"], spec["port"])
        self.socket = open_socket(spec["protocol"], spec["address"])
        report_icmp_errors(self.socket)
        if spec["mark"]:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, spec["mark"])

    def begin(self):
        """Sends the first packet. Returns a result only if that is impossible."""
        try:
            self.bind()
            self.connect()
        except (BlockingIOError, PermissionError, ConnectionRefusedError):
            # EPERM says that the output hook refused the packet: as ICMP, which follows, or in silence. ECONNREFUSED
            # is that ICMP error.
            return None
        except OSError as error:
            return {"error": str(error)}
        return None

    def bind(self):
        self.socket.bind((self.spec["source"], next(SOURCE_PORTS)))

    def receive(self):
        """The result, or None if it is still open."""
        error = read_icmp_error(self.socket)
        if error:
            return {"icmp": error[:2]}
        try:
            data = self.socket.recv(2048)
        except BlockingIOError:
            return None
        except (ConnectionRefusedError, ConnectionResetError):
            return {"reset": True}
        except OSError as failure:
            return {"error": str(failure)}
        return self.reached(data, self.socket.getsockname()) if data else {"reset": True}

    @staticmethod
    def reached(data, source):
        return {**json.loads(data), "from": text_of(*source[:2])}


class TcpAttempt(Attempt):
    def connect(self):
        self.socket.connect(self.destination)


class UdpAttempt(Attempt):
    def connect(self):
        self.socket.connect(self.destination)
        self.socket.send(b"?")


class SctpAttempt(Attempt):
    def bind(self):
        self.socket.bind((self.spec["source"], 0))

    def connect(self):
        self.source_port, self.tag = next(SOURCE_PORTS), random.randrange(1, 1 << 32)
        self.socket.connect((self.spec["address"], 0))
        self.socket.send(build_init(self.source_port, self.spec["port"], self.tag))

    def receive(self):
        # A raw socket sees what belongs to all the attempts between two addresses.
        while error := read_icmp_error(self.socket):
            icmp_type, code, packet = error
            if int.from_bytes(packet[:2], "big") == self.source_port:
                return {"icmp": [icmp_type, code]}
        while True:
            try:
                packet = self.socket.recv(2048)
            except BlockingIOError:
                return None
            except OSError:
                continue
            result = self.match(packet)
            if result:
                return result

    def match(self, packet):
        parsed = parse_packet(packet[(packet[0] & 15) * IPV4_HEADER_WORD :] if self.is_ipv4() else packet)
        expected = (self.spec["port"], self.source_port, self.tag, INIT_ACK)
        if not parsed or parsed[:4] != expected:
            return None
        return self.reached(parsed[5], (self.spec["source"], self.source_port))

    def is_ipv4(self):
        return self.socket.family == socket.AF_INET
