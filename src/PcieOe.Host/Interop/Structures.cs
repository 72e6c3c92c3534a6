using System.Runtime.InteropServices;

namespace PcieOe.Host.Interop;

/// <summary>struct iovec.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct BufferVector
{
    public void* Data;
    public nuint Length;
}

/// <summary>struct msghdr (man 3 sockaddr, man 2 recvmsg), as the 64-bit C libraries lay it out.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct MessageHeader
{
    public void* Name;
    public uint NameLength;
    public BufferVector* Vectors;
    public nuint VectorCount;
    public void* Control;
    public nuint ControlLength;
    public int Flags;
}

/// <summary>struct cmsghdr; the data follows, and the whole is padded to 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ControlHeader
{
    public nuint Length;
    public int Level;
    public int Type;
}

/// <summary>struct pollfd.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PollEntry
{
    public const short InputReady = 0x1;
    public const short OutputReady = 0x4;

    /// <summary>Error, hang-up or a closed descriptor; reported whether asked for or not.</summary>
    public const short HangUp = 0x8 | 0x10 | 0x20;

    public int Descriptor;
    public short Events;
    public short Returned;
}

/// <summary>struct timespec.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TimeSpecification
{
    public long Seconds;
    public long Nanoseconds;
}

/// <summary>struct statx (man 2 statx): the same on every architecture, which struct stat is not. Only what is used has a name.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal struct FileStatus
{
    [FieldOffset(0)] public uint Mask;
    [FieldOffset(28)] public ushort Mode;
    [FieldOffset(40)] public ulong SizeBytes;
}

/// <summary>struct statfs of the 64-bit architectures. Only the kind of the file system is used.</summary>
[StructLayout(LayoutKind.Explicit, Size = 120)]
internal struct FileSystemInformation
{
    [FieldOffset(0)] public long Kind;
}

/// <summary>struct sockaddr_un.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct UnixSocketAddress
{
    public const int PathBytes = 108;

    public ushort Family;
    public fixed byte Path[PathBytes];
}
