using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Handshake;
using PcieOe.Protocol.Sessions;
using Xunit;

namespace PcieOe.Protocol.Tests.Sessions;

/// <summary>Mutated frames, thrown at both sides in every state: nothing escapes, nothing is gained, memory stays flat.</summary>
[Collection(nameof(ProcessMemoryCollection))]
public sealed class SessionFuzzTests
{
    private const long MemoryAllowance = 4 << 20;

    /// <summary>For each state of each side.</summary>
    private static int Count => Environment.GetEnvironmentVariable("PCIEOE_TEST_MODE") switch
    {
        "soak" => 1_000_000,
        "full" => 100_000,
        _ => 10_000,
    };

    [Theory]
    [InlineData(true, HostSessionState.Closed)]
    [InlineData(true, HostSessionState.Connecting)]
    [InlineData(true, HostSessionState.Established)]
    [InlineData(true, HostSessionState.Outage)]
    [InlineData(true, HostSessionState.Closing)]
    [InlineData(true, HostSessionState.Lost)]
    [InlineData(false, HostSessionState.Established)]
    public void Host_InAnyState_StaysInIt(bool keyed, HostSessionState state)
    {
        using var lab = new SessionLab(keyed);
        WireFrame[] corpus = Record(keyed);
        HostStation host = Bring(lab, state);
        Assert.Equal(state, host.Session.State);
        lab.Segment.Remove(lab.Target);
        int events = host.Events.Count;
        int received = host.Sink.Received.Count;

        Throw(corpus, keyed, host.OnFrame, lab.Segment, () =>
        {
            while (host.Session.TryTakeHandshakeJob(out _))
            {
                Assert.Fail("A mutated frame cost keys.");
            }

            host.Pump(lab.Segment.Now, _ => { });
        });

        Assert.Equal(state, host.Session.State);
        Assert.Equal(received, host.Sink.Received.Count);
        Assert.All(host.Events.Skip(events), e => Assert.EndsWith("by somebody", e));
    }

    [Theory]
    [InlineData(true, "empty")]
    [InlineData(true, "opening")]
    [InlineData(true, "pending")]
    [InlineData(true, "established")]
    [InlineData(true, "closing")]
    [InlineData(false, "established")]
    public void Target_InAnyState_StaysInIt(bool keyed, string state)
    {
        using var lab = new SessionLab(keyed, o => o with { ConfirmationMilliseconds = 60_000 });
        WireFrame[] corpus = Record(keyed);
        BringTarget(lab, state);
        int count = lab.Target.Sessions.Count, established = lab.Target.Sessions.EstablishedCount, events = lab.Target.Events.Count;
        int received = lab.Target.Sinks.Values.Sum(sink => sink.Received.Count);
        ListenerCounters before = lab.Target.Sessions.ListenerCounters;

        // Time passes, so that the limit of answers to strangers lets frames through; timers do not run, since they end what is silent.
        long now = lab.Segment.Now;
        Throw(corpus, keyed, (frame, source, _) => lab.Target.OnFrame(frame, source, now += 25_000), lab.Segment, () =>
        {
            byte[] header = new byte[48], scratch = new byte[9216];
            while (lab.Target.Sessions.TryGetFrameToSend(now, header, scratch, out _, out _, out _))
            {
            }
        });

        Assert.Equal((count, established), (lab.Target.Sessions.Count, lab.Target.Sessions.EstablishedCount));
        Assert.Equal(received, lab.Target.Sinks.Values.Sum(sink => sink.Received.Count));
        Assert.Equal(events, lab.Target.Events.Count);
        Assert.Equal(before.KeyAgreements, lab.Target.Sessions.ListenerCounters.KeyAgreements);
        ListenerCounters after = lab.Target.Sessions.ListenerCounters;
        Assert.True(after.Malformed - before.Malformed > Count / 100);
        Assert.True(!keyed || after.ChallengesSent - before.ChallengesSent > Count / 500);
        Assert.True(after.RateLimited - before.RateLimited < Count / 10);
    }

    /// <summary>All kinds of frames that a session has, from its first hello to its close, of a lab of its own.</summary>
    private static WireFrame[] Record(bool keyed)
    {
        using var lab = new SessionLab(keyed);
        HostStation host = lab.Connect("alpha");
        lab.Exchange(host);
        bool cut = true;
        lab.Segment.Tap = frame => cut ? [] : [frame];
        lab.Segment.RunMilliseconds(4000);
        cut = false;
        lab.Segment.RunMilliseconds(2000);
        lab.Exchange(host);
        host.Session.Close(lab.Segment.Now);
        lab.Segment.RunMilliseconds(1000);
        WireFrame[] frames = [.. lab.Segment.Sent.GroupBy(frame => frame.Type).SelectMany(group => group.Take(40))];
        Assert.Equal(
            [FrameType.Hello, FrameType.Challenge, FrameType.Accept, FrameType.Data, FrameType.Ack, FrameType.Time, FrameType.Close],
            frames.Select(frame => frame.Type).Distinct().Order());
        return frames;
    }

