namespace PcieOe.Protocol.Nvme;

/// <summary>CC (NVMe 1.4, section 3.1.5): EN 0, CSS 6:4, MPS 10:7, AMS 13:11, SHN 15:14, IOSQES 19:16, IOCQES 23:20.</summary>
public readonly record struct ControllerConfiguration(uint Value)
{
    /// <summary>The bits software may write.</summary>
    public const uint WritableBits = 0x00FF_FFF1;

    /// <summary>EN: the controller processes commands.</summary>
    public bool Enabled => (Value & 1) != 0;

    /// <summary>CSS: 0 for the NVM command set.</summary>
    public int CommandSet => (int)(Value >> 4 & 7);

    /// <summary>MPS: memory pages have 2 ^ (12 + MPS) bytes.</summary>
    public int PageSizeExponent => (int)(Value >> 7 & 0xF);

    /// <summary>AMS: 0 for round robin.</summary>
    public int Arbitration => (int)(Value >> 11 & 7);

    /// <summary>SHN.</summary>
    public ShutdownNotification Shutdown => (ShutdownNotification)(Value >> 14 & 3);

    /// <summary>IOSQES: submission entries have 2 ^ IOSQES bytes.</summary>
    public int SubmissionEntrySizeExponent => (int)(Value >> 16 & 0xF);

    /// <summary>IOCQES: completion entries have 2 ^ IOCQES bytes.</summary>
    public int CompletionEntrySizeExponent => (int)(Value >> 20 & 0xF);

    /// <summary>Enabled, NVM command set, 4 KiB pages, entries of 64 and 16 bytes.</summary>
    public static ControllerConfiguration Default => new(1 | 6 << 16 | 4 << 20);
}

/// <summary>CC.SHN.</summary>
public enum ShutdownNotification : byte
{
    None = 0,
    Normal = 1,
    Abrupt = 2,
}
