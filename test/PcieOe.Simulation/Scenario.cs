using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Link;
using PcieOe.Transport.Policies.Gatekeeper;
using PcieOe.Transport.Policies.NestedQos;

namespace PcieOe.Simulation;

/// <summary>Everything about a run that follows from its seed.</summary>
internal sealed record Scenario
{
    public required int Hosts { get; init; }

    public required bool Keyed { get; init; }

    public required ulong RekeyIntervalFrames { get; init; }

    public required LinkOptions HostLink { get; init; }

    public required LinkOptions TargetLink { get; init; }

    public required int LeaseMilliseconds { get; init; }

    /// <summary>Clock exchanges also show what was lost; a link must get on without them.</summary>
    public required int ClockExchangeMilliseconds { get; init; }

    /// <summary>TLPs put into a frame before it is sent.</summary>
    public required int TlpsPerFrame { get; init; }

    public required int LongestTlpBytes { get; init; }

    /// <summary>TLPs to be delivered in each direction of each host.</summary>
    public required int Tlps { get; init; }

    public required double Loss { get; init; }

    public required double Duplication { get; init; }

    public required double Reordering { get; init; }

    /// <summary>The most by which a reordered frame is late.</summary>
    public required long ReorderingNanoseconds { get; init; }

    public required double Corruption { get; init; }

    public required double SendFailure { get; init; }

    public required long DelayNanoseconds { get; init; }

    public required double GigabitsPerSecond { get; init; }

    /// <summary>Frames that would wait longer are dropped: the queue of a switch.</summary>
    public required long QueueNanoseconds { get; init; }

    /// <summary>How often stations poll.</summary>
    public required long PollNanoseconds { get; init; }

    public required int Cuts { get; init; }

    public required int Restarts { get; init; }

    /// <summary>How the target decides which command starts when.</summary>
    public required NestedQosOptions NestedQos { get; init; }

    /// <summary>How the target's port is shared; null: sessions send in turn.</summary>
    public required GatekeeperOptions? Gatekeeper { get; init; }

    public static Scenario Create(SimulationRandom random, int tlps, LinkSabotage sabotage)
    {
        int hostMtu = random.Pick([1500, 9000]);
        int targetMtu = random.Chance(0.8) ? hostMtu : 10_500 - hostMtu;
        int hosts = random.Pick([1, 1, 1, 2, 3]);
        var link = new LinkOptions
        {
            FirstSequence = new SequenceNumber(random.Chance(0.5) ? 0u : (uint)-random.Between(1L, Math.Max(1, tlps / 4))),
            KeepAliveMilliseconds = random.Pick([100, 1000]),
            Sabotage = sabotage,
        };
        return new Scenario
        {
            Hosts = hosts,
            Keyed = random.Chance(0.4),
            RekeyIntervalFrames = 1UL << random.Between(6, 12),
            HostLink = link with { MaximumTransmissionUnit = hostMtu, WindowFrames = random.Pick([32, 100, 512, 512]) },
            TargetLink = link with { MaximumTransmissionUnit = targetMtu, WindowFrames = random.Pick([32, 100, 512, 512]) },
            LeaseMilliseconds = random.Pick([1000, 5000, 300_000]),
            ClockExchangeMilliseconds = random.Pick([1000, 60_000]),
            TlpsPerFrame = random.Pick([1, 1, 2, 4, 16]),
            LongestTlpBytes = Math.Min(hostMtu, targetMtu) == 1500 ? 1024 + 16 : 4096 + 16,
            Tlps = tlps,
            Loss = random.Pick([0, 0.001, 0.01, 0.05, 0.1, 0.2, 0.3]),
            Duplication = random.Pick([0, 0.001, 0.02, 0.1]),
            Reordering = random.Pick([0, 0.01, 0.1, 0.5]),
            ReorderingNanoseconds = random.Pick([20_000, 200_000, 2_000_000, 10_000_000]),
            Corruption = random.Pick([0, 0.001, 0.02, 0.1]),
            SendFailure = random.Pick([0, 0, 0.01, 0.1]),
            DelayNanoseconds = random.Pick([2_000, 20_000, 200_000, 2_000_000]),
            GigabitsPerSecond = random.Pick([0.1, 1, 10, 40]),
            QueueNanoseconds = random.Pick([200_000, 2_000_000, 20_000_000]),
            PollNanoseconds = random.Pick([1_000, 5_000, 50_000]),
            Cuts = random.Pick([0, 1, 2, 4]),
            Restarts = random.Pick([0, 0, 1, 2]),
            NestedQos = CreateNestedQos(random),
            Gatekeeper = random.Chance(0.75) ? CreateGatekeeper(random) : null,
        };
    }

    /// <summary>The first host is a tenant with classes; the others share what is left, all as one.</summary>
    private static NestedQosOptions CreateNestedQos(SimulationRandom random) => new()
    {
        Tenants =
        [
            new()
            {
                Name = World.HostName(0),
                Classes =
                [
                    new() { Name = "gold", BurstUnits = 4, UnitsPerSecond = 2000, ResponseMilliseconds = 1 },
                    new() { Name = "silver", BurstUnits = 16, UnitsPerSecond = 4000, ResponseMilliseconds = 5 },
                    new() { Name = "bronze", BurstUnits = 64, UnitsPerSecond = 6000, ResponseMilliseconds = 20 },
                ],
            },
            new() { Name = "others" },
        ],
        CapacityUnitsPerSecond = random.Chance(0.5) ? random.Pick([20_000.0, 1_000_000]) : null,
        MaximumOutstanding = random.Between(1, 64),
        MaximumWaiting = 256,
        Order = random.Chance(0.25) ? NestedQosOrder.Arrival : NestedQosOrder.Deadline,
    };

    private static GatekeeperOptions CreateGatekeeper(SimulationRandom random)
    {
        double link = random.Pick([50.0, 1000, 50_000]);
        return new GatekeeperOptions
        {
            LinkMegabitsPerSecond = link,
            Tenants =
            [
                new()
                {
                    Name = World.HostName(0),
                    Egress = new(link / 2, random.Chance(0.3) ? link * 0.6 : null),
                    Ingress = new(link / 4, random.Chance(0.3) ? link / 2 : null),
                },
            ],

            // Sparse enough that long outages pass quickly.
            IntervalMicroseconds = 20_000,
            HoldMicroseconds = 100_000,
        };
    }
}
