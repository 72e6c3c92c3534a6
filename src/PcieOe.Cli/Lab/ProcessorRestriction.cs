namespace PcieOe.Cli.Lab;

/// <summary>
/// Keeps the calling thread, and what it starts meanwhile, on one processor; afterwards it may use all of them again.
/// A wish, not a promise: where the system refuses, all processors stay allowed.
/// </summary>
internal readonly unsafe struct ProcessorRestriction : IDisposable
{
    // cpu_set_t
    private const int MaskBytes = 128;

    private readonly bool _restricted;

    internal ProcessorRestriction(int? processor)
    {
        if (processor is not { } number || number >= MaskBytes * 8)
        {
            return;
        }

        byte* mask = stackalloc byte[MaskBytes];
        mask[number / 8] = (byte)(1 << number % 8);
        _restricted = NamespaceCalls.SetAffinity(0, MaskBytes, mask) == 0;
    }

    public void Dispose()
    {
        if (_restricted)
        {
            byte* mask = stackalloc byte[MaskBytes];
            new Span<byte>(mask, MaskBytes).Fill(0xFF);
            _ = NamespaceCalls.SetAffinity(0, MaskBytes, mask);
        }
    }
}
