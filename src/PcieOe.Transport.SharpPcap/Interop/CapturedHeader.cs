using System.Runtime.InteropServices;

namespace PcieOe.Transport.SharpPcap.Interop;

/// <summary>
/// <c>struct pcap_pkthdr</c> (pcap/pcap.h) where a <c>struct timeval</c> has two 64-bit members, as on every 64-bit Linux: what libpcap
/// puts before each frame.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal struct CapturedHeader
{
    public long Seconds;

    /// <summary>Nanoseconds, since the device is opened with that resolution.</summary>
    public long Nanoseconds;

    public uint CapturedLength;

    /// <summary>Bytes the frame had; more than were captured if it was cut.</summary>
    public uint FrameLength;
}
