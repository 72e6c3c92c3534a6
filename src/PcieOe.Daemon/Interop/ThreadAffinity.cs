using System.Runtime.InteropServices;

namespace PcieOe.Daemon.Interop;

/// <summary>Binds the calling thread to a processor (man 2 sched_setaffinity).</summary>
internal static unsafe partial class ThreadAffinity
{
    private const int MaskBytes = 128;

    /// <summary>False where the kernel refuses (no such processor, or not in this process's set).</summary>
    internal static bool TryBind(int processor)
    {
        if (processor is < 0 or >= MaskBytes * 8)
        {
            return false;
        }

        byte* mask = stackalloc byte[MaskBytes];
        mask[processor / 8] = (byte)(1 << (processor % 8));
        return SetAffinity(0, MaskBytes, mask) == 0;
    }

    [LibraryImport("libc", EntryPoint = "sched_setaffinity", SetLastError = true)]
    private static partial int SetAffinity(int thread, nuint maskBytes, byte* mask);
}
