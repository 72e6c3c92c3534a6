using PcieOe.Protocol.Hops;
using PcieOe.Transport.Histograms;

namespace PcieOe.Transport.Hops;

/// <summary>
/// Histograms of consecutive hops, of the whole, of what the hops leave of it, and of the two hops in which frames are received what lies
/// before and behind the kernel's receive timestamp. One thread writes.
/// </summary>
public sealed class HopHistograms : IDisposable
{
    /// <summary>Of wire-out and wire-back, in this order: until the receiving kernel had the frame, and from there until the poll round.</summary>
    public const int PartCount = 4;

    private static readonly (Hop Hop, string Part)[] PartNames =
        [(Hop.WireOut, "kernel"), (Hop.WireOut, "daemon"), (Hop.WireBack, "kernel"), (Hop.WireBack, "daemon")];

    private readonly Hop _first;
    private readonly LatencyHistogram[] _hops;
    private readonly LatencyHistogram[] _parts = new LatencyHistogram[PartCount];
    private readonly LatencyHistogram _whole = new();
    private readonly LatencyHistogram _residual = new();

    /// <param name="first">The hops that are known: from this one</param>
    /// <param name="last">to this one.</param>
    public HopHistograms(Hop first = Hop.Submit, Hop last = Hop.Complete)
    {
        _first = first;
        _hops = new LatencyHistogram[last - first + 1];
        Fill(_hops);
        Fill(_parts);
    }

    /// <summary>Commands recorded.</summary>
    public long Count => _whole.Count;

    public double ResidualMicroseconds => _residual.ValueAtPercentile(50) / 1000.0;

    /// <summary>Records one command.</summary>
    /// <param name="hops">Nanoseconds, one for each hop. Where clocks of two boxes are compared one may be negative, and counts as 0.</param>
    /// <param name="whole">The command's whole time, measured by itself.</param>
    public void Record(ReadOnlySpan<long> hops, long whole)
    {
        long sum = 0;
        for (int i = 0; i < _hops.Length; i++)
        {
            _hops[i].Record(hops[i]);
            sum += hops[i];
        }

        _whole.Record(whole);
        _residual.Record(whole - sum);
    }

    /// <summary>Records the parts of one command's receiving hops, where the ports gave timestamps.</summary>
    /// <param name="parts">Nanoseconds, <see cref="PartCount"/> of them; each pair adds up to its hop.</param>
    public void RecordParts(ReadOnlySpan<long> parts)
    {
        for (int i = 0; i < PartCount; i++)
        {
            _parts[i].Record(parts[i]);
        }
    }

    /// <summary>Adds what another one of the same hops has recorded.</summary>
    public void Add(HopHistograms other)
    {
        foreach ((LatencyHistogram own, LatencyHistogram added) in All().Zip(other.All()))
        {
            own.Add(added);
        }
    }

    /// <summary>Takes away what is counted in <paramref name="part"/> too.</summary>
    public void Subtract(HopHistograms part)
    {
        foreach ((LatencyHistogram own, LatencyHistogram taken) in All().Zip(part.All()))
        {
            own.Subtract(taken);
        }
    }

    public IReadOnlyList<HopSummary> Hops() => [.. _hops.Select((histogram, index) => HopSummary.Of(HopNames.Of((Hop)((int)_first + index)), histogram))];

    /// <summary>Empty where no port gave timestamps.</summary>
    public IReadOnlyList<HopSummary> Parts() => _parts[0].Count == 0 ? []
        : [.. _parts.Select((histogram, index) => HopSummary.Of(PartNames[index].Part, histogram) with { Hop = HopNames.Of(PartNames[index].Hop) })];

    public HopSummary Whole(string name) => HopSummary.Of(name, _whole);

    /// <summary>In the order of <see cref="Hops"/>.</summary>
    public IReadOnlyList<LatencyHistogram> HopHistogramsInOrder => _hops;

    /// <summary>In the order of <see cref="Parts"/>.</summary>
    public IReadOnlyList<LatencyHistogram> PartHistograms => _parts;

    public LatencyHistogram WholeHistogram => _whole;

    public void Dispose()
    {
        foreach (LatencyHistogram histogram in All())
        {
            histogram.Dispose();
        }
    }

    private static void Fill(LatencyHistogram[] histograms)
    {
        for (int i = 0; i < histograms.Length; i++)
        {
            histograms[i] = new LatencyHistogram();
        }
    }

    private IEnumerable<LatencyHistogram> All() => [.. _hops, .. _parts, _whole, _residual];
}
