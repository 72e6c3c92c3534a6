using PcieOe.Protocol.Hops;
using PcieOe.Transport.Histograms;

namespace PcieOe.Transport.Hops;

/// <summary>Histograms of consecutive hops, of the whole, and of what the hops leave of it. One thread writes.</summary>
public sealed class HopHistograms : IDisposable
{
    private readonly Hop _first;
    private readonly LatencyHistogram[] _hops;
    private readonly LatencyHistogram _whole = new();
    private readonly LatencyHistogram _residual = new();

    /// <param name="first">The hops that are known: from this one</param>
    /// <param name="last">to this one.</param>
    public HopHistograms(Hop first = Hop.Submit, Hop last = Hop.Complete)
    {
        _first = first;
        _hops = new LatencyHistogram[last - first + 1];
        for (int i = 0; i < _hops.Length; i++)
        {
            _hops[i] = new LatencyHistogram();
        }
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

    /// <summary>Adds what another one of the same hops has recorded.</summary>
    public void Add(HopHistograms other)
    {
        for (int i = 0; i < _hops.Length; i++)
        {
            _hops[i].Add(other._hops[i]);
        }

        _whole.Add(other._whole);
        _residual.Add(other._residual);
    }

    public IReadOnlyList<HopSummary> Hops() => [.. _hops.Select((histogram, index) => HopSummary.Of(HopNames.Of((Hop)((int)_first + index)), histogram))];

    public HopSummary Whole(string name) => HopSummary.Of(name, _whole);

    public void Dispose()
    {
        foreach (LatencyHistogram histogram in _hops)
        {
            histogram.Dispose();
        }

        _whole.Dispose();
        _residual.Dispose();
    }
}
