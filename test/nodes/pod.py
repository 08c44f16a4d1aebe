"""A Pod in the network namespace that it was started in: a server that answers each line with its name.

Arguments: name, port, seconds that it goes on to serve after SIGTERM, as Pods do whose container has a preStop hook. Prints "ready"
once it listens. After those seconds it takes no more connections, answers those that it has, and ends.
"""

import signal
import socket
import sys
import threading
import time

NAME, PORT, GRACE = sys.argv[1].encode() + b"\n", int(sys.argv[2]), float(sys.argv[3])
# What a request takes, so that some are always under way.
WORK_SECONDS = 0.01


def main():
    # IPv4 arrives here, too.
    server = socket.create_server(("::", PORT), family=socket.AF_INET6, dualstack_ipv6=True, backlog=1024)
    signal.signal(signal.SIGTERM, lambda *_: threading.Timer(GRACE, server.shutdown, [socket.SHUT_RDWR]).start())
    print("ready", flush=True)
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            break
        threading.Thread(target=serve, args=(connection,)).start()


def serve(connection):
    with connection:
        while connection.recv(2048):
            time.sleep(WORK_SECONDS)
            connection.sendall(NAME)


main()
