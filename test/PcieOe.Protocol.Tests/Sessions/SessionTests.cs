using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Link;
using PcieOe.Protocol.Sessions;
using Xunit;

namespace PcieOe.Protocol.Tests.Sessions;

public sealed class SessionTests
{
    [Fact]
    public void FrameBeingFilled_KeptBackWhileNobodyElseSends_IsThereInTheNextRound()
    {
        using var lab = new SessionLab(keyed: false);
        lab.Connect("alpha");
        ITlpTransmitter alpha = lab.Target.LastAttached!.Transmitter;
        lab.Connect("beta", "nvme1");
        ITlpTransmitter beta = lab.Target.LastAttached!.Transmitter;
        byte[] header = new byte[FrameHeader.Length], scratch = new byte[9216];
        Put(alpha);
        Assert.False(TryTake(mayCloseFrame: false));
        Assert.False(TryTake(mayCloseFrame: false));
        Assert.True(TryTake(mayCloseFrame: true));
        Assert.False(TryTake(mayCloseFrame: true));

        Put(alpha);
        Put(beta);
        Assert.True(TryTake(mayCloseFrame: false));

        void Put(ITlpTransmitter lane)
        {
            lane.Reserve(64).Clear();
            lane.Commit(64);
        }

        bool TryTake(bool mayCloseFrame) =>
            lab.Target.Sessions.TryGetFrameToSend(lab.Segment.Now, header, scratch, out _, out _, out _, mayCloseFrame);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Host_Starts_SessionCarriesTlpsBothWays(bool keyed)
    {
        using var lab = new SessionLab(keyed);
        HostStation host = lab.Connect("alpha");

        Assert.Equal(["established New"], host.Events);
        Assert.Equal(["attached alpha nvme0 Fresh"], lab.Target.Events);
        Assert.Equal(keyed, host.Session.IsKeyed);
        Assert.Equal("flash", host.Session.Info.TargetName);
        Assert.Equal("nvme0", host.Session.Info.FunctionName);
        Assert.Equal(9000, host.Session.Info.MaximumTransmissionUnit);
        Assert.Equal(300_000, host.Session.Info.LeaseMilliseconds);
        lab.Exchange(host, 1000);
        lab.Segment.RunMilliseconds(30_000);
        lab.Exchange(host);
        Assert.Equal(["established New"], host.Events);
        Assert.Equal(1, lab.Target.Sessions.EstablishedCount);
        if (keyed)
        {
            Assert.Equal(1, lab.Target.Sessions.ListenerCounters.KeyAgreements);
        }
    }

    [Theory]
    [InlineData(9000, 1500)]
    [InlineData(1500, 9000)]
    public void Mtus_Differ_TheSmallerIsAgreed(int hostMtu, int targetMtu)
    {
        using var lab = new SessionLab(keyed: true, o => o with { Link = o.Link with { MaximumTransmissionUnit = targetMtu } });
        HostStation host = lab.AddHost("alpha", change: o => o with { Link = o.Link with { MaximumTransmissionUnit = hostMtu } });
        Assert.True(lab.Segment.RunUntil(() => lab.Target.LastAttached is not null));
        Assert.Equal(1500, host.Session.Info.MaximumTransmissionUnit);
        Assert.Equal(1500, lab.Target.LastAttached!.MaximumTransmissionUnit);
        Assert.Equal(host.Session.Transmitter.MaximumTlpBytes, lab.Target.LastAttached!.Transmitter.MaximumTlpBytes);
        lab.Exchange(host, 2000);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Outage_Ends_SessionResumesWithoutLoss(bool keyed)
    {
        using var lab = new SessionLab(keyed);
        HostStation host = lab.Connect("alpha");
        lab.Exchange(host);
        bool cut = true;
        lab.Segment.Tap = frame => cut ? [] : [frame];
        for (uint i = 0; i < 50; i++)
        {
            CountingSink.Send(host.Session.Transmitter, i);
        }

        Assert.True(lab.Segment.RunUntil(() => host.Events.Contains("outage"), 250));
        lab.Segment.RunMilliseconds(20_000);
        cut = false;
        Assert.True(lab.Segment.RunUntil(() => host.Session.State == HostSessionState.Established));
        Assert.True(lab.Segment.RunUntil(() => lab.Target.Sinks["nvme0"].Received.Count == 150, 2000));
        Assert.Equal(Enumerable.Range(0, 50).Select(i => (uint)i), lab.Target.Sinks["nvme0"].Received.Skip(100));
        lab.Exchange(host);
        Assert.Equal(["established New", "outage", "established Resumed"], host.Events);
        Assert.Equal(["attached alpha nvme0 Fresh"], lab.Target.Events);
        Assert.Equal(keyed ? 1 : 0, lab.Target.Sessions.ListenerCounters.KeyAgreements);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Target_Restarts_HostIsToldAndBeginsAnew(bool keyed)
    {
        using var lab = new SessionLab(keyed);
        HostStation host = lab.Connect("alpha");
        lab.Exchange(host);
        lab.RestartTarget();
        CountingSink.Send(host.Session.Transmitter, 99);

        Assert.True(lab.Segment.RunUntil(() => host.Events.Count == 4, 2000));
        Assert.Equal(["established New", "outage", "lost StateLost reconnects", "established Replaced"], host.Events);
        lab.Exchange(host);
        Assert.Equal(["attached alpha nvme0 StateLost"], lab.Target.Events);
        Assert.DoesNotContain(99u, lab.Target.Sinks["nvme0"].Received.Skip(100));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Host_Restarts_OldSessionIsReplacedAndFunctionReset(bool keyed)
    {
        using var lab = new SessionLab(keyed);
        HostStation host = lab.Connect("alpha");
        lab.Exchange(host);
        lab.Segment.Remove(host);
        HostStation again = lab.AddHost("alpha");

        Assert.True(lab.Segment.RunUntil(() => lab.Target.Events.Count == 3, 2000));
        Assert.Equal(["attached alpha nvme0 Fresh", "detached alpha nvme0 Replaced", "attached alpha nvme0 Fresh"], lab.Target.Events);
        Assert.Equal(["established New"], again.Events);
        lab.Exchange(again);
        lab.Segment.RunMilliseconds(1000);
        Assert.Equal(1, lab.Target.Sessions.EstablishedCount);
        Assert.Equal(1, lab.Target.Sessions.Count);
    }

    [Fact]
    public void SameHost_ComesFromTwoMachines_TheEarlierIsToldAndStops()
    {
        using var lab = new SessionLab(keyed: true);
        HostStation first = lab.Connect("alpha");
        HostStation second = lab.AddHost("alpha");
        Assert.True(lab.Segment.RunUntil(() => first.Session.State == HostSessionState.Lost));
        Assert.Equal(["established New", "lost Replaced"], first.Events);
        lab.Segment.RunMilliseconds(10_000);
        Assert.Equal(["established New"], second.Events);
        lab.Exchange(second);
    }

    [Fact]
    public void SilentHost_OverItsLease_LosesItsFunction()
    {
        using var lab = new SessionLab(keyed: true, o => o with { LeaseMilliseconds = 5000 });
        HostStation host = lab.Connect("alpha");
        bool cut = true;
        lab.Segment.Tap = frame => cut ? [] : [frame];
        lab.Segment.RunMilliseconds(4500);
        Assert.Equal(1, lab.Target.Sessions.EstablishedCount);
        lab.Segment.RunMilliseconds(1000);
        Assert.Equal(0, lab.Target.Sessions.Count);
        Assert.Equal(["attached alpha nvme0 Fresh", "detached alpha nvme0 LeaseExpired"], lab.Target.Events);

        cut = false;
        Assert.True(lab.Segment.RunUntil(() => host.Events.Count == 4, 3000));
        Assert.Equal(["established New", "outage", "lost StateLost reconnects", "established Replaced"], host.Events);
        lab.Exchange(host);
        Assert.Equal("attached alpha nvme0 StateLost", lab.Target.Events[^1]);
    }

    [Fact]
    public void IdleSession_WithinManyLeases_StaysByKeepAlive()
    {
        using var lab = new SessionLab(keyed: true, o => o with { LeaseMilliseconds = 3000 });
        HostStation host = lab.Connect("alpha");
        lab.Segment.RunMilliseconds(60_000);
        Assert.Equal(["established New"], host.Events);
        Assert.Equal(["attached alpha nvme0 Fresh"], lab.Target.Events);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Host_Closes_EverythingSentArrivesFirst(bool keyed)
    {
        using var lab = new SessionLab(keyed);
        HostStation host = lab.Connect("alpha");
        lab.Exchange(host);
        int dropped = 0;
        lab.Segment.Tap = frame => frame.Type == FrameType.Data && dropped++ < 3 ? [] : [frame];
        CountingSink.Send(host.Session.Transmitter, 7);
        host.Session.Close(lab.Segment.Now);

        Assert.True(lab.Segment.RunUntil(() => host.Session.State == HostSessionState.Closed, 1500));
        Assert.Equal(7u, lab.Target.Sinks["nvme0"].Received[^1]);
        Assert.Equal("detached alpha nvme0 Closed", lab.Target.Events[^1]);
        lab.Segment.RunMilliseconds(1000);
        Assert.Equal(0, lab.Target.Sessions.Count);
        Assert.True(host.Session.Transmitter.RoomBytes == 0 && host.Session.Transmitter.Reserve(4).IsEmpty);

        host.Session.Start(lab.Segment.Now);
        Assert.True(lab.Segment.RunUntil(() => lab.Target.Events.Count == 3));
        lab.Exchange(host);
    }

    [Fact]
    public void SessionEnded_ItsTransmitterIsStillUsed_OthersSendOn()
    {
        using var lab = new SessionLab(keyed: true);
        HostStation alpha = lab.Connect("alpha", "nvme0");
        TargetSession ended = lab.Target.LastAttached!;
        HostStation beta = lab.Connect("beta", "nvme1");
        alpha.Session.Close(lab.Segment.Now);
        Assert.True(lab.Segment.RunUntil(() => lab.Target.Sessions.Count == 1));
        Assert.True(ended.Transmitter.Reserve(4).IsEmpty);
        ended.Transmitter.Commit(0);
        lab.Exchange(beta);
    }

    [Fact]
    public void Host_ClosesWhileTheTargetIsGone_IsClosedSoon()
    {
        using var lab = new SessionLab(keyed: true);
        HostStation host = lab.Connect("alpha");
        lab.Segment.Tap = _ => [];
        CountingSink.Send(host.Session.Transmitter, 7);
        host.Session.Close(lab.Segment.Now);
        Assert.True(lab.Segment.RunUntil(() => host.Session.State == HostSessionState.Closed, 1500));
    }

    [Fact]
    public void Target_Drains_HostsAreToldAndFindTheNextTarget()
    {
        using var lab = new SessionLab(keyed: true);
        HostStation host = lab.Connect("alpha");
        lab.Target.Sessions.Drain(lab.Segment.Now);
        Assert.True(lab.Segment.RunUntil(() => lab.Target.Sessions.Count == 0, 1000));
        Assert.Equal("detached alpha nvme0 Shutdown", lab.Target.Events[^1]);
        Assert.Equal(["established New", "lost Shutdown reconnects", "refused Draining"], host.Events.Take(3));
        Assert.Equal(HostSessionState.Connecting, host.Session.State);

        lab.RestartTarget();
        Assert.True(lab.Segment.RunUntil(() => host.Session.State == HostSessionState.Established, 3000));
        Assert.Equal("established Replaced", host.Events[^1]);
        lab.Exchange(host);
        Assert.Equal("attached alpha nvme0 StateLost", lab.Target.Events[^1]);
    }

    [Fact]
    public void Target_ReleasesTheFunction_HostLosesItForGood()
    {
        using var lab = new SessionLab(keyed: true);
        HostStation host = lab.Connect("alpha");
        lab.Target.Functions.Clear();
        lab.Target.Sessions.Close(lab.Target.LastAttached!, SessionEnd.Released, lab.Segment.Now);
        lab.Segment.RunMilliseconds(5000);
        Assert.Equal(["established New", "lost Released"], host.Events);
        Assert.Equal(HostSessionState.Lost, host.Session.State);
        Assert.Equal(0, lab.Target.Sessions.Count);
    }

    [Fact]
    public void Function_HeldByAnotherHost_IsRefusedUntilFree()
    {
        using var lab = new SessionLab(keyed: true);
        HostStation alpha = lab.Connect("alpha");
        HostStation beta = lab.AddHost("beta");
        lab.Segment.RunMilliseconds(3000);
        Assert.All(beta.Events, e => Assert.Equal("refused FunctionBusy", e));
        Assert.InRange(beta.Events.Count, 1, 6);
        alpha.Session.Close(lab.Segment.Now);
        Assert.True(lab.Segment.RunUntil(() => beta.Session.State == HostSessionState.Established, 3000));
        Assert.True(lab.Segment.RunUntil(() => lab.Target.LastAttached!.HostName == "beta"));
        lab.Exchange(beta);
    }

    [Fact]
    public void Function_Unknown_IsRefusedWithItsReason()
    {
        using var lab = new SessionLab(keyed: true);
        HostStation host = lab.AddHost("alpha", "nvme7");
        Assert.True(lab.Segment.RunUntil(() => host.Events.Count != 0));
        Assert.Equal("refused NoSuchFunction", host.Events[0]);
        Assert.Equal(0, lab.Target.Sessions.ListenerCounters.KeyAgreements);
        Assert.Equal(0, lab.Target.Sessions.Count);
    }

    [Fact]
    public void TwoFunctions_OfOneHost_AreTwoSessions()
    {
        using var lab = new SessionLab(keyed: true);
        HostStation first = lab.Connect("alpha", "nvme0");
        TargetSession atTarget = lab.Target.LastAttached!;
        HostStation second = lab.AddHost("alpha", "nvme1");
        Assert.True(lab.Segment.RunUntil(() => lab.Target.Sessions.EstablishedCount == 2));
        lab.Exchange(second);
        CountingSink.Send(first.Session.Transmitter, 5);
        CountingSink.Send(atTarget.Transmitter, 6);
        Assert.True(lab.Segment.RunUntil(() => lab.Target.Sinks["nvme0"].Received.Contains(5u) && first.Sink.Received.Contains(6u)));
    }

    [Fact]
    public void ManySessions_AtOnce_AllCarryAndAllEnd()
    {
        using var lab = new SessionLab(keyed: false);
        for (int i = 0; i < 256; i++)
        {
            lab.Target.Functions.Add($"f{i}");
        }

        HostStation[] hosts = [.. Enumerable.Range(0, 256).Select(i => lab.AddHost($"host{i}", $"f{i}"))];
        Assert.True(lab.Segment.RunUntil(() => lab.Target.Sessions.EstablishedCount == 256, 60_000));
        HostStation late = lab.AddHost("late", "nvme0");
        Assert.True(lab.Segment.RunUntil(() => late.Events.Count != 0));
        Assert.Equal("refused TargetFull", late.Events[0]);
        foreach (HostStation host in hosts)
        {
            CountingSink.Send(host.Session.Transmitter, 1);
        }

        Assert.True(lab.Segment.RunUntil(() => lab.Target.Sinks.Values.Sum(sink => sink.Received.Count) == 256));
        late.Session.Close(lab.Segment.Now);
        lab.Target.Sessions.Drain(lab.Segment.Now);
        Assert.True(lab.Segment.RunUntil(() => lab.Target.Sessions.Count == 0, 1000));
    }

    [Fact]
    public void LossySegment_ManySessionsAndRestarts_EveryoneGetsThere()
    {
        using var lab = new SessionLab(keyed: true);
        var random = new Random(5);
        lab.Segment.Tap = frame => random.Next(10) switch { 0 or 1 or 2 => [], 3 => [frame, frame], _ => [frame] };
        HostStation host = lab.AddHost("alpha");
        for (int round = 0; round < 20; round++)
        {
            Assert.True(lab.Segment.RunUntil(() => host.Session.State == HostSessionState.Established && lab.Target.LastAttached is { IsEstablished: true }, 60_000), $"round {round}");
            lab.Exchange(host, 200);
            if (round % 2 == 0)
            {
                lab.RestartTarget();
                Assert.True(lab.Segment.RunUntil(() => host.Events[^1] == "established Replaced", 60_000), $"round {round}");
            }
            else
            {
                lab.Segment.Remove(host);
                host = lab.AddHost("alpha");
            }
        }
    }
}
