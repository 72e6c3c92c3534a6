using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using PcieOe.Host.Interop;

namespace PcieOe.Host.FrontEnds.Rings;

/// <summary>
/// A ring of records of any length between two threads, in native memory that costs nothing until it is touched. Exactly one thread
/// writes and one reads. The writer alone moves the tail, after the record is whole (release); the reader alone moves the head, after it
/// is done with a record (release); each reads the other's with acquire. Nothing else is shared.
/// </summary>
internal sealed unsafe class RecordRing : IDisposable
{
    private const int HeaderBytes = 8;
    private const int Alignment = 8;
    private const uint SkipMark = uint.MaxValue;

    private readonly NativeMemoryRange _memory;
    private readonly int _mask;
    private Positions _positions;
    private long _cachedHead;
    private long _cachedTail;
    private int _reserved;

    /// <param name="capacityBytes">A power of two. A record may take up to half of it.</param>
    public RecordRing(int capacityBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(int.PopCount(capacityBytes), 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(capacityBytes, 64);
        _memory = NativeMemoryRange.Reserve(capacityBytes);
        _mask = capacityBytes - 1;
    }

    public int CapacityBytes => _mask + 1;

    /// <summary>For either thread: whether nothing waits.</summary>
    public bool IsEmpty => Volatile.Read(ref _positions.Head) == Volatile.Read(ref _positions.Tail);

    /// <summary>For the writer: room for a record, or false while there is none. Nothing is visible before <see cref="Commit"/>.</summary>
    public bool TryReserve(int bytes, out Span<byte> record)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, CapacityBytes / 2 - HeaderBytes);
        int needed = HeaderBytes + Align(bytes);
        int toEnd = CapacityBytes - (int)(_positions.Tail & _mask);
        int skipped = needed > toEnd ? toEnd : 0;
        if (!HasRoom(skipped + needed))
        {
            record = default;
            return false;
        }

        if (skipped != 0)
        {
            Length(_positions.Tail) = SkipMark;
            Volatile.Write(ref _positions.Tail, _positions.Tail + skipped);
        }

        _reserved = needed;
        Length(_positions.Tail) = (uint)bytes;
        record = new Span<byte>(_memory.Pointer + (_positions.Tail & _mask) + HeaderBytes, bytes);
        return true;
    }

    /// <summary>For the writer: whether a record of this length finds room now, wherever the ring's end lies.</summary>
    public bool HasRoomFor(int bytes) => HasRoom(2 * (HeaderBytes + Align(bytes)));

    /// <summary>For the writer: shows the last reserved record to the reader.</summary>
    public void Commit()
    {
        Volatile.Write(ref _positions.Tail, _positions.Tail + _reserved);
        _reserved = 0;
    }

    /// <summary>For the reader: the oldest record, or false. It stays valid until <see cref="Release"/>.</summary>
    public bool TryPeek(out Span<byte> record)
    {
        while (true)
        {
            if (_positions.Head == _cachedTail)
            {
                _cachedTail = Volatile.Read(ref _positions.Tail);
                if (_positions.Head == _cachedTail)
                {
                    record = default;
                    return false;
                }
            }

            uint length = Length(_positions.Head);
            if (length != SkipMark)
            {
                record = new Span<byte>(_memory.Pointer + (_positions.Head & _mask) + HeaderBytes, (int)length);
                return true;
            }

            Volatile.Write(ref _positions.Head, _positions.Head + CapacityBytes - (_positions.Head & _mask));
        }
    }

    /// <summary>For the reader: gives the peeked record back.</summary>
    public void Release() => Volatile.Write(ref _positions.Head, _positions.Head + HeaderBytes + Align((int)Length(_positions.Head)));

    public void Dispose() => _memory.Dispose();

    private bool HasRoom(int bytes)
    {
        if (_positions.Tail + bytes - _cachedHead <= CapacityBytes)
        {
            return true;
        }

        _cachedHead = Volatile.Read(ref _positions.Head);
        return _positions.Tail + bytes - _cachedHead <= CapacityBytes;
    }

    private ref uint Length(long position) => ref Unsafe.AsRef<uint>(_memory.Pointer + (position & _mask));

    private static int Align(int bytes) => (bytes + Alignment - 1) & ~(Alignment - 1);

    /// <summary>On cache lines of their own, so that the two threads do not take them from one another needlessly.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Positions
    {
        [FieldOffset(64)] public long Head;
        [FieldOffset(192)] public long Tail;
    }
}
