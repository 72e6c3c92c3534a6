using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Link;
using PcieOe.Protocol.Tlp;
using Xunit;

namespace PcieOe.Target.Tests.Functions;

/// <summary>A lane's sending end that keeps its frames in arrays, and opens as many as it is allowed to.</summary>
internal sealed class ArrayLane(int frameBytes = 8948) : ITlpTransmitter
{
    private readonly List<byte[]> _closed = [];
    private readonly byte[] _open = new byte[frameBytes];
    private int _filled;
    private int _reserved;
    private bool _isOpen;

    /// <summary>Frames that may still be opened.</summary>
    public int Window { get; set; } = int.MaxValue;

    public int MaximumTlpBytes => frameBytes;

    public int RoomBytes => _isOpen && _filled < frameBytes ? frameBytes - _filled : Window > 0 ? frameBytes : 0;

    public Span<byte> Reserve(int bytes)
    {
        Assert.True(bytes > 0 && bytes % 4 == 0 && bytes <= frameBytes, $"{bytes} bytes reserved");
        if (_isOpen && _filled + bytes > frameBytes)
        {
            if (Window == 0)
            {
                return default;
            }

            Close();
        }

        if (!_isOpen)
        {
            if (Window == 0)
            {
                return default;
            }

            Window--;
            _isOpen = true;
            _filled = 0;
            Array.Fill(_open, (byte)0xA5);
        }

        _reserved = bytes;
        return _open.AsSpan(_filled, bytes);
    }

    public void Commit(int bytes)
    {
        Assert.True(bytes > 0 && bytes % 4 == 0 && bytes <= _reserved, $"{bytes} of {_reserved} bytes committed");
        _filled += bytes;
        _reserved = 0;
    }

    public bool ChecksContent { get; init; }

    /// <summary>TLPs committed together with the register of their data.</summary>
    public int CommittedWithRegister { get; private set; }

    public void Commit(int bytes, int dataBytes, uint dataRegister)
    {
        Assert.True(ChecksContent && dataBytes > 0 && dataBytes <= bytes, $"{dataBytes} of {bytes} bytes with their register");
        Assert.Equal(Crc32C.Append(0, _open.AsSpan(_filled + bytes - dataBytes, dataBytes)), dataRegister);
        CommittedWithRegister++;
        Commit(bytes);
    }

    /// <summary>The frames since the last call, the one being filled included.</summary>
    public List<byte[]> TakeFrames()
    {
        if (_isOpen && _filled > 0)
        {
            Close();
        }

        List<byte[]> frames = [.. _closed];
        _closed.Clear();
        return frames;
    }

    /// <summary>The TLPs since the last call, each of which must keep the rules.</summary>
    public List<byte[]> TakeTlps()
    {
        List<byte[]> tlps = [];
        foreach (byte[] frame in TakeFrames())
        {
            ReadOnlySpan<byte> rest = frame;
            while (!rest.IsEmpty)
            {
                Assert.True(TlpView.TryParse(rest, out TlpView tlp));
                Assert.Equal(TlpDefect.None, TlpRules.Check(tlp, 4096));
                tlps.Add(tlp.Bytes.ToArray());
                rest = rest[tlp.TotalBytes..];
            }
        }

        return tlps;
    }

    /// <summary>Forgets what was sent, without allocating.</summary>
    public void Drop()
    {
        _isOpen = false;
        _closed.Clear();
    }

    private void Close()
    {
        _closed.Add(_open.AsSpan(0, _filled).ToArray());
        _isOpen = false;
    }
}
