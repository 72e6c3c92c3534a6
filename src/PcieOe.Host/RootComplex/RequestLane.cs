using System.Buffers.Binary;
using System.Numerics;
using PcieOe.Protocol.Link;

namespace PcieOe.Host.RootComplex;

/// <summary>
/// The client's requests on their way to the function, first in, first out. While the lane's window has room they are written where they
/// leave from; otherwise, or while the function is being set up, they wait in a ring of fixed size.
/// </summary>
internal sealed class RequestLane
{
    /// <summary>In front of each TLP in the ring: its length and its mark, 32 bits each.</summary>
    private const int PrefixBytes = 8;
    private const int MarkOffset = 4;
    private const int SkipToStart = 0;

    private readonly byte[] _ring;
    private readonly int _mask;
    private ITlpTransmitter? _transmitter;
    private long _head;
    private long _tail;
    private int _reservedBytes;
    private bool _isReservedDirectly;

    /// <param name="capacityBytes">A power of two.</param>
    public RequestLane(int capacityBytes)
    {
        if (!BitOperations.IsPow2(capacityBytes))
        {
            throw new ArgumentOutOfRangeException(nameof(capacityBytes), capacityBytes, "A power of two is needed.");
        }

        _ring = new byte[capacityBytes];
        _mask = capacityBytes - 1;
    }

    /// <summary>False: nothing leaves, all waits in the ring.</summary>
    public bool IsOpen { get; set; }

    public bool IsEmpty => _head == _tail;

    public int WaitingBytes => (int)(_tail - _head);

    /// <summary>Bytes that the ring can take for sure, in TLPs of at most <paramref name="largestTlpBytes"/>.</summary>
    public int FreeBytes(int largestTlpBytes) => _ring.Length - WaitingBytes - largestTlpBytes - PrefixBytes;

    /// <summary>Where requests leave; null while there is no session.</summary>
    public void SetTransmitter(ITlpTransmitter? transmitter) => _transmitter = transmitter;

    /// <summary>Room for one TLP, to be filled and then committed before anything else is asked. Empty: the ring is full.</summary>
    public Span<byte> Reserve(int bytes)
    {
        _reservedBytes = bytes;
        if (IsOpen && IsEmpty && _transmitter is not null)
        {
            Span<byte> direct = _transmitter.Reserve(bytes);
            if (!direct.IsEmpty)
            {
                _isReservedDirectly = true;
                return direct;
            }
        }

        _isReservedDirectly = false;
        return ReserveInRing(bytes);
    }

    /// <param name="mark">A name for <see cref="ITlpTransmitter.Mark"/> of the frame that this TLP leaves in; 0: none.</param>
    public void Commit(uint mark = 0)
    {
        if (_isReservedDirectly)
        {
            Leave(_reservedBytes, mark);
        }
        else
        {
            Span<byte> prefix = _ring.AsSpan((int)_tail & _mask);
            BinaryPrimitives.WriteInt32LittleEndian(prefix, _reservedBytes);
            BinaryPrimitives.WriteUInt32LittleEndian(prefix[MarkOffset..], mark);
            _tail += PrefixBytes + _reservedBytes;
        }
    }

    /// <summary>Sends what waits, as far as there is room. True: nothing waits any more.</summary>
    public bool Drain()
    {
        while (_head != _tail)
        {
            if (!IsOpen || _transmitter is null)
            {
                return false;
            }

            int at = (int)_head & _mask;
            int bytes = BinaryPrimitives.ReadInt32LittleEndian(_ring.AsSpan(at));
            if (bytes == SkipToStart)
            {
                _head += _ring.Length - at;
                continue;
            }

            Span<byte> destination = _transmitter.Reserve(bytes);
            if (destination.IsEmpty)
            {
                return false;
            }

            _ring.AsSpan(at + PrefixBytes, bytes).CopyTo(destination);
            Leave(bytes, BinaryPrimitives.ReadUInt32LittleEndian(_ring.AsSpan(at + MarkOffset)));
            _head += PrefixBytes + bytes;
        }

        return true;
    }

    /// <summary>Drops what waits.</summary>
    public void Clear() => _head = _tail = 0;

    private void Leave(int bytes, uint mark)
    {
        _transmitter!.Commit(bytes);
        if (mark != 0)
        {
            _transmitter.Mark(mark);
        }
    }

    private Span<byte> ReserveInRing(int bytes)
    {
        int at = (int)_tail & _mask;
        int toEnd = _ring.Length - at;
        int needed = PrefixBytes + bytes;
        int skipped = needed > toEnd ? toEnd : 0;
        if (_tail - _head + skipped + needed > _ring.Length)
        {
            return default;
        }

        if (skipped != 0)
        {
            BinaryPrimitives.WriteInt32LittleEndian(_ring.AsSpan(at), SkipToStart);
            _tail += skipped;
            at = 0;
        }

        return _ring.AsSpan(at + PrefixBytes, bytes);
    }
}
