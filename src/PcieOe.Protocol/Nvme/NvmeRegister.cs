namespace PcieOe.Protocol.Nvme;

/// <summary>Offsets of the controller's registers in BAR0 (NVMe 1.4, section 3.1). All are little-endian.</summary>
public static class NvmeRegister
{
    /// <summary>CAP: controller capabilities, 64 bits.</summary>
    public const int Capabilities = 0x00;

    /// <summary>VS: version, 32 bits.</summary>
    public const int Version = 0x08;

    /// <summary>INTMS: interrupt mask set, 32 bits; reserved while MSI-X is in use.</summary>
    public const int InterruptMaskSet = 0x0C;

    /// <summary>INTMC: interrupt mask clear, 32 bits.</summary>
    public const int InterruptMaskClear = 0x10;

    /// <summary>CC: controller configuration, 32 bits.</summary>
    public const int Configuration = 0x14;

    /// <summary>CSTS: controller status, 32 bits.</summary>
    public const int Status = 0x1C;

    /// <summary>NSSR: NVM subsystem reset, 32 bits.</summary>
    public const int SubsystemReset = 0x20;

    /// <summary>AQA: admin queue attributes, 32 bits (ASQS 11:0 and ACQS 27:16, both zero-based).</summary>
    public const int AdminQueueAttributes = 0x24;

    /// <summary>ASQ: admin submission queue base address, 64 bits.</summary>
    public const int AdminSubmissionQueue = 0x28;

    /// <summary>ACQ: admin completion queue base address, 64 bits.</summary>
    public const int AdminCompletionQueue = 0x30;

    /// <summary>CMBLOC: controller memory buffer location, 32 bits.</summary>
    public const int MemoryBufferLocation = 0x38;

    /// <summary>CMBSZ: controller memory buffer size, 32 bits.</summary>
    public const int MemoryBufferSize = 0x3C;

    /// <summary>CMBMSC: controller memory buffer memory space control, 64 bits.</summary>
    public const int MemoryBufferControl = 0x50;

    /// <summary>CMBSTS: controller memory buffer status, 32 bits.</summary>
    public const int MemoryBufferStatus = 0x58;

    /// <summary>The first doorbell: the admin submission queue's tail.</summary>
    public const int Doorbells = 0x1000;

    /// <summary>What NSSR takes to reset the NVM subsystem: "NVMe".</summary>
    public const uint SubsystemResetSignature = 0x4E56_4D65;

    /// <summary>NVMe 1.4.0 as VS gives it.</summary>
    public const uint Version14 = 0x0001_0400;

    /// <summary>The offset of a submission queue's tail doorbell; <paramref name="strideExponent"/> is CAP.DSTRD.</summary>
    public static int SubmissionDoorbell(int queueId, int strideExponent) => Doorbells + 2 * queueId * (4 << strideExponent);

    /// <summary>The offset of a completion queue's head doorbell; <paramref name="strideExponent"/> is CAP.DSTRD.</summary>
    public static int CompletionDoorbell(int queueId, int strideExponent) => Doorbells + (2 * queueId + 1) * (4 << strideExponent);
}
