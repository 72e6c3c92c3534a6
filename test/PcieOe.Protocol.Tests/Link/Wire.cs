using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Keys;
using PcieOe.Protocol.Link;

namespace PcieOe.Protocol.Tests.Link;

/// <summary>
/// Two link engines on one thread, joined by a copy for each frame (what a port does). Nothing here allocates in steady state. For tests
/// of the engine's allocation, and for benchmarks.
/// </summary>
internal sealed class Wire : ITlpSink, ILinkControlSink, IDisposable
{
    private readonly FrameCipher? _cipherOfA;
    private readonly FrameCipher? _cipherOfB;
    private readonly int _loseEvery;
    private readonly byte[] _frame = new byte[LinkOptions.MaximumMtu];
    private readonly byte[] _scratch = new byte[LinkOptions.MaximumMtu];
    private long _now = 1;

    /// <param name="loseEvery">One frame in so many is lost; by default none.</param>
    public Wire(bool keyed, int loseEvery = int.MaxValue)
    {
        _loseEvery = loseEvery;
        if (keyed)
        {
            byte[] there = new byte[FrameCipher.SecretBytes], back = new byte[FrameCipher.SecretBytes];
            back[0] = 1;
            _cipherOfA = new FrameCipher(there, back);
            _cipherOfB = new FrameCipher(back, there);
        }

        A = new LinkEngine(new LinkOptions(), _cipherOfA, 1, this, this, _now);
        B = new LinkEngine(new LinkOptions(), _cipherOfB, 2, this, this, _now);
    }

    public LinkEngine A { get; }

    public LinkEngine B { get; }

    /// <summary>Frames put on the wire.</summary>
    public long Frames { get; private set; }

    /// <summary>Bytes of TLPs that arrived, both ways together.</summary>
    public long Delivered { get; private set; }

    /// <summary>Carries over what an engine has to send now.</summary>
    public void Carry(LinkEngine from, LinkEngine to)
    {
        while (from.TryGetFrameToSend(_now, _frame, _scratch, out ReadOnlySpan<byte> content))
        {
            if (++Frames % _loseEvery != 0)
            {
                content.CopyTo(_frame.AsSpan(FrameHeader.Length));
                to.OnFrame(_frame.AsSpan(0, FrameHeader.Length + content.Length), _now);
            }
        }
    }

    /// <summary>Lets time pass.</summary>
    public void Pass(long nanoseconds)
    {
        _now += nanoseconds;
        if (_now >= A.NextDeadline)
        {
            A.OnTimer(_now);
        }

        if (_now >= B.NextDeadline)
        {
            B.OnTimer(_now);
        }
    }

    public void OnTlps(ReadOnlySpan<byte> tlps, ulong frameNumber, long now) => Delivered += tlps.Length;

    public void OnControl(FrameType type, ReadOnlySpan<byte> content, in FrameHeader header, long now)
    {
    }

    public void Dispose()
    {
        A.Dispose();
        B.Dispose();
        _cipherOfA?.Dispose();
        _cipherOfB?.Dispose();
    }
}
