using PcieOe.Protocol.Discovery;
using PcieOe.Protocol.Ethernet;
using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Handshake;
using PcieOe.Protocol.Keys;
using PcieOe.Protocol.Tests.Sessions;
using Xunit;

namespace PcieOe.Protocol.Tests.Discovery;

public sealed class DiscoveryTests
{
    [Fact]
    public void InsecureTarget_TellsEverybodyItsFunctions()
    {
        using var lab = new SessionLab(keyed: false);
        lab.Connect("alpha", "nvme1");
        DiscoveredTarget target = Assert.Single(Discover(lab, "alpha", credential: null).Targets);

        Assert.Equal(("flash", SessionLab.TargetAddress, SecurityMode.Insecure, 9000),
            (target.Name, target.Address, target.Security, target.MaximumTransmissionUnit));
        Assert.False(target.IsAuthentic);
        Assert.Equal(2, target.FunctionCount);
        Assert.Equal([new("nvme0", 1 << 30, FunctionState.Free), new("nvme1", 1 << 30, FunctionState.HeldByYou)], target.Functions);
    }

    [Fact]
    public void KeyedTarget_TellsStrangersItsNameAlone()
    {
        using var lab = new SessionLab(keyed: true);
        DiscoveredTarget target = Assert.Single(Discover(lab, "stranger", credential: null).Targets);
        Assert.Equal(("flash", SecurityMode.PreSharedKey, -1), (target.Name, target.Security, target.FunctionCount));
        Assert.Empty(target.Functions);
        Assert.DoesNotContain(lab.Segment.Sent, frame => frame.Bytes.AsSpan().IndexOf("nvme"u8) >= 0);
    }

    [Fact]
    public void KeyedTarget_TellsItsHostsTheirFunctions()
    {
        using var lab = new SessionLab(keyed: true);
        lab.Connect("beta");
        DiscoveredTarget target = Assert.Single(Discover(lab, "alpha", SessionLab.Credential("alpha")).Targets);
        Assert.True(target.IsAuthentic);
        Assert.Equal([new("nvme0", 1 << 30, FunctionState.HeldByAnother), new("nvme1", 1 << 30, FunctionState.Free)], target.Functions);
    }

    [Theory]
    [InlineData("alpha", "wrong key")]
    [InlineData("gamma", "unknown host")]
    public void KeyedTarget_DoesNotBelieveStrangers(string name, string key)
    {
        using var lab = new SessionLab(keyed: true);
        var credential = new HostCredential(name, System.Text.Encoding.UTF8.GetBytes(key.PadRight(32)));
        DiscoveredTarget target = Assert.Single(Discover(lab, name, credential).Targets);
        Assert.False(target.IsAuthentic);
        Assert.Equal(-1, target.FunctionCount);
        Assert.DoesNotContain(lab.Segment.Sent, frame => frame.Bytes.AsSpan().IndexOf("nvme"u8) >= 0);
    }

    [Theory]
    [InlineData(true, 15)]
    [InlineData(true, 16)]
    [InlineData(false, 100)]
    public void ManyFunctions_ComePageByPage(bool keyed, int count)
    {
        using var lab = new SessionLab(keyed);
        lab.Target.Functions.Clear();
        for (int i = 0; i < count; i++)
        {
            lab.Target.Functions.Add($"function number {i:000} with a long name ".PadRight(NameField.MaximumNameBytes, 'x'));
        }

        DiscoveredTarget target = Assert.Single(Discover(lab, "alpha", keyed ? SessionLab.Credential("alpha") : null).Targets);
        Assert.Equal(count, target.FunctionCount);
        Assert.Equal(lab.Target.Functions.Order(StringComparer.Ordinal), target.Functions.Select(function => function.Name));
    }

