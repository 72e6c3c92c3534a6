using System.Runtime.InteropServices;

namespace PcieOe.Host.Interop;

/// <summary>madvise(2).</summary>
internal static unsafe partial class MemoryAdvice
{
    private const int HugePagesAdvice = 14;

    /// <summary>Asks for huge pages under a range whose start is page-aligned. A kernel without them says no, which changes nothing.</summary>
    public static void PreferHugePages(byte* start, nuint bytes) => _ = Advise(start, bytes, HugePagesAdvice);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint length, int advice);
}
