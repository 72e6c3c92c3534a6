using System.Runtime.InteropServices;

namespace PcieOe.FlashEndpoint.Interop;

/// <summary>Numbers of the io_uring system interface (Linux, include/uapi/linux/io_uring.h).</summary>
internal static class IoUringAbi
{
    // System call numbers: the same on all architectures.
    public const int Setup = 425;
    public const int Enter = 426;
    public const int Register = 427;

    public const byte OperationSynchronize = 3;
    public const byte OperationAllocate = 17;
    public const byte OperationRead = 22;
    public const byte OperationWrite = 23;

    public const uint SynchronizeDataOnly = 1;

    public const uint FeatureSingleMap = 1;
    public const uint FeatureNoDrop = 2;

    public const uint RegisterProbe = 8;
    public const ushort ProbeSupported = 1;

    public const long MapRingOffset = 0;
    public const long MapEntriesOffset = 0x10000000;
}

/// <summary>struct io_uring_params.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct IoUringParameters
{
    public uint SubmissionEntries;
    public uint CompletionEntries;
    public uint Flags;
    public uint SubmissionThreadCpu;
    public uint SubmissionThreadIdle;
    public uint Features;
    public uint WorkQueueDescriptor;
    public uint Reserved0;
    public uint Reserved1;
    public uint Reserved2;
    public IoUringSubmissionOffsets SubmissionOffsets;
    public IoUringCompletionOffsets CompletionOffsets;
}

/// <summary>struct io_sqring_offsets.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct IoUringSubmissionOffsets
{
    public uint Head;
    public uint Tail;
    public uint RingMask;
    public uint RingEntries;
    public uint Flags;
    public uint Dropped;
    public uint Array;
    public uint Reserved;
    public ulong UserAddress;
}

/// <summary>struct io_cqring_offsets.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct IoUringCompletionOffsets
{
    public uint Head;
    public uint Tail;
    public uint RingMask;
    public uint RingEntries;
    public uint Overflow;
    public uint Entries;
    public uint Flags;
    public uint Reserved;
    public ulong UserAddress;
}

/// <summary>struct io_uring_sqe, with the names its fields have for files.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct IoUringSubmission
{
    public byte Operation;
    public byte Flags;
    public ushort Priority;
    public int Descriptor;
    public long Offset;

    /// <summary>A buffer, or the length of an allocation.</summary>
    public ulong Address;

    /// <summary>Bytes, or the mode of an allocation.</summary>
    public uint Length;
    public uint OperationFlags;
    public ulong UserData;
    public ushort BufferIndex;
    public ushort Personality;
    public int FileIndex;
    public ulong Address3;
    public ulong Padding;
}

/// <summary>struct io_uring_cqe.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct IoUringCompletion
{
    public ulong UserData;
    public int Result;
    public uint Flags;
}

/// <summary>struct io_uring_probe with the first 64 of its struct io_uring_probe_op.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct IoUringProbe
{
    public const int Operations = 64;

    public byte LastOperation;
    public byte OperationsLength;
    public ushort Reserved;
    public fixed uint Reserved2[3];

    /// <summary>For each: operation (8 bits), reserved (8), flags (16), reserved (32).</summary>
    public fixed ulong Operation[Operations];

    public readonly bool Supports(byte operation) =>
        operation <= LastOperation && ((Operation[operation] >> 16) & IoUringAbi.ProbeSupported) != 0;
}
