using PcieOe.Protocol.Ethernet;
using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Handshake;
using PcieOe.Protocol.Sessions;
using PcieOe.Protocol.Tests.Sessions;
using Xunit;

namespace PcieOe.Protocol.Tests.Handshake;

/// <summary>Handshake frames that come again, too late, damaged, or in another order.</summary>
public sealed class ReplayTests
{
    [Fact]
    public void Hello_RepeatedBeforeConfirmation_GetsTheSameAcceptWithoutNewKeys()
    {
        using var lab = new SessionLab(keyed: true);
        int accepts = 0;
        lab.Segment.Tap = frame => frame.Type == FrameType.Accept && accepts++ < 3 ? [] : [frame];
        HostStation host = lab.Connect("alpha");
        byte[][] sent = [.. lab.Segment.Sent.Where(frame => frame.Type == FrameType.Accept).Select(frame => frame.Bytes)];
        Assert.Equal(4, sent.Length);
        Assert.All(sent, bytes => Assert.Equal(sent[0], bytes));
        Assert.Equal(1, lab.Target.Sessions.ListenerCounters.KeyAgreements);
        lab.Exchange(host);
    }

    [Fact]
    public void Hello_ReplayedTenThousandTimes_CostsNoKeysAndDisturbsNobody()
    {
        using var lab = new SessionLab(keyed: true);
        HostStation host = lab.Connect("alpha");
        WireFrame[] recorded = [.. lab.Segment.Sent.Where(frame => frame.Source == host.Address)];
        lab.Segment.Sent.Clear();
        for (int i = 0; i < 10_000; i++)
        {
            lab.Segment.Inject(recorded[i % recorded.Length], i * 3_000_000L);
        }

        for (int i = 0; i < 30; i++)
        {
            lab.Segment.RunMilliseconds(1000);
            lab.Exchange(host);
        }

        Assert.Equal(1, lab.Target.Sessions.ListenerCounters.KeyAgreements);
        Assert.Equal(1, lab.Target.Sessions.Count);
        Assert.Equal(["established New"], host.Events);
        Assert.Equal(["attached alpha nvme0 Fresh"], lab.Target.Events);
    }

    [Fact]
    public void Hellos_OfEarlierSessions_BringNothingBack()
    {
        using var lab = new SessionLab(keyed: true);
        HostStation host = lab.Connect("alpha");
        for (int i = 0; i < 5; i++)
        {
            host.Session.Close(lab.Segment.Now);
            Assert.True(lab.Segment.RunUntil(() => host.Session.State == HostSessionState.Closed));
            host.Session.Start(lab.Segment.Now);
            lab.Exchange(host);
        }

        int events = lab.Target.Events.Count;
        foreach (WireFrame frame in lab.Segment.Sent.Where(frame => frame.Source == host.Address).ToArray())
        {
            lab.Segment.Inject(frame);
        }

        lab.Segment.RunMilliseconds(1000);
        Assert.Equal(6, lab.Target.Sessions.ListenerCounters.KeyAgreements);
        Assert.Equal(events, lab.Target.Events.Count);
        lab.Exchange(host);
    }

    [Fact]
    public void ResumeHello_Replayed_HasNoEffectOnTheLink()
    {
        using var lab = new SessionLab(keyed: true);
        HostStation host = lab.Connect("alpha");
        bool cut = true;
        lab.Segment.Tap = frame => cut && frame.Type != FrameType.Hello ? [] : [frame];
        Assert.True(lab.Segment.RunUntil(() => host.Session.State == HostSessionState.Outage));
        cut = false;
        Assert.True(lab.Segment.RunUntil(() => lab.Target.Sessions.ListenerCounters.SessionsResumed == 1));
        Assert.True(lab.Segment.RunUntil(() => host.Session.State == HostSessionState.Established));
        WireFrame hello = lab.Segment.Sent.Last(frame => frame.Type == FrameType.Hello);
        lab.Segment.RunMilliseconds(3);
        lab.Segment.Sent.Clear();
        for (int i = 0; i < 100; i++)
        {
            lab.Segment.Inject(hello);
        }

        lab.Segment.RunMilliseconds(0.1);
        Assert.All(lab.Segment.Sent, frame => Assert.Equal(FrameType.Accept, frame.Type));
        Assert.InRange(lab.Segment.Sent.Count, 1, 100);
        Assert.Equal(1, lab.Target.Sessions.ListenerCounters.SessionsResumed);
    }

