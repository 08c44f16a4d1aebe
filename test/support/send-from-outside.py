"""Prints which of some UDP packets reach a socket at 127.0.0.1: arguments are their sources, each followed by the interface at which
it arrives, the peer of a veth, or lo for one that is sent by this node."""
import fcntl
import socket
import struct
import sys

PORT = 7777
SIOCGIFHWADDR = 0x8927


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip_packet(source):
    payload = struct.pack("!HHHH", 4000, PORT, 8 + len(source), 0) + source.encode()
    addresses = socket.inet_aton(source) + socket.inet_aton("127.0.0.1")
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, 64, 17, 0) + addresses
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def hardware_address(name):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("256s", name.encode())
        return fcntl.ioctl(any_socket, SIOCGIFHWADDR, request)[18:24]


receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
receiver.bind(("127.0.0.1", PORT))
receiver.settimeout(0.5)
for source, interface in zip(sys.argv[1::2], sys.argv[2::2]):
    if interface == "lo":
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sender.bind((source, 0))
        sender.sendto(source.encode(), ("127.0.0.1", PORT))
    else:
        frame = hardware_address(interface) + b"\2\0\0\0\0\1" + b"\x08\x00"
        sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        sender.bind((f"{interface}-peer", 0))
        sender.send(frame + ip_packet(source))
    try:
        print(source, "received" if receiver.recv(100).decode() == source else "other")
    except TimeoutError:
        print(source, "dropped")
