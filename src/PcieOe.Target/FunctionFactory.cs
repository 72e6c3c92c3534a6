using PcieOe.FlashEndpoint.Controller;
using PcieOe.FlashEndpoint.Media;
using PcieOe.FlashEndpoint.Media.Files;
using PcieOe.FlashEndpoint.Media.Memory;
using PcieOe.FlashEndpoint.Pcie;
using PcieOe.FlashEndpoint.Timing;
using PcieOe.Protocol.Functions;
using PcieOe.Target.Configuration;
using PcieOe.Target.Engine;
using PcieOe.Target.Functions;
using PcieOe.Target.Hops;
using PcieOe.Target.Policies;

namespace PcieOe.Target;

/// <summary>Makes the functions of the pool: medium, timing, controller, bridge.</summary>
internal static class FunctionFactory
{
    /// <exception cref="IOException">A medium cannot be had; the message names the function and says what to do.</exception>
    /// <param name="policy">What decides when commands start; null: they start at once.</param>
    internal static PooledFunction Create(FunctionOptions options, NestedQosPolicy? policy, TargetHops hops)
    {
        IBlockMedia medium;
        try
        {
            medium = OpenMedium(options);
        }
        catch (MediaException exception)
        {
            throw new IOException($"Function {options.Name}: {exception.Message}", exception);
        }

        FlashTiming? timing = options.Timing.Parameters is { } parameters ? new FlashTiming(parameters) : null;
        // It disposes of the medium, too.
        NvmeFunction function = new(
            new NvmeOptions
            {
                SerialNumber = SerialNumberOf(options.Name),
                IoQueuePairs = options.QueuePairs,
                MemoryBufferBytes = options.MemoryBufferBytes,
                Namespaces = options.Namespaces,
                NamespaceManagement = options.NamespaceManagement,
                MaximumOutstandingCommands = policy is null ? NvmeOptions.DefaultMaximumOutstandingCommands : NestedQosAdmission.MaximumCommands,
            },
            medium,
            timing as IFlashTiming ?? NoFlashTiming.Instance);
        NestedQosAdmission? admission = policy?.CreateAdmission();
        FunctionBridge bridge = new(function, admission as IAdmission ?? new UnlimitedAdmission(), new FunctionBridgeOptions(), hops.CreateRecorder());
        return new PooledFunction(options.Name, function, function, bridge, admission, options.Hosts, options.Media.SizeBytes, $"{options.Media}, {options.Timing}")
        {
            Timing = timing,
        };
    }

    private static IBlockMedia OpenMedium(FunctionOptions options)
    {
        if (options.Media.File is not { } file)
        {
            return new MemoryMedium(options.Media.SizeBytes, preallocate: options.Media.Preallocates);
        }

        long area = options.NamespaceManagement == NamespaceManagement.Persistent ? NamespaceStore.AreaBytes : 0;
        return FileMedium.Open(file with { SizeBytes = file.SizeBytes + area });
    }

    // Twenty characters that stay the same over restarts and differ between functions: FNV-1a of the name behind as much of it as fits.
    private static string SerialNumberOf(string name)
    {
        uint hash = 2166136261;
        foreach (byte octet in System.Text.Encoding.UTF8.GetBytes(name))
        {
            hash = (hash ^ octet) * 16777619;
        }

        string readable = new([.. name.Where(letter => letter is > ' ' and <= '~').Take(11)]);
        return $"{readable}-{hash:X8}";
    }
}