    private static void Throw(
        WireFrame[] corpus,
        bool keyed,
        Receiver receiver,
        Segment segment,
        Action pump)
    {
        // What the state under test has sent itself belongs to the corpus too: its ids and nonces fit.
        WireFrame[][] byType = [.. corpus.Concat(segment.Sent.TakeLast(200)).GroupBy(frame => frame.Type).Select(group => group.ToArray())];
        var random = new Random(17);
        long memory = GC.GetTotalMemory(forceFullCollection: true);
        for (int i = 0; i < Count; i++)
        {
            WireFrame[] ofOneType = byType[random.Next(byType.Length)];
            WireFrame frame = ofOneType[random.Next(ofOneType.Length)];

            // Without keys a right check makes a frame genuine: there only damage is thrown.
            WireFrame mutated = Fuzz.Mutate(frame, random, fixCheck: keyed && random.Next(2) == 0);
            if (mutated.Bytes.AsSpan().StartsWith(frame.Bytes))
            {
                // The same frame, padded as Ethernet does.
                continue;
            }

            receiver(mutated.Bytes, mutated.Source, segment.Now);
            if (i % 64 == 0)
            {
                pump();
            }
        }

        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - memory, long.MinValue, MemoryAllowance);
    }

    private static HostStation Bring(SessionLab lab, HostSessionState state)
    {
        if (state == HostSessionState.Connecting)
        {
            lab.Segment.Tap = frame => frame.Type == FrameType.Accept ? [] : [frame];
            HostStation asking = lab.AddHost("alpha");
            lab.Segment.RunMilliseconds(20);
            return asking;
        }

        HostStation host = lab.Connect("alpha");
        lab.Exchange(host);
        switch (state)
        {
            case HostSessionState.Closed:
                host.Session.Close(lab.Segment.Now);
                lab.Segment.RunMilliseconds(100);
                break;
            case HostSessionState.Outage:
                lab.Segment.Tap = _ => [];
                lab.Segment.RunUntil(() => host.Session.State == HostSessionState.Outage);
                lab.Segment.RunMilliseconds(10);
                break;
            case HostSessionState.Closing:
                lab.Segment.Tap = _ => [];
                CountingSink.Send(host.Session.Transmitter, 1);
                host.Session.Close(lab.Segment.Now);
                break;
            case HostSessionState.Lost:
                lab.Target.Sessions.Close(lab.Target.LastAttached!, SessionEnd.Released, lab.Segment.Now);
                lab.Segment.RunMilliseconds(1);
                break;
            default:
                break;
        }

        return host;
    }

    private static void BringTarget(SessionLab lab, string state)
    {
        HostStation host = lab.AddHost("alpha");
        switch (state)
        {
            case "empty":
                lab.Segment.Remove(host);
                break;
            case "opening":
                HandshakeJob? kept = null;
                lab.Target.Execute = job =>
                {
                    // A result that is none of this target's: its own job never comes back.
                    kept = job;
                    return HandshakeWork.Execute(new HandshakeJob(HandshakeStep.HostKeyPair, attempt: 0));
                };
                Assert.True(lab.Segment.RunUntil(() => kept is not null));
                break;
            case "pending":
                lab.Segment.Tap = frame => frame.Type == FrameType.Accept ? [] : [frame];
                Assert.True(lab.Segment.RunUntil(() => lab.Segment.Sent.Any(frame => frame.Type == FrameType.Accept)));
                break;
            case "closing":
                lab.Exchange(host);
                lab.Segment.Tap = _ => [];
                lab.Target.Sessions.Close(lab.Target.LastAttached!, SessionEnd.Released, lab.Segment.Now);
                break;
            default:
                lab.Exchange(host);
                break;
        }

        lab.Segment.Remove(host);
    }

    private delegate void Receiver(ReadOnlySpan<byte> frame, Ethernet.MacAddress source, long now);
}

/// <summary>Tests that measure the memory of the whole process run alone.</summary>
[CollectionDefinition(nameof(ProcessMemoryCollection), DisableParallelization = true)]
public sealed class ProcessMemoryCollection;
