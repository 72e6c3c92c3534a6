using PcieOe.Protocol.Frames;

namespace PcieOe.Protocol.Link;

/// <summary>How a link behaves. Both ends must agree on the MTU and on <see cref="FirstSequence"/>; everything else is each end's own.</summary>
public sealed record LinkOptions
{
    /// <summary>What every sender may assume before the first acknowledgement: the least window a receiver offers.</summary>
    public const int InitialWindowFrames = 32;

    /// <summary>The most frames a window may have: what an acknowledgement can describe.</summary>
    public const int MaximumWindowFrames = 1024;

    /// <summary>The smallest MTU that carries a memory write of 256 bytes.</summary>
    public const int MinimumMtu = 576;

    public const int MaximumMtu = 9216;

    /// <summary>Payload bytes of an Ethernet frame, as negotiated.</summary>
    public int MaximumTransmissionUnit { get; init; } = 9000;

    /// <summary>The most data frames unacknowledged in each direction.</summary>
    public int WindowFrames { get; init; } = 512;

    /// <summary>The most bytes unacknowledged in each direction, taking every frame for full.</summary>
    public int WindowBytes { get; init; } = 4 << 20;

    /// <summary>Frames that may be filled beyond what the congestion window lets go: a policy decides the later, the fewer there are.</summary>
    public int UnsentFrames { get; init; } = 2;

    /// <summary>Data frames received until an acknowledgement leaves at the end of the round.</summary>
    public int AckEveryFrames { get; init; } = 8;

    /// <summary>The longest that an acknowledgement waits for data to ride on.</summary>
    public int AckDelayMicroseconds { get; init; } = 50;

    /// <summary>How often an idle sender shows that it is there.</summary>
    public int KeepAliveMilliseconds { get; init; } = 1000;

    /// <summary>Without acknowledgement of what is outstanding for so long, or with nothing heard in three keep-alive intervals, the link is out.</summary>
    public int OutageMilliseconds { get; init; } = 200;

    /// <summary>Round trip assumed until one is measured.</summary>
    public int InitialRoundTripMicroseconds { get; init; } = 1000;

    /// <summary>The shortest wait for an acknowledgement before a probe. A peer that the scheduler takes away for a moment is not a loss.</summary>
    public int MinimumProbeMicroseconds { get; init; } = 300;

    /// <summary>The longest wait between two probes.</summary>
    public int MaximumBackoffMilliseconds { get; init; } = 250;

    /// <summary>How far the round trip may rise above the least measured before the sender takes it for a queue of its own making.</summary>
    public int DelayTargetMicroseconds { get; init; } = 500;

    /// <summary>The sequence number that both directions begin with. Other than 0 in tests of wrapping.</summary>
    public SequenceNumber FirstSequence { get; init; }

    /// <summary>Breaks the engine on purpose, so that tests show they would notice.</summary>
    internal LinkSabotage Sabotage { get; init; }

    /// <summary>All mistakes, as sentences; empty if there are none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var mistakes = new List<string>();
        Check(nameof(MaximumTransmissionUnit), MaximumTransmissionUnit, MinimumMtu, MaximumMtu);
        Check(nameof(WindowFrames), WindowFrames, InitialWindowFrames, MaximumWindowFrames);
        Check(nameof(WindowBytes), WindowBytes, InitialWindowFrames * MaximumMtu, 64 << 20);
        Check(nameof(UnsentFrames), UnsentFrames, 1, InitialWindowFrames);
        Check(nameof(AckEveryFrames), AckEveryFrames, 1, InitialWindowFrames);
        Check(nameof(AckDelayMicroseconds), AckDelayMicroseconds, 0, 10_000);
        Check(nameof(KeepAliveMilliseconds), KeepAliveMilliseconds, 10, 60_000);
        Check(nameof(OutageMilliseconds), OutageMilliseconds, 1, 60_000);
        Check(nameof(InitialRoundTripMicroseconds), InitialRoundTripMicroseconds, 1, 1_000_000);
        Check(nameof(MinimumProbeMicroseconds), MinimumProbeMicroseconds, 1, 1_000_000);
        Check(nameof(MaximumBackoffMilliseconds), MaximumBackoffMilliseconds, 1, 10_000);
        Check(nameof(DelayTargetMicroseconds), DelayTargetMicroseconds, 1, 1_000_000);
        return mistakes;

        void Check(string name, int value, int least, int most)
        {
            if (value < least || value > most)
            {
                mistakes.Add($"{name} is {value}; it must be from {least} to {most}.");
            }
        }
    }
}
