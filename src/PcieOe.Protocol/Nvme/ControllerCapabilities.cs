namespace PcieOe.Protocol.Nvme;

/// <summary>
/// CAP (NVMe 1.4, section 3.1.1):
/// MQES 15:0, CQR 16, AMS 18:17, TO 31:24, DSTRD 35:32, NSSRS 36, CSS 44:37, BPS 45, MPSMIN 51:48, MPSMAX 55:52, PMRS 56, CMBS 57.
/// </summary>
public readonly record struct ControllerCapabilities(ulong Value)
{
    private const ulong MemoryBufferBit = 1UL << 57;

    /// <summary>Entries of the largest queue (MQES + 1).</summary>
    public int MaximumQueueEntries => (int)(Value & 0xFFFF) + 1;

    /// <summary>CQR: queues must be physically contiguous.</summary>
    public bool ContiguousQueuesRequired => (Value >> 16 & 1) != 0;

    /// <summary>TO, in its unit of 500 ms: the longest wait for CSTS.RDY to follow CC.EN.</summary>
    public int TimeoutHalfSeconds => (int)(Value >> 24 & 0xFF);

    /// <summary>DSTRD: doorbells are 4 &lt;&lt; DSTRD bytes apart.</summary>
    public int DoorbellStrideExponent => (int)(Value >> 32 & 0xF);

    /// <summary>NSSRS: NSSR exists.</summary>
    public bool SubsystemResetSupported => (Value >> 36 & 1) != 0;

    /// <summary>Bytes of the smallest memory page (2 ^ (12 + MPSMIN)).</summary>
    public int MinimumPageBytes => 4096 << (int)(Value >> 48 & 0xF);

    /// <summary>Bytes of the largest memory page (2 ^ (12 + MPSMAX)).</summary>
    public int MaximumPageBytes => 4096 << (int)(Value >> 52 & 0xF);

    /// <summary>CMBS: a controller memory buffer can be enabled through CMBMSC.</summary>
    public bool MemoryBufferSupported => (Value & MemoryBufferBit) != 0;

    /// <summary>The same with CMBS 0.</summary>
    public ControllerCapabilities WithoutMemoryBuffer => new(Value & ~MemoryBufferBit);

    /// <summary>The capabilities of a controller with the NVM command set and 4 KiB pages.</summary>
    public static ControllerCapabilities Create(int maximumQueueEntries, int timeoutHalfSeconds, bool memoryBuffer) => new(
        (ulong)(maximumQueueEntries - 1) |
        1UL << 16 |
        (ulong)timeoutHalfSeconds << 24 |
        1UL << 36 |
        1UL << 37 |
        (memoryBuffer ? MemoryBufferBit : 0));
}
