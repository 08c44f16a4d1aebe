"""SCTP's first two packets by hand (RFC 9260): kernels are often built without SCTP sockets."""

import struct

INIT, INIT_ACK = 1, 2
STATE_COOKIE = 7
HEADER, CHUNK, INIT_BODY = struct.Struct("!HHII"), struct.Struct("!BBH"), struct.Struct("!IIHHI")


def build_init(source_port, port, tag):
    return build_packet(source_port, port, 0, INIT, tag, b"")


def build_init_ack(source_port, port, tag, cookie):
    """The answer to an INIT with that tag. conntrack takes it for a reply only if it repeats the tag."""
    parameter = CHUNK.pack(STATE_COOKIE >> 8, STATE_COOKIE, 4 + len(cookie)) + cookie
    return build_packet(source_port, port, tag, INIT_ACK, tag, parameter)


def parse_packet(packet):
    """(source port, port, verification tag, kind of chunk, tag in it, cookie), or None for anything but INIT, INIT ACK."""
    start = HEADER.size + CHUNK.size
    if len(packet) < start + INIT_BODY.size:
        return None
    source_port, port, verification_tag, _ = HEADER.unpack_from(packet)
    kind, _, length = CHUNK.unpack_from(packet, HEADER.size)
    if kind not in (INIT, INIT_ACK):
        return None
    tag = INIT_BODY.unpack_from(packet, start)[0]
    cookie = packet[start + INIT_BODY.size + CHUNK.size : HEADER.size + length]
    return source_port, port, verification_tag, kind, tag, cookie


def build_packet(source_port, port, verification_tag, kind, tag, parameter):
    body = INIT_BODY.pack(tag, 65535, 1, 1, tag) + parameter
    chunk = CHUNK.pack(kind, 0, CHUNK.size + len(body)) + body
    chunk += bytes(-len(chunk) % 4)
    ports = struct.pack("!HHI", source_port, port, verification_tag)
    # conntrack takes a packet with a wrong checksum for invalid.
    return ports + struct.pack("<I", crc32c(ports + bytes(4) + chunk)) + chunk


def build_crc_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


CRC_TABLE = build_crc_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF
