using System.Buffers.Binary;
using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Keys;
using PcieOe.Protocol.Link;
using Xunit;

namespace PcieOe.Protocol.Tests.Link;

/// <summary>Two engines joined by hand: every frame is seen, and goes only where the test says.</summary>
internal sealed class LinkPair : IDisposable
{
    public const uint SessionOfA = 0x0A0A_0A0A;
    public const uint SessionOfB = 0x0B0B_0B0B;

    private readonly List<FrameCipher> _ciphers = [];

    public LinkPair(LinkOptions? options = null, bool keyed = false, ulong rekeyInterval = FrameCipher.DefaultRekeyIntervalFrames)
    {
        options ??= new LinkOptions();
        FrameCipher? a = null, b = null;
        if (keyed)
        {
            byte[] first = new byte[FrameCipher.SecretBytes], second = new byte[FrameCipher.SecretBytes];
            first[0] = 1;
            second[0] = 2;
            _ciphers.Add(a = new FrameCipher(first, second, rekeyInterval));
            _ciphers.Add(b = new FrameCipher(second, first, rekeyInterval));
        }

        A = new LinkEnd(new LinkEngineFactory(options, a, SessionOfB), Now);
        B = new LinkEnd(new LinkEngineFactory(options, b, SessionOfA), Now);
    }

    public long Now { get; set; } = 1_000_000_000_000;

    public LinkEnd A { get; }

    public LinkEnd B { get; }

    /// <summary>Frames go both ways, without loss, until none is left.</summary>
    public void Exchange()
    {
        for (bool any = true; any;)
        {
            any = Carry(A, B) | Carry(B, A);
        }
    }

    /// <summary>Lets time pass to the next deadline of either end, and its timers run.</summary>
    public void PassToNextDeadline()
    {
        Now = Math.Max(Now, Math.Min(A.Engine.NextDeadline, B.Engine.NextDeadline));
        A.Engine.OnTimer(Now);
        B.Engine.OnTimer(Now);
    }

    public void Pass(long nanoseconds)
    {
        Now += nanoseconds;
        A.Engine.OnTimer(Now);
        B.Engine.OnTimer(Now);
    }

    public bool Carry(LinkEnd from, LinkEnd to)
    {
        List<byte[]> frames = from.Collect(Now);
        foreach (byte[] frame in frames)
        {
            Assert.Equal(FrameVerdict.Accepted, to.Engine.OnFrame(frame, Now));
        }

        return frames.Count != 0;
    }

    public void Dispose()
    {
        A.Engine.Dispose();
        B.Engine.Dispose();
        _ciphers.ForEach(cipher => cipher.Dispose());
    }
}

internal sealed record LinkEngineFactory(LinkOptions Options, FrameCipher? Cipher, uint PeerSession)
{
    public LinkEngine Make(LinkEnd end, long now) => new(Options, Cipher, PeerSession, end, end, now);
}

/// <summary>One engine with what it delivered. TLPs of tests are four bytes of a count and filling.</summary>
internal sealed class LinkEnd : ITlpSink, ILinkControlSink
{
    private readonly byte[] _header = new byte[FrameHeader.Length];
    private readonly byte[] _scratch;
    private uint _next;

    public LinkEnd(LinkEngineFactory factory, long now)
    {
        Engine = factory.Make(this, now);
        _scratch = new byte[Engine.SealScratchBytes];
    }

    public LinkEngine Engine { get; }

    /// <summary>Nothing that comes is kept, so that only the engine can allocate.</summary>
    public bool Forgets { get; set; }

    public List<byte[]> Delivered { get; } = [];

    public List<ulong> DeliveredFrameNumbers { get; } = [];

    public List<(FrameType Type, byte[] Content, ulong FrameNumber)> Control { get; } = [];

    public void OnTlps(ReadOnlySpan<byte> tlps, ulong frameNumber, long now)
    {
        if (!Forgets)
        {
            Delivered.Add(tlps.ToArray());
            DeliveredFrameNumbers.Add(frameNumber);
        }
    }

    public void OnControl(FrameType type, ReadOnlySpan<byte> content, in FrameHeader header, long now)
    {
        if (!Forgets)
        {
            Control.Add((type, content.ToArray(), header.FrameNumber));
        }
    }

    /// <summary>Puts one TLP of this size into the lane, if there is room.</summary>
    public bool TryPut(int bytes)
    {
        Span<byte> room = Engine.Reserve(bytes);
        if (room.IsEmpty)
        {
            return false;
        }

        room.Fill((byte)_next);
        BinaryPrimitives.WriteUInt32BigEndian(room, _next++);
        Engine.Commit(bytes);
        return true;
    }

    /// <summary>All frames that the engine gives in this round.</summary>
    public List<byte[]> Collect(long now)
    {
        var frames = new List<byte[]>();
        while (Engine.TryGetFrameToSend(now, _header, _scratch, out ReadOnlySpan<byte> content))
        {
            frames.Add([.. _header, .. content]);
        }

        return frames;
    }

    /// <summary>Lets the engine send into the void.</summary>
    public void Drain(long now)
    {
        while (Engine.TryGetFrameToSend(now, _header, _scratch, out _))
        {
        }
    }

    /// <summary>Puts one full frame's TLP into the lane and takes the frame out.</summary>
    public byte[] Frame(long now, int bytes = 64)
    {
        Assert.True(TryPut(bytes));
        return Assert.Single(Collect(now));
    }

    /// <summary>The lane's counts in the order of delivery, when every TLP is <paramref name="bytes"/> long.</summary>
    public IEnumerable<uint> Counts(int bytes) =>
        Delivered.SelectMany(content => content.Chunk(bytes)).Select(tlp => BinaryPrimitives.ReadUInt32BigEndian(tlp));
}
