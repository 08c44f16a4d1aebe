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
import subprocess
import sys

from loop import Loop
from probes import Probes
from servers import serve_sctp, serve_tcp, serve_udp
from sockets import ALL_ADDRESSES

CLONE_NEWNET = 0x40000000


def main():
    problem = enter_new_namespace()
    if problem:
        answer({"unavailable": problem})
        return
    raise_file_limit()
    answer({"pid": os.getpid()})
    loop = Loop()
    probes = Probes(loop, answer)
    requests = Requests(loop, probes)
    while not requests.ended:
        seconds_quiet = loop.turn(probes.seconds_left())
        if seconds_quiet > 0:
            probes.expire(seconds_quiet)


class Requests:
    """Takes whole lines from standard input, which comes in pieces of any size."""

    def __init__(self, loop, probes):
        self.loop, self.probes, self.ended, self.pending = loop, probes, False, b""
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
            elif request["do"] == "configure":
                answer(configure(request["sysctls"]))
            elif request["do"] == "run":
                answer(run(request["command"], request["input"]))
            elif request["do"] == "serve":
                answer(serve(self.loop, request["endpoints"], request["interceptedPort"]))
        except OSError as error:
            answer({"error": str(error)})


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


def run(command, text):
    done = subprocess.run(command, input=text, text=True, capture_output=True, check=False)
    return {} if done.returncode == 0 else {"error": f"{' '.join(command)}: {done.stderr.strip()}"}


def serve(loop, endpoints, intercepted_port):
    """Answers at the endpoints given, at every SCTP port, and (0 = not) at what tproxy hands to one port."""
    for endpoint in endpoints:
        if endpoint["protocol"] != "sctp":
            serve_one = serve_tcp if endpoint["protocol"] == "tcp" else serve_udp
            serve_one(loop, endpoint["address"], endpoint["port"])
    for address in ALL_ADDRESSES:
        serve_sctp(loop, address)
        if intercepted_port:
            serve_tcp(loop, address, intercepted_port)
            serve_udp(loop, address, intercepted_port)
    return {}


def answer(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


main()
