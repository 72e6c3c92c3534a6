using PcieOe.Host.NvmeDriver;

namespace PcieOe.Host.Bench;

/// <summary>A workload cannot run; the message says why, and what would.</summary>
internal sealed class WorkloadException(string message) : Exception(message);

/// <summary>Whether a workload fits what there is.</summary>
internal static class WorkloadLimits
{
    internal static void Check(WorkloadOptions options, NvmeBlockDriver driver, NamespaceInfo target)
    {
        if (options.BlockBytes <= 0 || options.BlockBytes % target.BlockBytes != 0)
        {
            throw new WorkloadException($"A block size of {options.BlockBytes} is no multiple of the namespace's {target.BlockBytes}-byte blocks.");
        }

        if (options.BlockBytes > driver.MaximumTransferBytes)
        {
            throw new WorkloadException($"A block size of {options.BlockBytes} is beyond what the device takes in one command: {driver.MaximumTransferBytes}.");
        }

        if (options.QueueDepth < 1 || options.QueueDepth > driver.QueueDepth)
        {
            throw new WorkloadException($"A depth of {options.QueueDepth} is out of range: 1 to {driver.QueueDepth}.");
        }

        if ((long)target.Blocks * target.BlockBytes < options.BlockBytes || options.WorkingSetBytes < options.BlockBytes)
        {
            throw new WorkloadException($"A working set of {options.WorkingSetBytes} bytes has no room for a block of {options.BlockBytes}.");
        }

        long units = Math.Min(options.WorkingSetBytes, (long)target.Blocks * target.BlockBytes) / options.BlockBytes;
        if (options.Pattern == WorkloadPattern.Verify && units <= options.QueueDepth)
        {
            throw new WorkloadException($"A verified workload needs more blocks ({units}) than commands under way ({options.QueueDepth}): enlarge the working set.");
        }

        if (options.Pattern == WorkloadPattern.Verify && options.BlockBytes % 64 != 0)
        {
            throw new WorkloadException("A verified workload's block size is a multiple of 64.");
        }

        if (options.ReadPercent is < 0 or > 100)
        {
            throw new WorkloadException("The share of reads goes from 0 to 100 percent.");
        }

        if (options.Seconds is not (> 0 and <= 86_400) || options.RatePerSecond is not (>= 0 and <= 1e9))
        {
            throw new WorkloadException("Seconds must be above 0 and at most 86400, a rate from 0 to 1000000000.");
        }
    }
}
