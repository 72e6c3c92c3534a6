using System.Runtime.InteropServices;

namespace PcieOe.System.Tests;

/// <summary>Signals to processes that a test started (man 2 kill).</summary>
internal static partial class Signals
{
    internal static void Interrupt(int processId) => _ = Kill(processId, 2);

    internal static void Terminate(int processId) => _ = Kill(processId, 15);

    internal static void KillHard(int processId) => _ = Kill(processId, 9);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int processId, int signal);
}
