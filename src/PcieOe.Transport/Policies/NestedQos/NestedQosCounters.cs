using PcieOe.Transport.Histograms;

namespace PcieOe.Transport.Policies.NestedQos;

/// <summary>What one class of one tenant got: configured against achieved.</summary>
public sealed class NestedQosClassStatistics : IDisposable
{
    internal NestedQosClassStatistics(string name, long responseNanoseconds)
    {
        Name = name;
        ResponseNanoseconds = responseNanoseconds;
    }

    /// <summary>The class's name; "best-effort" for what fits none.</summary>
    public string Name { get; }

    /// <summary><see cref="long.MaxValue"/> for best effort.</summary>
    public long ResponseNanoseconds { get; internal set; }

    public long Arrivals { get; internal set; }

    public long UnitsArrived { get; internal set; }

    public long Met { get; internal set; }

    public long Missed { get; internal set; }

    /// <summary>From arrival to start.</summary>
    public LatencyHistogram Waiting { get; } = new();

    /// <summary>From arrival to completion.</summary>
    public LatencyHistogram Response { get; } = new();

    /// <summary>Counts anew.</summary>
    public void Clear()
    {
        Arrivals = UnitsArrived = Met = Missed = 0;
        Waiting.Clear();
        Response.Clear();
    }

    internal void OnCompleted(long responseNanoseconds)
    {
        Response.Record(responseNanoseconds);
        if (responseNanoseconds <= ResponseNanoseconds)
        {
            Met++;
        }
        else
        {
            Missed++;
        }
    }

    public void Dispose()
    {
        Waiting.Dispose();
        Response.Dispose();
    }
}
