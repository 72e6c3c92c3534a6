using System.Globalization;

namespace PcieOe.Cli.Lab;

/// <summary>
/// Keeps the calling thread, or all of the process, and what it starts meanwhile, on one processor; afterwards it may use all of them again.
/// A wish, not a promise: where the system refuses, all processors stay allowed.
/// </summary>
internal readonly unsafe struct ProcessorRestriction : IDisposable
{
    // cpu_set_t
    private const int MaskBytes = 128;
    private const int CallingThread = 0;

    private readonly bool _isOfProcess;
    private readonly bool _restricted;

    /// <summary>Of the calling thread. Null: none.</summary>
    internal ProcessorRestriction(int? processor)
        : this(processor, isOfProcess: false)
    {
    }

    private ProcessorRestriction(int? processor, bool isOfProcess)
    {
        if (processor is not { } number || number >= MaskBytes * 8)
        {
            return;
        }

        byte* mask = stackalloc byte[MaskBytes];
        mask[number / 8] = (byte)(1 << number % 8);
        _isOfProcess = isOfProcess;
        _restricted = TrySet(isOfProcess, mask);
    }

    /// <summary>Of all threads that the process has, and of those that they start. Null: none.</summary>
    internal static ProcessorRestriction OfProcess(int? processor) => new(processor, isOfProcess: true);

    public void Dispose()
    {
        if (_restricted)
        {
            byte* mask = stackalloc byte[MaskBytes];
            new Span<byte>(mask, MaskBytes).Fill(0xFF);
            _ = TrySet(_isOfProcess, mask);
        }
    }

    private static bool TrySet(bool isOfProcess, byte* mask)
    {
        if (!isOfProcess)
        {
            return NamespaceCalls.SetAffinity(CallingThread, MaskBytes, mask) == 0;
        }

        // A thread that ends meanwhile is no reason not to go on.
        bool isSet = false;
        foreach (string thread in Directory.EnumerateDirectories("/proc/self/task"))
        {
            isSet |= NamespaceCalls.SetAffinity(int.Parse(Path.GetFileName(thread), CultureInfo.InvariantCulture), MaskBytes, mask) == 0;
        }

        return isSet;
    }
}
