namespace PcieOe.Protocol.Nvme;

/// <summary>CMBLOC (NVMe 1.4, section 3.1.11): BIR 2:0, CQMMS 3, CQPDS 4, CDPMLS 5, CDPCILS 6, CDMMMS 7, CQDA 8, OFST 31:12 (in CMBSZ.SZU).</summary>
public readonly record struct MemoryBufferLocation(uint Value)
{
    /// <summary>CDPMLS: a command's data pointer may mix the buffer and host memory.</summary>
    public const uint MixedDataPointersBit = 1 << 5;

    /// <summary>CDPCILS: a command in the buffer may point to data outside it, and the other way round.</summary>
    public const uint IndependentLocationsBit = 1 << 6;

    /// <summary>CDMMMS.</summary>
    public const uint MixedMetadataBit = 1 << 7;

    /// <summary>BIR: the BAR that holds the buffer.</summary>
    public int Bar => (int)(Value & 7);

    /// <summary>OFST, in units of CMBSZ.SZU.</summary>
    public uint OffsetUnits => Value >> 12;
}

/// <summary>CMBSZ (NVMe 1.4, section 3.1.12): SQS 0, CQS 1, LISTS 2, RDS 3, WDS 4, SZU 11:8, SZ 31:12.</summary>
public readonly record struct MemoryBufferSize(uint Value)
{
    public const uint SubmissionQueuesBit = 1 << 0;
    public const uint CompletionQueuesBit = 1 << 1;
    public const uint ListsBit = 1 << 2;
    public const uint ReadDataBit = 1 << 3;
    public const uint WriteDataBit = 1 << 4;

    /// <summary>SQS: submission queues may lie in the buffer.</summary>
    public bool SubmissionQueues => (Value & SubmissionQueuesBit) != 0;

    /// <summary>LISTS: PRP and SGL lists may lie in the buffer.</summary>
    public bool Lists => (Value & ListsBit) != 0;

    /// <summary>RDS: data and metadata that the controller writes may lie in the buffer.</summary>
    public bool ReadData => (Value & ReadDataBit) != 0;

    /// <summary>WDS: data and metadata that the controller reads may lie in the buffer.</summary>
    public bool WriteData => (Value & WriteDataBit) != 0;

    /// <summary>Bytes of one unit (SZU): 4 KiB x 16 ^ SZU.</summary>
    public long UnitBytes => 4096L << (int)(4 * (Value >> 8 & 0xF));

    /// <summary>Bytes of the buffer; 0 where there is none.</summary>
    public long Bytes => (Value >> 12) * UnitBytes;
}

/// <summary>CMBMSC (NVMe 1.4, section 3.1.16): CRE 0, CMSE 1, CBA 63:12.</summary>
public readonly record struct MemoryBufferControl(ulong Value)
{
    /// <summary>CRE: CMBLOC and CMBSZ show the buffer.</summary>
    public const ulong CapabilitiesEnabledBit = 1 << 0;

    /// <summary>CMSE: the controller takes addresses from CBA on for the buffer.</summary>
    public const ulong MemorySpaceEnabledBit = 1 << 1;

    /// <summary>CBA: where the buffer starts in the addresses that commands use.</summary>
    public ulong BaseAddress => Value & ~0xFFFUL;
}
