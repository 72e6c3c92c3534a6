using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Link;
using PcieOe.Protocol.Tlp;

namespace PcieOe.Target.Functions;

/// <summary>
/// A function's memory writes, straight into the frame being filled: header in front, data behind it. What was reserved joins the frame
/// at the next reservation or at <see cref="Flush"/>, since only then its data is there.
/// </summary>
internal sealed class DmaWriter(FunctionBridgeCounters counters) : IDmaWriter
{
    /// <summary>A write is cut to fill up a frame only where at least this many bytes of data fit: each cut costs a header more.</summary>
    private const int MinimumCutBytes = 256;

    private const int MaximumWholeBytes = 64;

    private ITlpTransmitter? _lane;
    private int _pendingBytes;
    private int _pendingDataBytes;
    private int _registeredBytes;
    private uint _register;

    /// <summary>MPS of the function's device control register.</summary>
    public int MaximumPayloadBytes { get; set; }

    public RoutingId RequesterId { get; set; }

    public bool WantsRegister => _lane is { ChecksContent: true };

    public void Open(ITlpTransmitter? lane)
    {
        _lane = lane;
        _pendingBytes = 0;
        _registeredBytes = 0;
    }

    public Span<byte> Reserve(ulong address, int length)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        Flush();
        int padding = Padding(address);
        int header = TlpLimits.MemoryHeaderBytes(address);
        int piece = RequestSplitter.PieceBytes(address, length, MaximumPayloadBytes);
        int room = _lane!.RoomBytes;
        if (room == 0)
        {
            return default;
        }

        int roomForData = room - header & ~3;
        if (padding + piece > roomForData && roomForData >= MinimumCutBytes)
        {
            piece = roomForData - padding;
        }

        return Take(address, header, padding, piece);
    }

    public Span<byte> ReserveWhole(ulong address, int length)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, MaximumWholeBytes);
        ArgumentOutOfRangeException.ThrowIfNotEqual(RequestSplitter.PieceBytes(address, length, TlpLimits.MaximumPayloadBytes), length);
        Flush();
        return Take(address, TlpLimits.MemoryHeaderBytes(address), Padding(address), length);
    }

    /// <summary>Makes the last reservation part of its frame.</summary>
    public void Flush()
    {
        if (_pendingBytes > 0)
        {
            if (_registeredBytes > 0)
            {
                _lane!.Commit(_pendingBytes, _registeredBytes, _register);
                _registeredBytes = 0;
            }
            else
            {
                _lane!.Commit(_pendingBytes);
            }

            _pendingBytes = 0;
        }
    }

    public void SetRegister(uint register)
    {
        _registeredBytes = _pendingDataBytes;
        _register = register;
    }

    private static int Padding(ulong address) => (int)address & 3;

    private Span<byte> Take(ulong address, int headerBytes, int padding, int length)
    {
        int dataBytes = padding + length + 3 & ~3;
        Span<byte> tlp = _lane!.Reserve(headerBytes + dataBytes);
        if (tlp.IsEmpty)
        {
            return default;
        }

        MemoryRequestHeader.Write(address, length, RequesterId).Write(tlp);
        Span<byte> data = tlp[headerBytes..];
        data[..padding].Clear();
        data[(padding + length)..].Clear();
        _pendingBytes = tlp.Length;
        _pendingDataBytes = dataBytes == length ? length : 0;
        counters.WriteRequestsSent++;
        return data.Slice(padding, length);
    }
}
