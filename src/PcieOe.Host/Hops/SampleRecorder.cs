using PcieOe.Protocol.Clocks;
using PcieOe.Protocol.Hops;
using PcieOe.Transport.Hops;

namespace PcieOe.Host.Hops;

/// <summary>
/// What the samples of one attachment amount to: takes the time at each hop from both sides' instants, and counts it for the present
/// workload or in total. On the worker's thread; nothing allocates for a sample.
/// </summary>
/// <param name="targetClock">The target's clock against this one; null where both are the same.</param>
/// <param name="tenant">Whom the commands count for: a label.</param>
internal sealed class SampleRecorder(ClockOffsetEstimator? targetClock, string tenant) : IDisposable
{
    private readonly long[] _hops = new long[HopNames.Count];
    private readonly long[] _parts = new long[HopHistograms.PartCount];
    private long _errorNanoseconds;
    private long _offsetNanoseconds;

    /// <summary>All samples of this attachment but those of a workload that still runs.</summary>
    internal LabelledHops Totals { get; } = new();

    /// <summary>Those of the present workload, and the slowest of them; null: there is none.</summary>
    internal WorkloadHops? Workload { get; private set; }

    internal SlowestCommands? Slowest { get; private set; }

    /// <summary>What one-way times rest on, as of the last sample.</summary>
    internal ClockSummary Clock => new()
    {
        Source = targetClock is null ? "shared" : "estimated",
        ErrorBoundMicroseconds = Math.Round(_errorNanoseconds / 1000.0, 3),
    };

    /// <summary>The target's clock less this one, as of the last sample.</summary>
    internal double OffsetMicroseconds => Math.Round(_offsetNanoseconds / 1000.0, 3);

    /// <summary>What follows counts for one workload.</summary>
    internal void Begin(WorkloadHops hops, SlowestCommands? slowest, long now)
    {
        Workload = hops;
        hops.Start(now);
        Slowest = slowest;
    }

    /// <summary>What follows counts in total.</summary>
    internal void End()
    {
        Workload = null;
        Slowest = null;
    }

    public void Dispose() => Totals.Dispose();

    /// <summary>Counts a sample of which everything is known; not before the offset of the target's clock is known too.</summary>
    internal void Record(in HopSample sample, long now)
    {
        long offset = 0;
        if (targetClock is not null)
        {
            if (!targetClock.TryEstimate(now, out ClockOffset estimate))
            {
                return;
            }

            offset = _offsetNanoseconds = estimate.OffsetNanoseconds;
            _errorNanoseconds = estimate.ErrorNanoseconds;
        }

        ref readonly HopReport target = ref sample.Target;
        Span<long> hops = _hops;
        hops[(int)Hop.Submit] = sample.IssuedAt - sample.BegunAt;
        hops[(int)Hop.HostQueue] = sample.PostedAt - sample.IssuedAt;
        hops[(int)Hop.HostTransmit] = sample.LeftAt - sample.PostedAt;
        hops[(int)Hop.WireOut] = target.ArrivedAt - offset - sample.LeftAt;
        hops[(int)Hop.TargetReceive] = target.TargetReceive;
        hops[(int)Hop.PolicyWait] = target.PolicyWait;
        hops[(int)Hop.FlashQueue] = target.FlashQueue;
        hops[(int)Hop.FlashCell] = target.FlashCell;
        hops[(int)Hop.FlashTransfer] = target.FlashTransfer;
        hops[(int)Hop.TargetQueue] = target.TargetQueue;
        hops[(int)Hop.TargetTransmit] = sample.TargetLeftAt - target.WritingAt;
        hops[(int)Hop.WireBack] = sample.ReceivedAt - (sample.TargetLeftAt - offset);
        hops[(int)Hop.HostReceive] = sample.FoundAt - sample.ReceivedAt;
        hops[(int)Hop.Complete] = sample.EndedAt - sample.FoundAt;
        ReadOnlySpan<long> parts = Parts(sample, hops);
        HopLabels labels = new(tenant, target.Class, target.Opcode, HopLabels.RoundSize(target.DataBytes), sample.IsRetransmitted);
        if (Workload is not null)
        {
            Workload.Record(labels, hops, parts, sample.Whole, sample.EndedAt);
        }
        else
        {
            HopHistograms histograms = Totals.For(labels);
            histograms.Record(hops, sample.Whole);
            if (!parts.IsEmpty)
            {
                histograms.RecordParts(parts);
            }
        }

        Slowest?.Show(sample.Whole, sample.EndedAt, target.Opcode, target.DataBytes, hops);
    }

    /// <summary>What of wire-out and wire-back lies before and behind the receiving kernel's timestamp; empty: one of them is unknown.</summary>
    private ReadOnlySpan<long> Parts(in HopSample sample, ReadOnlySpan<long> hops)
    {
        if (!sample.Target.IsRingWaitKnown || sample.KernelHadAt == 0)
        {
            return default;
        }

        long wireOut = hops[(int)Hop.WireOut], wireBack = hops[(int)Hop.WireBack];
        _parts[1] = Math.Clamp(sample.Target.RingWait, 0, Math.Max(0, wireOut));
        _parts[0] = wireOut - _parts[1];
        _parts[3] = Math.Clamp(sample.ReceivedAt - sample.KernelHadAt, 0, Math.Max(0, wireBack));
        _parts[2] = wireBack - _parts[3];
        return _parts;
    }
}
