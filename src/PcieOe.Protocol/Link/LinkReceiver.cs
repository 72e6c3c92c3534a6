using System.Buffers.Binary;
using PcieOe.Protocol.Frames;

namespace PcieOe.Protocol.Link;

/// <summary>
/// The receiving half of a link: puts the peer's data frames in order, delivers the content of each once, and knows when they are to be
/// acknowledged.
/// </summary>
internal sealed class LinkReceiver(LinkOptions options, int windowFrames, int contentBytes, ITlpSink sink) : IDisposable
{
    private const int HeaderBitmapBits = 64;

    private readonly ReceiveWindow _window = new(windowFrames, contentBytes, options.FirstSequence);

    public AcknowledgementSchedule Acknowledgements { get; } = new(options.AckEveryFrames, options.AckDelayMicroseconds * 1000L);

    /// <summary>The first sequence number not received.</summary>
    public SequenceNumber Next => _window.Next;

    /// <summary>The last sequence number that the peer may use.</summary>
    public SequenceNumber Permitted => _window.Permitted;

    /// <summary>What has come of the 64 sequence numbers behind <see cref="Next"/>: a header's bitmap.</summary>
    public ulong HeaderBitmap => _window.Bitmap(0);

    /// <summary>Takes a genuine data frame. Content that is due goes to the sink before this returns.</summary>
    public void OnData(in FrameHeader header, ReadOnlySpan<byte> content, long now, ref LinkCounters counters)
    {
        counters.DataFramesReceived++;
        if (content.IsEmpty || (content.Length & 3) != 0)
        {
            counters.FalseStatements++;
            return;
        }

        int ahead = header.Sequence - _window.Next;
        bool isPermitted = ahead <= _window.Permitted - _window.Next;
        if (ahead == 0 && isPermitted)
        {
            bool hadGap = _window.Kept != 0;
            _window.Advance();
            Schedule(header, atOnce: hadGap, now);
            Deliver(content, header.FrameNumber, now, ref counters);
            if (hadGap)
            {
                DeliverKept(now, ref counters);
            }

            return;
        }

        if (!isPermitted)
        {
            counters.OutsideWindow++;
        }
        else if (ahead > 0 && !_window.IsKept(header.Sequence))
        {
            counters.ReorderedData++;
            _window.Keep(header.Sequence, content, header.FrameNumber);
        }
        else
        {
            counters.DuplicateData++;
            if (options.Sabotage == LinkSabotage.Duplicate)
            {
                sink.OnTlps(content, header.FrameNumber, now);
            }
        }

        Schedule(header, atOnce: true, now);
    }

    /// <summary>See <see cref="LinkEngine.LimitReceive"/>.</summary>
    public void Limit(int frames)
    {
        if (_window.Limit(frames))
        {
            Acknowledgements.Request();
        }
    }

    /// <summary>Permits the whole window again.</summary>
    public void Release()
    {
        if (_window.Release())
        {
            Acknowledgements.Request();
        }
    }

    /// <summary>
    /// Writes the bitmap of the whole window behind the header's 64 bits, while something is missing, so that the peer need not guess
    /// beyond those; returns its bytes.
    /// </summary>
    public int WriteBitmap(Span<byte> destination)
    {
        int bytes = 0;
        for (int offset = HeaderBitmapBits; _window.Kept != 0 && offset < windowFrames; offset += HeaderBitmapBits)
        {
            BinaryPrimitives.WriteUInt64BigEndian(destination[bytes..], _window.Bitmap(offset));
            bytes += sizeof(ulong);
        }

        return bytes;
    }

    public void Dispose() => _window.Dispose();

    private void Schedule(in FrameHeader header, bool atOnce, long now)
    {
        bool beyondHeader = _window.Kept != 0 && _window.Furthest - _window.Next > HeaderBitmapBits;
        Acknowledgements.OnDataFrame(atOnce || (header.Flags & FrameFlags.AckRequested) != 0, beyondHeader, now);
    }

    private void DeliverKept(long now, ref LinkCounters counters)
    {
        while (_window.TryTakeNext(out int slot, out ReadOnlySpan<byte> content, out ulong frameNumber))
        {
            Deliver(content, frameNumber, now, ref counters);
            _window.Return(slot);
        }
    }

    private void Deliver(ReadOnlySpan<byte> content, ulong frameNumber, long now, ref LinkCounters counters)
    {
        counters.DataFramesDelivered++;
        sink.OnTlps(content, frameNumber, now);
    }
}
