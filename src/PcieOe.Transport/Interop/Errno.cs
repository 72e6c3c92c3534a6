using System.Runtime.InteropServices;

namespace PcieOe.Transport.Interop;

/// <summary>The error numbers that are told apart (asm-generic/errno.h).</summary>
internal static class Errno
{
    internal const int NotPermitted = 1;
    internal const int Interrupted = 4;
    internal const int NoSuchDeviceOrAddress = 6;
    internal const int TryAgain = 11;
    internal const int AccessDenied = 13;
    internal const int NoSuchDevice = 19;
    internal const int InvalidArgument = 22;
    internal const int NetworkDown = 100;
    internal const int NoBufferSpace = 105;

    /// <summary>The system's own words for the last failure, with its number.</summary>
    internal static string Describe(int error) => $"{Marshal.GetPInvokeErrorMessage(error)} (errno {error})";
}
