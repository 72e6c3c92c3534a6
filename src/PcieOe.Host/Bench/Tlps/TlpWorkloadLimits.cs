using PcieOe.Protocol.Tlp;

namespace PcieOe.Host.Bench.Tlps;

/// <summary>Whether single TLPs can be as they are asked for.</summary>
internal static class TlpWorkloadLimits
{
    /// <summary>Of a register; what is larger goes to the controller's memory.</summary>
    internal const int RegisterBytes = 4;

    internal const int SmallestDmaBytes = 4;

    /// <exception cref="WorkloadException">They cannot; the message says why.</exception>
    internal static void Check(WorkloadOptions options, int maximumPayloadBytes)
    {
        if (options.BlockBytes is < SmallestDmaBytes or > TlpLimits.MaximumPayloadBytes || options.BlockBytes % TlpLimits.DoublewordBytes != 0)
        {
            throw new WorkloadException($"A single TLP carries {SmallestDmaBytes} to {TlpLimits.MaximumPayloadBytes} bytes, in fours: {options.BlockBytes} is none of that.");
        }

        if (options.BlockBytes > maximumPayloadBytes)
        {
            throw new WorkloadException($"A single TLP of {options.BlockBytes} bytes does not fit: this path's frames carry {maximumPayloadBytes}.");
        }

        if (options.QueueDepth != 1 || options.RatePerSecond != 0)
        {
            throw new WorkloadException($"{options.PatternName} goes one at a time, with no rate: depth 1.");
        }

        if (options.Seconds is not (> 0 and <= 86_400))
        {
            throw new WorkloadException("Seconds must be above 0 and at most 86400.");
        }
    }
}
