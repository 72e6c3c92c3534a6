using System.Runtime.InteropServices;

namespace PcieOe.Host.Interop;

/// <summary>The error numbers that are met or answered (asm-generic/errno.h).</summary>
internal static class Errno
{
    internal const int None = 0;
    internal const int NoEntry = 2;
    internal const int Interrupted = 4;
    internal const int InputOutput = 5;
    internal const int TooBig = 7;
    internal const int TryAgain = 11;
    internal const int Busy = 16;
    internal const int Exists = 17;
    internal const int InvalidArgument = 22;
    internal const int NoSpace = 28;
    internal const int NotImplemented = 38;
    internal const int NotSupported = 95;
    internal const int AddressInUse = 98;
    internal const int TimedOut = 110;
    internal const int ConnectionRefused = 111;

    /// <summary>The system's own words for a failure, with its number.</summary>
    internal static string Describe(int error) => $"{Marshal.GetPInvokeErrorMessage(error)} (errno {error})";
}
