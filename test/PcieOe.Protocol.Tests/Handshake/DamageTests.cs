using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Sessions;
using PcieOe.Protocol.Tests.Sessions;
using Xunit;

namespace PcieOe.Protocol.Tests.Handshake;

/// <summary>Every byte of every handshake message changed, and every length of it cut, with a check that is right again.</summary>
public sealed class DamageTests
{
    [Fact]
    public void Hello_WithAnyByteChangedOrCut_MakesNoSession()
    {
        using var lab = new SessionLab(keyed: true);
        lab.Segment.Tap = frame => frame.Type == FrameType.Hello && frame.Bytes.AsSpan(FrameHeader.Length + 304, 32).ContainsAnyExcept((byte)0) ? [] : [frame];
        HostStation host = lab.AddHost("alpha");
        Assert.True(lab.Segment.RunUntil(() => lab.Segment.Sent.Count(frame => frame.Type == FrameType.Hello) == 2));
        WireFrame genuine = lab.Segment.Sent.Last();
        lab.Segment.Remove(host);
        lab.Segment.Tap = frame => [frame];

        foreach (byte[] damaged in Damages(genuine.Bytes))
        {
            lab.Target.OnFrame(damaged, genuine.Source, lab.Segment.Now);
            lab.Segment.RunMilliseconds(1);
            Assert.Equal(0, lab.Target.Sessions.Count);
        }

        Assert.Equal(0, lab.Target.Sessions.ListenerCounters.KeyAgreements);
        lab.Target.OnFrame(genuine.Bytes, genuine.Source, lab.Segment.Now);
        Assert.Equal(1, lab.Target.Sessions.Count);
    }

    [Fact]
    public void Accept_WithAnyByteChangedOrCut_IsNotBelieved()
    {
        using var lab = new SessionLab(keyed: true);
        lab.Segment.Tap = frame => frame.Type == FrameType.Accept ? [] : [frame];
        HostStation host = lab.AddHost("alpha");
        Assert.True(lab.Segment.RunUntil(() => lab.Segment.Sent.Any(frame => frame.Type == FrameType.Accept)));
        WireFrame genuine = lab.Segment.Sent.Last();
        lab.Segment.Remove(lab.Target);

        foreach (byte[] damaged in Damages(genuine.Bytes))
        {
            host.OnFrame(damaged, genuine.Source, lab.Segment.Now);
            Assert.False(host.Session.TryTakeHandshakeJob(out _));
            Assert.Equal(HostSessionState.Connecting, host.Session.State);
        }

        host.OnFrame(genuine.Bytes, genuine.Source, lab.Segment.Now);
        Assert.True(host.Session.TryTakeHandshakeJob(out _));
    }

    [Fact]
    public void Challenge_WithAnyByteChangedOrCut_DelaysTheHostAtMost()
    {
        using var lab = new SessionLab(keyed: true);
        lab.Segment.Tap = frame => frame.Type == FrameType.Challenge ? [] : [frame];
        HostStation host = lab.AddHost("alpha");
        Assert.True(lab.Segment.RunUntil(() => lab.Segment.Sent.Any(frame => frame.Type == FrameType.Challenge)));
        WireFrame genuine = lab.Segment.Sent.Last();
        foreach (byte[] damaged in Damages(genuine.Bytes))
        {
            host.OnFrame(damaged, genuine.Source, lab.Segment.Now);
            lab.Segment.RunMilliseconds(0.01);
        }

        // A stranger's challenges make a host send no more than a few hellos.
        Assert.InRange(lab.Segment.Sent.Count(frame => frame.Type == FrameType.Hello), 2, 10);
        lab.Segment.Tap = frame => [frame];
        lab.Exchange(host);
    }

    private static IEnumerable<byte[]> Damages(byte[] frame)
    {
        for (int at = FrameHeader.Length; at < frame.Length - 4; at++)
        {
            foreach (byte change in (byte[])[1, 0x80, 0xFF])
            {
                byte[] changed = [.. frame];
                changed[at] ^= change;
                Fuzz.FixCheck(changed);
                yield return changed;
            }
        }

        for (int length = 0; length < frame.Length; length++)
        {
            byte[] cut = frame[..length];
            Fuzz.FixCheck(cut);
            yield return cut;
        }

        byte[] longer = [.. frame, .. new byte[8]];
        Fuzz.FixCheck(longer);
        yield return longer;
    }
}
