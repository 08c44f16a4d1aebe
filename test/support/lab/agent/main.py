"""Opens connections, and answers them, inside a network namespace of its own.

Reads one JSON request per line from standard input and writes one JSON answer per line to standard output. The first
line written says {"pid": N}, or {"unavailable": reason}. The namespace has no name, so that it disappears with the
process however that ends; the process ends with its input.
"""

import ctypes
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import time

from conntrack import flush_connections
from loop import Loop
from nft import Nft
from probes import Probes
from servers import serve_sctp, serve_tcp, serve_udp
from sockets import ALL_ADDRESSES

CLONE_NEWNET = 0x40000000
RTF_LOCAL = 0x80000000


def main():
    problem = enter_new_namespace()
    if problem:
        answer({"unavailable": problem})
        return
    raise_file_limit()
    answer({"pid": os.getpid()})
    loop = Loop()
    probes = Probes(loop, answer)
    requests = Requests(loop, probes, Nft())
    while not requests.ended:
        seconds_quiet = loop.turn(probes.seconds_left())
        if seconds_quiet > 0:
            probes.expire(seconds_quiet)


class Requests:
    """Takes whole lines from standard input, which comes in pieces of any size."""

    def __init__(self, loop, probes, nft):
        self.loop, self.probes, self.nft, self.ended, self.pending = loop, probes, nft, False, b""
        self.endpoints = []
        loop.watch(sys.stdin.fileno(), self.read)

    def read(self):
        piece = os.read(sys.stdin.fileno(), 1 << 20)
        self.ended = not piece
        *lines, self.pending = (self.pending + piece).split(b"\n")
        for line in lines:
            self.handle(json.loads(line))

    def handle(self, request):
        try:
            if request["do"] == "probe":
                self.probes.begin(request["attempts"], request["atOnce"])
            elif request["do"] == "nft":
                answer({"nft": self.nft.run(request["commands"])})
            elif request["do"] == "await":
                answer(await_addresses(request["addresses"]))
            elif request["do"] == "configure":
                answer(configure(request["sysctls"]))
            elif request["do"] == "run":
                answer(run(request["command"], request["input"]))
            elif request["do"] == "intercept":
                answer(intercept(self.loop, request["port"]))
            elif request["do"] == "serve":
                self.close_endpoints()
                self.endpoints = list(serve(self.loop, request["endpoints"]))
                answer({})
            elif request["do"] == "forget":
                flush_connections()
                answer({})
        except OSError as error:
            answer({"error": str(error)})


    def close_endpoints(self):
        for server in self.endpoints:
            self.loop.forget(server)
            server.close()


def enter_new_namespace():
    os.environ["PATH"] = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    for program in ("ip", "nft"):
        if not shutil.which(program):
            return f"{program} is not installed"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET):
        return f"a network namespace cannot be made: {os.strerror(ctypes.get_errno())}"
    return None


def raise_file_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def configure(sysctls):
    """Writes kernel settings; those that this kernel does not have are left out and named in the answer."""
    absent = []
    for name, value in sysctls.items():
        try:
            with open(f"/proc/sys/{name}", "w", encoding="ascii") as setting:
                setting.write(value)
        except FileNotFoundError:
            absent.append(name)
    return {"absent": absent}


def await_addresses(addresses):
    """Waits until the node takes packets to its IPv6 addresses: the kernel adds their local routes in its own time."""
    missing = {socket.inet_pton(socket.AF_INET6, address).hex() for address in addresses}
    deadline = time.monotonic() + 30
    while missing:
        with open("/proc/net/ipv6_route", encoding="ascii") as routes:
            # Destination, length of its prefix, ..., flags, interface.
            fields = [line.split() for line in routes]
        missing -= {route[0] for route in fields if route[1] == "80" and int(route[8], 16) & RTF_LOCAL}
        if time.monotonic() > deadline:
            return {"error": f"addresses of the node are not in use after 30 s: {missing}"}
        time.sleep(0.001)
    return {}


def run(command, text):
    done = subprocess.run(command, input=text, text=True, capture_output=True, check=False)
    return {} if done.returncode == 0 else {"error": f"{' '.join(command)}: {done.stderr.strip()}"}


def intercept(loop, port):
    """Answers at every SCTP port, and (0 = not) at what tproxy hands to one port."""
    for address in ALL_ADDRESSES:
        serve_sctp(loop, address)
        if port:
            serve_tcp(loop, address, port)
            serve_udp(loop, address, port)
    return {}


def serve(loop, endpoints):
    """Answers at these endpoints. Returns their sockets."""
    for endpoint in endpoints:
        if endpoint["protocol"] != "sctp":
            serve_one = serve_tcp if endpoint["protocol"] == "tcp" else serve_udp
            yield serve_one(loop, endpoint["address"], endpoint["port"])


def answer(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


main()
