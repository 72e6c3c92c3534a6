using PcieOe.Protocol.Keys;
using Xunit;

namespace PcieOe.Protocol.Tests.Keys;

public sealed class FrameCipherTests : IDisposable
{
    private const ulong Interval = 64;
    private static readonly byte[] HostSecret = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
    private static readonly byte[] TargetSecret = [.. Enumerable.Range(100, 32).Select(i => (byte)i)];

    private readonly FrameCipher _host = new(HostSecret, TargetSecret, Interval);
    private readonly FrameCipher _target = new(TargetSecret, HostSecret, Interval);
    private readonly byte[] _header = [.. Enumerable.Range(0, 48).Select(i => (byte)(i * 7))];

    public void Dispose()
    {
        _host.Dispose();
        _target.Dispose();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4112)]
    [InlineData(8936)]
    public void Frame_SealedByOneSide_OpensAtTheOther(int length)
    {
        byte[] plaintext = Pattern(length);
        Sealed frame = Seal(_host, 5, plaintext);
        byte[] opened = new byte[length];

        Assert.True(Open(_target, frame, opened));
        Assert.Equal(plaintext, opened);
        if (length > 16)
        {
            Assert.NotEqual(plaintext, frame.Ciphertext);
        }
    }

    [Fact]
    public void Frame_SentBackToItsSender_DoesNotOpen()
    {
        Sealed frame = Seal(_host, 5, Pattern(64));
        Assert.False(Open(_host, frame, new byte[64]));
    }

    [Fact]
    public void EveryBit_Flipped_DoesNotOpenAndLaterFramesDo()
    {
        byte[] opened = new byte[32];
        Sealed frame = Seal(_host, 70, Pattern(32));
        for (int bit = 0; bit < (48 + 32 + 16) * 8; bit++)
        {
            byte[] target = bit < 48 * 8 ? _header : bit < 80 * 8 ? frame.Ciphertext : frame.Tag;
            int at = bit < 48 * 8 ? bit : bit < 80 * 8 ? bit - (48 * 8) : bit - (80 * 8);
            target[at / 8] ^= (byte)(1 << (at % 8));
            Assert.False(Open(_target, frame, opened), $"bit {bit}");
            target[at / 8] ^= (byte)(1 << (at % 8));
        }

        Assert.Equal(0, _target.Rekeys);
        Assert.True(Open(_target, frame, opened));
        Assert.Equal(Pattern(32), opened);
        Assert.Equal(1, _target.Rekeys);
    }

    [Fact]
    public void WrongFrameNumberOrPhase_DoesNotOpen()
    {
        Sealed frame = Seal(_host, 5, Pattern(32));
        Assert.False(Open(_target, frame with { Number = 6 }, new byte[32]));
        Assert.False(Open(_target, frame with { Number = 5 + Interval }, new byte[32]));
        Assert.False(_target.TryOpen(5, 1, _header, frame.Ciphertext, frame.Tag, new byte[32]));
        Assert.False(_target.TryOpen(5, 0, _header, frame.Ciphertext, frame.Tag.AsSpan(0, 12), new byte[32]));
        Assert.True(Open(_target, frame, new byte[32]));
    }

    [Fact]
    public void Epochs_Change_FramesOfThePreviousOneStillOpenAndOlderOnesDoNot()
    {
        Sealed first = Seal(_host, 3, Pattern(32));
        Sealed late = Seal(_host, Interval - 1, Pattern(32));
        Sealed second = Seal(_host, Interval, Pattern(32));
        Sealed third = Seal(_host, 2 * Interval, Pattern(32));
        byte[] opened = new byte[32];

        Assert.Equal([0, 1, 0], new[] { first, second, third }.Select(f => (int)_host.SendKeyPhase(f.Number)));
        Assert.True(Open(_target, first, opened));
        Assert.True(Open(_target, second, opened));
        Assert.True(Open(_target, late, opened));
        Assert.True(Open(_target, third, opened));
        Assert.False(Open(_target, late, opened));
        Assert.True(Open(_target, second, opened));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(17)]
    [InlineData(1000)]
    public void EpochsLostWhole_NextFrameThatArrives_Opens(int skipped)
    {
        byte[] opened = new byte[32];
        Sealed frame = Seal(_host, Interval * (ulong)skipped, Pattern(32));
        Assert.False(Open(_target, frame with { Tag = new byte[16] }, opened));
        Assert.True(Open(_target, frame, opened));
        Assert.True(Open(_target, Seal(_host, frame.Number + 1, Pattern(32)), opened));
        Assert.True(Open(_target, Seal(_host, frame.Number + Interval, Pattern(32)), opened));
        Assert.Equal(skipped + 1, _target.Rekeys);
    }

    [Fact]
    public void EpochBeyondTheLeap_DoesNotOpen()
    {
        Sealed frame = Seal(_host, (1 << 16) + (2 * Interval), Pattern(32));
        Assert.False(Open(_target, frame, new byte[32]));
        Assert.Equal(0, _target.Rekeys);
    }

    [Fact]
    public void PreparedKeys_AreThoseMadeInline()
    {
        byte[] opened = new byte[32];
        for (ulong number = 1; number < 6 * Interval; number += 13)
        {
            if (number % 2 == 0)
            {
                _host.Prepare();
            }
            else
            {
                _target.Prepare();
            }

            Assert.True(Open(_target, Seal(_host, number, Pattern(32)), opened));
        }

        Assert.Equal(5, _target.Rekeys);
        Assert.Equal(5, _host.Rekeys);
    }

    [Fact]
    public void SendNumber_OfAnEpochLeft_Throws()
    {
        Seal(_host, Interval, Pattern(32));
        Assert.Throws<InvalidOperationException>(() => Seal(_host, Interval - 1, Pattern(32)));
    }

    [Fact]
    public void AfterAForgery_GenuineFramesOpenAndForgedOnesAllocateNothing()
    {
        byte[] plaintext = Pattern(4112);
        byte[] opened = new byte[4112];
        Sealed genuine = Seal(_host, 9, plaintext);
        Sealed forged = genuine with { Tag = [.. genuine.Tag.Select(b => (byte)~b)] };
        Assert.False(Open(_target, forged, opened));
        Assert.False(Open(_target, forged, opened));
        Assert.All(opened, b => Assert.Equal(0, b));

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            Open(_target, forged, opened);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.True(Open(_target, genuine, opened));
        Assert.Equal(plaintext, opened);
    }

    [Fact]
    public void SteadyState_AllocatesNothing()
    {
        byte[] plaintext = Pattern(4112), ciphertext = new byte[4112], tag = new byte[16], opened = new byte[4112];
        RoundTrip(1);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (ulong number = 2; number < Interval; number++)
        {
            RoundTrip(number);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void RoundTrip(ulong number)
        {
            _host.Seal(number, _header, plaintext, ciphertext, tag);
            Assert.True(_target.TryOpen(number, _host.SendKeyPhase(number), _header, ciphertext, tag, opened));
        }
    }

    [Fact]
    public void Epoch_GoldenFrame_KeepsItsBytes()
    {
        Sealed frame = Seal(_host, Interval + 1, Pattern(8));
        Assert.Equal(Golden, Convert.ToHexString([.. frame.Ciphertext, .. frame.Tag]));
    }

    private const string Golden = "BA7EA49E1EED10475A3D7D3FCABB8192C4E47C1A4AF653C3";

    private static byte[] Pattern(int length) => [.. Enumerable.Range(0, length).Select(i => (byte)(i * 31))];

    private Sealed Seal(FrameCipher cipher, ulong number, byte[] plaintext)
    {
        byte[] ciphertext = new byte[plaintext.Length], tag = new byte[FrameCipher.TagBytes];
        cipher.Seal(number, _header, plaintext, ciphertext, tag);
        return new Sealed(number, ciphertext, tag);
    }

    private bool Open(FrameCipher cipher, Sealed frame, byte[] plaintext) => cipher.TryOpen(
        frame.Number, (byte)((frame.Number / Interval) & 1), _header, frame.Ciphertext, frame.Tag, plaintext);

    private sealed record Sealed(ulong Number, byte[] Ciphertext, byte[] Tag);
}
