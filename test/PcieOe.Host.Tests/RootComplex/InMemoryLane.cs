using PcieOe.Protocol.Link;
using Xunit;

namespace PcieOe.Host.Tests.RootComplex;

/// <summary>One direction of a session without a network: frames of a fixed size that arrive when the test says so, all and in order.</summary>
internal sealed class InMemoryLane(int frameBytes = 8900, int windowFrames = 64) : ITlpTransmitter
{
    private readonly byte[][] _frames = [.. Enumerable.Range(0, windowFrames).Select(_ => Filled(frameBytes))];
    private readonly int[] _lengths = new int[windowFrames];
    private readonly byte[] _delivered = new byte[frameBytes];
    private int _head;
    private int _count;
    private bool _isOpen;
    private int _reserved;

    /// <summary>Of the marks that were made.</summary>
    public uint LastMark { get; private set; }

    public void Mark(uint name) => LastMark = name;

    public long FramesDelivered { get; private set; }

    public int WaitingFrames => _count;

    /// <summary>Frames that may wait at a time; fewer than the window stalls the sender.</summary>
    public int WindowFrames { get; set; } = windowFrames;

    public int RoomBytes => _isOpen ? frameBytes - Length : _count < WindowFrames ? frameBytes : 0;

    public int MaximumTlpBytes => frameBytes;

    private int Last => (_head + _count - 1) % _frames.Length;

    private ref int Length => ref _lengths[Last];

    public Span<byte> Reserve(int bytes)
    {
        Assert.True(bytes > 0 && bytes % 4 == 0 && bytes <= frameBytes);
        if (_isOpen && frameBytes - Length < bytes)
        {
            _isOpen = false;
        }

        if (!_isOpen)
        {
            if (_count >= WindowFrames)
            {
                return default;
            }

            _count++;
            Length = 0;
            _isOpen = true;
        }

        _reserved = bytes;
        return _frames[Last].AsSpan(Length, bytes);
    }

    public void Commit(int bytes)
    {
        Assert.True(bytes <= _reserved && bytes % 4 == 0);
        Length += bytes;
        _reserved = 0;
    }

    /// <summary>Delivers every frame that was there when the call began. Returns how many.</summary>
    public int Deliver(ITlpSink sink, long now)
    {
        _isOpen = false;
        int frames = _count;
        for (int index = 0; index < frames; index++)
        {
            int length = _lengths[_head];
            _frames[_head].AsSpan(0, length).CopyTo(_delivered);

            // Whoever keeps a span of a frame, or leaves a hole in one, shall see this.
            _frames[_head].AsSpan().Fill(0xA5);
            _head = (_head + 1) % _frames.Length;
            _count--;
            FramesDelivered++;
            if (length > 0)
            {
                sink.OnTlps(_delivered.AsSpan(0, length), (ulong)FramesDelivered, now);
            }
        }

        return frames;
    }

    /// <summary>Drops what waits: the session has ended.</summary>
    public void Clear()
    {
        _count = 0;
        _isOpen = false;
    }

    private static byte[] Filled(int bytes)
    {
        byte[] frame = new byte[bytes];
        frame.AsSpan().Fill(0xA5);
        return frame;
    }
}