    [Fact]
    public void Attempt_NeverConfirmed_LeavesTheLiveSessionAlone()
    {
        using var lab = new SessionLab(keyed: true);
        HostStation live = lab.Connect("alpha");
        TargetSession atTarget = lab.Target.LastAttached!;

        // Somebody with the key asks, and gets an accept, but no frame of it ever arrives under the new keys.
        HostStation other = lab.AddHost("alpha");
        lab.Segment.Tap = frame => frame.Source == other.Address && frame.Type >= FrameType.Data ? [] : [frame];
        Assert.True(lab.Segment.RunUntil(() => other.Session.State == HostSessionState.Established));
        Assert.Equal(2, lab.Target.Sessions.Count);
        lab.Segment.Remove(other);
        lab.Segment.RunMilliseconds(5000);
        lab.Exchange(live);
        Assert.Same(atTarget, lab.Target.LastAttached);
        lab.Segment.RunMilliseconds(10_000);
        Assert.Equal(1, lab.Target.Sessions.Count);
        Assert.Equal(1, lab.Target.Sessions.Counters.Unconfirmed);
        Assert.Equal(["established New"], live.Events);
    }

    [Fact]
    public void EarlierAttempt_ConfirmedLate_DoesNotReplaceTheLaterOne()
    {
        using var lab = new SessionLab(keyed: true);
        var held = new List<WireFrame>();
        HostStation first = lab.AddHost("alpha");
        lab.Segment.Tap = frame =>
        {
            if (frame.Source == first.Address && frame.Type >= FrameType.Data)
            {
                held.Add(frame);
                return [];
            }

            return [frame];
        };
        Assert.True(lab.Segment.RunUntil(() => first.Session.State == HostSessionState.Established && held.Count > 0));
        lab.Segment.Remove(first);
        HostStation second = lab.Connect("alpha");
        held.ForEach(frame => lab.Segment.Inject(frame));
        lab.Segment.RunMilliseconds(100);
        lab.Exchange(second);
        Assert.Equal(["attached alpha nvme0 Fresh"], lab.Target.Events);
        Assert.True(lab.Target.Sessions.Counters.StaleFrames > 0);
    }

    [Fact]
    public void LaterAttempt_SurvivesTheEarlierOnesConfirmation()
    {
        using var lab = new SessionLab(keyed: true);
        HostStation first = lab.AddHost("alpha");
        var held = new List<WireFrame>();
        bool holding = true;
        lab.Segment.Tap = frame =>
        {
            if (holding && frame.Type >= FrameType.Data)
            {
                held.Add(frame);
                return [];
            }

            return [frame];
        };
        Assert.True(lab.Segment.RunUntil(() => first.Session.State == HostSessionState.Established && held.Count > 0));
        lab.Segment.Remove(first);
        HostStation second = lab.AddHost("alpha");
        Assert.True(lab.Segment.RunUntil(() => second.Session.State == HostSessionState.Established));
        lab.Segment.Inject(held.First(frame => frame.Source == first.Address));
        lab.Segment.RunMilliseconds(0.1);
        holding = false;
        lab.Exchange(second);
        Assert.Equal(["attached alpha nvme0 Fresh", "detached alpha nvme0 Replaced", "attached alpha nvme0 Fresh"], lab.Target.Events);
        Assert.Equal(["established New"], second.Events);
    }

    [Fact]
    public void OneHost_BeginsManySessions_AFewAreKept()
    {
        using var lab = new SessionLab(keyed: true);
        lab.Segment.Tap = frame => frame.Type >= FrameType.Data ? [] : [frame];
        for (int i = 0; i < 20; i++)
        {
            HostStation host = lab.AddHost("alpha");
            Assert.True(lab.Segment.RunUntil(() => host.Session.State == HostSessionState.Established));
            lab.Segment.Remove(host);
            Assert.InRange(lab.Target.Sessions.Count, 1, 4);
        }
    }

    [Fact]
    public void OneHost_AsksWithoutEnd_KeysAreMadeAtALimitedRate()
    {
        using var lab = new SessionLab(keyed: true);
        long started = lab.Segment.Now;
        while (lab.Segment.Now - started < 40_000_000_000)
        {
            HostStation host = lab.AddHost("alpha");
            lab.Segment.RunUntil(() => host.Session.State == HostSessionState.Established, 20);
            lab.Segment.Remove(host);
            host.Dispose();
        }

        Assert.InRange(lab.Target.Sessions.ListenerCounters.KeyAgreements, 128, 128 + (40 * 6) + 2);
    }

