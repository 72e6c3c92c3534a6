"""Every NBD command and every error, by libnbd: with structured replies, without, and on a read-only export."""
import errno
import os
import sys

import nbd

uri, read_only_uri = sys.argv[1:3]


def expect(error, call):
    try:
        call()
    except nbd.Error as problem:
        assert problem.errnum == error, (problem.errnum, error, problem)
    else:
        raise AssertionError(f"no error where {errno.errorcode[error]} belongs")


def connect(where, structured=True):
    handle = nbd.NBD()
    handle.set_strict_mode(0)
    handle.set_request_structured_replies(structured)
    handle.add_meta_context("base:allocation")
    handle.connect_uri(where)
    assert handle.get_structured_replies_negotiated() == structured
    return handle


disk = connect(uri)
size = disk.get_size()
data = os.urandom(3 * 1024 * 1024 + 512)
disk.pwrite(data, 512 * 7)
assert disk.pread(len(data), 512 * 7) == data
disk.pwrite(data[:512], 0, nbd.CMD_FLAG_FUA)
disk.flush()
disk.zero(4096 * 300, 512 * 8)
assert disk.pread(4096 * 300, 512 * 8) == bytes(4096 * 300)
disk.zero(512 * 3, 0, nbd.CMD_FLAG_FUA | nbd.CMD_FLAG_NO_HOLE | nbd.CMD_FLAG_FAST_ZERO)
disk.trim(1 << 20, 1 << 20, nbd.CMD_FLAG_FUA)
disk.cache(4096, 0)
extents = []
disk.block_status(size, 0, lambda context, offset, entries, error: extents.append((context, offset, entries)))
assert extents == [("base:allocation", 0, [size, 0])], extents
data = os.urandom(32 << 20)
disk.pwrite(data, 0)
assert disk.pread(32 << 20, 0) == data
disk.pread(65536, 0, nbd.CMD_FLAG_DF)
expect(errno.EINVAL, lambda: disk.pread(512, size))
expect(errno.EINVAL, lambda: disk.pread(512, 1))
expect(errno.EINVAL, lambda: disk.pread(1, 0))
expect(errno.EINVAL, lambda: disk.pread(0, 0))
expect(errno.EOVERFLOW, lambda: disk.pread(1 << 20, 0, nbd.CMD_FLAG_DF))
expect(errno.ENOSPC, lambda: disk.pwrite(bytes(512), size))
expect(errno.EINVAL, lambda: disk.pwrite(bytes((32 << 20) + 512), 0))
expect(errno.ENOSPC, lambda: disk.zero(512, size))
expect(errno.EINVAL, lambda: disk.trim(512, size))
expect(errno.EINVAL, lambda: disk.cache(512, size))
assert disk.pread(512, 0) == data[:512]
disk.shutdown()

disk = connect(uri, structured=False)
assert disk.pread(32 << 20, 0) == data
reads = []
for length, offset in [(4096, 0), (1 << 20, 4096), (512, 512), (3 << 20, 1 << 20), (65536, 0)]:
    buffer = nbd.Buffer(length)
    reads.append((disk.aio_pread(buffer, offset), buffer, length, offset))
for cookie, buffer, length, offset in reads:
    while not disk.aio_command_completed(cookie):
        disk.poll(-1)
    assert buffer.to_bytearray() == data[offset:offset + length]
expect(errno.EINVAL, lambda: disk.pread(512, size))
disk.shutdown()

disk = connect(read_only_uri)
assert disk.is_read_only()
expect(errno.EPERM, lambda: disk.pwrite(bytes(512), 0))
expect(errno.EPERM, lambda: disk.zero(512, 0))
expect(errno.EPERM, lambda: disk.trim(512, 0))
assert disk.pread(512, 0) == data[:512]
disk.flush()
disk.shutdown()

disk = nbd.NBD()
disk.set_export_name("nowhere")
expect(errno.ENOENT, lambda: disk.connect_uri(uri.replace("///?", "///nowhere?")))
