using PcieOe.Protocol.Ethernet;
using PcieOe.Protocol.Frames;

namespace PcieOe.Protocol.Handshake;

/// <summary>Handshake and discovery frames that wait to be sent: a ring of fixed size. What does not fit is dropped; peers ask again.</summary>
internal sealed class HandshakeOutbox(int capacity, int frameBytes)
{
    // Pinned: ports take addresses.
    private readonly byte[] _frames = GC.AllocateArray<byte>(capacity * frameBytes, pinned: true);
    private readonly (MacAddress Destination, int Length)[] _entries = new (MacAddress, int)[capacity];
    private int _first;
    private int _count;

    public bool IsFull => _count == capacity;

    /// <summary>The place of the next frame's message; <see cref="Post"/> completes it. Not to be called when full.</summary>
    public Span<byte> Message(int messageBytes) => Frame(Index(_count)).Slice(FrameHeader.Length, messageBytes);

    public void Post(FrameType type, uint sessionId, int messageBytes, MacAddress destination)
    {
        int index = Index(_count);
        _entries[index] = (destination, HandshakeFrame.Finish(Frame(index), type, sessionId, messageBytes));
        _count++;
    }

    /// <summary>The oldest frame: its header is copied, the rest stays in place until the next <see cref="Post"/>.</summary>
    public bool TryTake(Span<byte> header, out ReadOnlySpan<byte> content, out MacAddress destination)
    {
        if (_count == 0)
        {
            content = default;
            destination = default;
            return false;
        }

        (destination, int length) = _entries[_first];
        ReadOnlySpan<byte> frame = Frame(_first)[..length];
        frame[..FrameHeader.Length].CopyTo(header);
        content = frame[FrameHeader.Length..];
        _first = Index(1);
        _count--;
        return true;
    }

    private int Index(int ahead) => (_first + ahead) % capacity;

    private Span<byte> Frame(int index) => _frames.AsSpan(index * frameBytes, frameBytes);
}
