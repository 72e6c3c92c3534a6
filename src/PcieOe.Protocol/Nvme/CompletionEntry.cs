using System.Runtime.InteropServices;

namespace PcieOe.Protocol.Nvme;

/// <summary>A completion queue entry as it lies in memory, little-endian, 16 bytes (NVMe 1.4, section 4.6).</summary>
[StructLayout(LayoutKind.Explicit, Size = SizeBytes)]
public struct CompletionEntry
{
    public const int SizeBytes = 16;

    /// <summary>The phase tag's bit in <see cref="StatusField"/>.</summary>
    public const ushort PhaseBit = 0x0001;

    /// <summary>M: the error log tells more.</summary>
    public const ushort MoreBit = 0x4000;

    /// <summary>DNR: the same command would fail again.</summary>
    public const ushort DoNotRetryBit = 0x8000;

    /// <summary>Dword 0, command specific.</summary>
    [FieldOffset(0)] public uint Result;

    [FieldOffset(4)] public uint ResultHigh;

    /// <summary>SQHD.</summary>
    [FieldOffset(8)] public ushort SubmissionQueueHead;

    /// <summary>SQID.</summary>
    [FieldOffset(10)] public ushort SubmissionQueueId;

    [FieldOffset(12)] public ushort CommandId;

    /// <summary>Phase tag 0, status code 8:1, status code type 11:9, CRD 13:12, M 14, DNR 15.</summary>
    [FieldOffset(14)] public ushort StatusField;

    /// <summary>The phase tag.</summary>
    public readonly bool Phase => (StatusField & PhaseBit) != 0;

    /// <summary>Status code type and status code.</summary>
    public readonly NvmeStatus Status => (NvmeStatus)(StatusField >> 1 & 0x7FF);

    public readonly bool DoNotRetry => (StatusField & DoNotRetryBit) != 0;

    /// <summary>The status field of <paramref name="status"/> with the given flags and phase.</summary>
    public static ushort MakeStatusField(NvmeStatus status, ushort flags, bool phase) =>
        (ushort)((int)status << 1 | flags | (phase ? PhaseBit : 0));
}