    [Fact]
    public void ListRequest_ReplayedFromAnotherAddress_GetsTheNameAlone()
    {
        using var lab = new SessionLab(keyed: true);
        Discover(lab, "alpha", SessionLab.Credential("alpha"));
        WireFrame request = lab.Segment.Sent.Last(frame => frame.Type == FrameType.Discover && frame.Destination == SessionLab.TargetAddress);
        lab.Segment.Sent.Clear();
        var thief = new MacAddress(0x0200_0000_0666);
        lab.Segment.Inject(request with { Source = thief });
        lab.Segment.RunMilliseconds(100);
        WireFrame answer = Assert.Single(lab.Segment.Sent, frame => frame.Destination == thief);
        Assert.Equal(-1, answer.Bytes.AsSpan().IndexOf("nvme"u8));
    }

    [Fact]
    public void Flood_OfDiscovers_IsAnsweredAtALimitedRateAndNeverWithMore()
    {
        using var lab = new SessionLab(keyed: false);
        Discover(lab, "alpha", credential: null);
        WireFrame request = lab.Segment.Sent.First(frame => frame.Type == FrameType.Discover);
        lab.Segment.Sent.Clear();
        for (int i = 0; i < 10_000; i++)
        {
            lab.Segment.Inject(request, delayNanoseconds: i * 100_000L);
        }

        lab.Segment.RunMilliseconds(2000);
        Assert.InRange(lab.Segment.Sent.Count, 50, 160);
        Assert.All(lab.Segment.Sent, frame => Assert.True(frame.Bytes.Length <= request.Bytes.Length));
    }

    [Fact]
    public void Answers_OfManyTargets_AreSpread()
    {
        var times = new List<long>();
        for (int seed = 0; seed < 20; seed++)
        {
            using var lab = new SessionLab(keyed: true) { Seed = seed * 100 };
            lab.RestartTarget();
            Discover(lab, "alpha", credential: null, frame =>
            {
                if (frame.Type == FrameType.Offer && times.Count == seed)
                {
                    times.Add(lab.Segment.Now);
                }
            });
        }

        Assert.True(times.Max() - times.Min() > 10_000_000);
        Assert.True(times.Distinct().Count() > 15);
    }

    [Fact]
    public void Offers_Mutated_NeverThrow()
    {
        using var lab = new SessionLab(keyed: true);
        var random = new Random(3);
        lab.Segment.Tap = frame => [frame, Fuzz.Mutate(frame, random, fixCheck: true), Fuzz.Mutate(frame, random, fixCheck: false)];
        for (int i = 0; i < 200; i++)
        {
            DiscoveryClient client = Discover(lab, "alpha", SessionLab.Credential("alpha"));
            Assert.Contains(client.Targets, target => target.IsAuthentic && target.Functions.Count == 2);
            Assert.All(client.Targets.Where(target => target.IsAuthentic), target => Assert.Equal("flash", target.Name));
        }
    }

    private static DiscoveryClient Discover(SessionLab lab, string name, HostCredential? credential, Action<WireFrame>? watch = null)
    {
        var station = new DiscoveryStation(new DiscoveryClient(name, credential, new SeededRandomSource(7), lab.Segment.Now));
        lab.Segment.Add(station);
        Func<WireFrame, IEnumerable<WireFrame>> tap = lab.Segment.Tap;
        lab.Segment.Tap = frame =>
        {
            watch?.Invoke(frame);
            return tap(frame);
        };
        lab.Segment.RunMilliseconds(1000);
        lab.Segment.Tap = tap;
        lab.Segment.Remove(station);
        return station.Client;
    }

    private sealed class DiscoveryStation(DiscoveryClient client) : IStation
    {
        private readonly byte[] _header = new byte[48];

        public DiscoveryClient Client => client;

        public MacAddress Address => new(0x0200_0000_0777);

        public bool IsTarget => false;

        public long NextDeadline => client.NextDeadline;

        public void OnFrame(ReadOnlySpan<byte> frame, MacAddress source, long now) => client.OnFrame(frame, source);

        public void Pump(long now, Action<WireFrame> send)
        {
            client.OnTimer(now);
            while (client.TryGetFrameToSend(_header, out ReadOnlySpan<byte> content, out MacAddress destination))
            {
                send(new WireFrame(Address, destination, [.. _header, .. content]));
            }
        }
    }
}