    [Fact]
    public void Accept_OfAnEarlierAttempt_IsNothingToTheNext()
    {
        using var lab = new SessionLab(keyed: true);
        lab.Segment.Tap = frame => frame.Type == FrameType.Accept ? [] : [frame];
        HostStation host = lab.AddHost("alpha");
        lab.Segment.RunMilliseconds(50);
        WireFrame accept = lab.Segment.Sent.First(frame => frame.Type == FrameType.Accept);
        host.Session.Close(lab.Segment.Now);
        host.Session.Start(lab.Segment.Now);
        lab.Segment.RunMilliseconds(50);
        byte[] newId = lab.Segment.Sent.Last(frame => frame.Type == FrameType.Challenge).Bytes[4..8];
        newId.CopyTo(accept.Bytes, 4);
        newId.CopyTo(accept.Bytes, FrameHeader.Length + 8);
        Fuzz.FixCheck(accept.Bytes);
        lab.Segment.Inject(accept);
        lab.Segment.RunMilliseconds(1);
        Assert.Equal(HostSessionState.Connecting, host.Session.State);
    }

    [Fact]
    public void ResultOfASlowJob_ForAnAttemptGivenUp_IsDropped()
    {
        using var lab = new SessionLab(keyed: true);
        HostStation host = lab.AddHost("alpha");
        HandshakeJob? late = null;
        host.Execute = job =>
        {
            if (job.Step == HandshakeStep.HostKeys)
            {
                late = job;
                host.Session.Close(lab.Segment.Now);
            }

            return HandshakeWork.Execute(job);
        };
        Assert.True(lab.Segment.RunUntil(() => late is not null));
        lab.Segment.RunMilliseconds(1000);
        Assert.Equal(HostSessionState.Closed, host.Session.State);
        Assert.Empty(host.Events);

        host.Execute = HandshakeWork.Execute;
        host.Session.Start(lab.Segment.Now);
        lab.Exchange(host);
    }

    [Fact]
    public void GenuineHello_WithAnImpossiblePublicKey_CostsItsSenderTheSession()
    {
        using var lab = new SessionLab(keyed: true);
        HostStation host = lab.AddHost("alpha");
        host.Execute = job =>
        {
            HandshakeResult result = HandshakeWork.Execute(job);
            result.PublicKey.AsSpan().Fill(0x11);
            return result;
        };
        lab.Segment.RunMilliseconds(3000);
        Assert.Equal(1, lab.Target.Sessions.ListenerCounters.BadPublicKeys);
        Assert.Equal(0, lab.Target.Sessions.Count);
        Assert.Equal(HostSessionState.Connecting, host.Session.State);
    }

    [Fact]
    public void Cookie_FromAnotherAddress_OrTooOld_IsNotTaken()
    {
        using var lab = new SessionLab(keyed: true);
        lab.Segment.Tap = frame => frame.Type == FrameType.Accept ? [] : [frame];
        HostStation host = lab.AddHost("alpha");
        lab.Segment.RunMilliseconds(10);
        WireFrame hello = lab.Segment.Sent.Last(frame => frame.Type == FrameType.Hello);
        lab.Segment.Remove(host);
        Assert.Equal(1, lab.Target.Sessions.ListenerCounters.ChallengesSent);

        lab.Segment.Inject(hello with { Source = new MacAddress(0x0200_0000_0999) });
        lab.Segment.RunMilliseconds(1);
        Assert.Equal(2, lab.Target.Sessions.ListenerCounters.ChallengesSent);

        lab.Segment.RunMilliseconds(20_000);
        lab.Segment.Inject(hello);
        lab.Segment.RunMilliseconds(1);
        Assert.Equal(3, lab.Target.Sessions.ListenerCounters.ChallengesSent);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Handshake_OverASegmentThatReordersDuplicatesAndLoses_Succeeds(bool keyed)
    {
        for (int seed = 0; seed < 20; seed++)
        {
            using var lab = new SessionLab(keyed) { Seed = seed * 10 + 1 };
            var random = new Random(seed);
            lab.Segment.Tap = frame =>
            {
                for (int copies = random.Next(3); copies > 0; copies--)
                {
                    lab.Segment.Inject(frame, random.Next(1, 100_000_000));
                }

                return random.Next(2) == 0 ? [] : [frame];
            };
            HostStation host = lab.AddHost("alpha");
            Assert.True(lab.Segment.RunUntil(() => host.Session.State == HostSessionState.Established && lab.Target.LastAttached is not null, 60_000), $"seed {seed}");
            lab.Exchange(host, 50);
            Assert.Equal(1, lab.Target.Sessions.EstablishedCount);
        }
    }
}
