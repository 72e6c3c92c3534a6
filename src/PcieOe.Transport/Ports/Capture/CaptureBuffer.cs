using PcieOe.Transport.Interop;

namespace PcieOe.Transport.Ports.Capture;

/// <summary>
/// A ring of bytes from the polling thread to the thread that writes the file. The first alone writes <c>_produced</c>, the second alone
/// <c>_consumed</c>; release and acquire on them order the bytes between.
/// </summary>
internal sealed unsafe class CaptureBuffer : IDisposable
{
    private readonly NativeBuffer _memory;
    private readonly long _mask;
    private long _produced;
    private long _consumed;
    private long _writing;

    /// <param name="bytes">A power of two.</param>
    internal CaptureBuffer(long bytes)
    {
        _memory = new NativeBuffer(bytes);
        _mask = bytes - 1;
    }

    /// <summary>By the poller: room for a record of so many bytes?</summary>
    internal bool HasRoomFor(int bytes) => _produced + bytes - Volatile.Read(ref _consumed) <= _mask + 1;

    /// <summary>By the poller: appends to the record, for which there is room.</summary>
    internal void Append(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            long offset = _writing & _mask;
            int part = (int)Math.Min(bytes.Length, _mask + 1 - offset);
            bytes[..part].CopyTo(new Span<byte>(_memory.Pointer + offset, part));
            bytes = bytes[part..];
            _writing += part;
        }
    }

    /// <summary>By the poller: the record is complete.</summary>
    internal void Publish() => Volatile.Write(ref _produced, _writing);

    /// <summary>By the writer: what waits, up to the end of the memory.</summary>
    internal ReadOnlySpan<byte> Peek()
    {
        long offset = _consumed & _mask;
        long waiting = Volatile.Read(ref _produced) - _consumed;
        return new ReadOnlySpan<byte>(_memory.Pointer + offset, (int)Math.Min(waiting, _mask + 1 - offset));
    }

    /// <summary>By the writer: so many bytes are written.</summary>
    internal void Consume(int bytes) => Volatile.Write(ref _consumed, _consumed + bytes);

    public void Dispose() => _memory.Dispose();
}
