using System.Runtime.InteropServices;
using Xunit;

namespace PcieOe.Transport.Tests.Ports;

/// <summary>Takes capabilities from the calling thread alone (man 2 capset).</summary>
internal static unsafe partial class ThreadCapabilities
{
    internal const uint NetRaw = 1 << 13;
    private const uint Version3 = 0x20080522;

    internal static void Keep(uint capabilities)
    {
        uint* header = stackalloc uint[2] { Version3, 0 };
        // Effective, permitted, inheritable; then the same for capabilities from 32 on.
        uint* data = stackalloc uint[6] { capabilities, capabilities, 0, 0, 0, 0 };
        Assert.Equal(0, SetCapabilities(header, data));
    }

    [LibraryImport("libc", EntryPoint = "capset", SetLastError = true)]
    private static partial int SetCapabilities(uint* header, uint* data);
}
