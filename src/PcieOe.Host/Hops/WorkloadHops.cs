using PcieOe.Host.Bench;
using PcieOe.Transport.Hops;

namespace PcieOe.Host.Hops;

/// <summary>
/// The hops of one workload's sampled commands, over its time and by label. A command is counted in its interval; those whose labels are
/// not the first command's are counted once more by label, so that the first's are what is left, and a workload of one kind pays once.
/// Memory is taken at the start. The worker writes; what reads comes when it has ended.
/// </summary>
internal sealed class WorkloadHops : IDisposable
{
    /// <summary>Of labels beside the first command's; more of them count in the last.</summary>
    private const int MaximumOthers = 8;

    private readonly HopHistograms[] _intervals;
    private readonly LabelledHops _others = new(capacity: MaximumOthers, areMade: true);
    private readonly IntervalClock _clock;
    private HopLabels _first;
    private bool _hasFirst;

    internal WorkloadHops(double seconds)
    {
        _clock = new IntervalClock(seconds);
        _intervals = new HopHistograms[_clock.Count];
        for (int i = 0; i < _intervals.Length; i++)
        {
            _intervals[i] = new HopHistograms();
        }
    }

    /// <summary>Commands recorded.</summary>
    internal long Count { get; private set; }

    internal IReadOnlyList<HopHistograms> Intervals => _intervals;

    internal void Start(long now) => _clock.Start(now);

    /// <param name="parts">As <see cref="HopHistograms.RecordParts"/>; empty: unknown.</param>
    internal void Record(in HopLabels labels, ReadOnlySpan<long> hops, ReadOnlySpan<long> parts, long whole, long now)
    {
        if (!_hasFirst)
        {
            _hasFirst = true;
            _first = labels;
        }

        Record(_intervals[_clock.IndexAt(now)], hops, parts, whole);
        if (labels != _first)
        {
            Record(_others.For(labels), hops, parts, whole);
        }

        Count++;
    }

    /// <summary>Everything apart by label.</summary>
    internal LabelledHops ByLabel()
    {
        LabelledHops all = new(capacity: MaximumOthers + 1, areMade: true);
        if (_hasFirst)
        {
            HopHistograms first = all.For(_first);
            foreach (HopHistograms interval in _intervals)
            {
                first.Add(interval);
            }

            for (int i = 0; i < _others.Count; i++)
            {
                first.Subtract(_others[i].Histograms);
            }

            all.Add(_others);
        }

        return all;
    }

    public void Dispose()
    {
        foreach (HopHistograms interval in _intervals)
        {
            interval.Dispose();
        }

        _others.Dispose();
    }

    private static void Record(HopHistograms histograms, ReadOnlySpan<long> hops, ReadOnlySpan<long> parts, long whole)
    {
        histograms.Record(hops, whole);
        if (!parts.IsEmpty)
        {
            histograms.RecordParts(parts);
        }
    }
}
