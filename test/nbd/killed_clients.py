"""Clients that vanish after any number of bytes: in the handshake, in requests, in data, with replies unread. Nothing may be left of them."""
import json
import socket
import struct
import sys
import time

import nbd

nbd_path, control_path = sys.argv[1:3]


def option(number, data=b""):
    return b"IHAVEOPT" + struct.pack(">II", number, len(data)) + data


def request(command, cookie, offset, length, data=b""):
    return struct.pack(">IHHQQI", 0x25609513, 0, command, cookie, offset, length) + data


def connections():
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(control_path)
        control.sendall(b'{"command":"status"}\n')
        status = json.loads(control.makefile().readline())
    return next(server["connections"] for server in status["nbd"] if server["address"].endswith(nbd_path))


handshake = struct.pack(">I", 3) + option(8) + option(7, struct.pack(">IH", 0, 0))
requests = (request(0, 1, 0, 1 << 20) + request(1, 2, 4096, 4096, bytes(4096)) + request(3, 3, 0, 0) + request(4, 4, 0, 4096)
            + request(1, 5, 0, 1 << 20, bytes(100_000)))
stream = handshake + requests
cuts = sorted(set(range(len(handshake) + 120)) | set(range(len(handshake), len(stream), 509)) | {len(stream)})
for cut in cuts:
    client = socket.socket(socket.AF_UNIX)
    client.connect(nbd_path)
    try:
        client.sendall(stream[:cut])
    except (BrokenPipeError, ConnectionResetError):
        pass
    client.close()

# Replies that nobody reads: the client asks for far more than its share and stays; others are served meanwhile.
idle = socket.socket(socket.AF_UNIX)
idle.connect(nbd_path)
idle.settimeout(2)
try:
    idle.sendall(handshake + b"".join(request(0, i, 0, 1 << 20) for i in range(20_000)))
except TimeoutError:
    pass
other = nbd.NBD()
other.connect_unix(nbd_path)
for i in range(100):
    other.pwrite(bytes([i]) * 4096, 0)
    assert other.pread(4096, 0) == bytearray([i]) * 4096
other.shutdown()
idle.close()

limit = time.monotonic() + 20
while connections() != 0:
    assert time.monotonic() < limit, f"{connections()} connections are left"
    time.sleep(0.05)
print(f"{len(cuts)} clients came and vanished")
