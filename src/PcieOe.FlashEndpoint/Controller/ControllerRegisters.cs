using PcieOe.Protocol.Nvme;

namespace PcieOe.FlashEndpoint.Controller;

/// <summary>
/// The registers at the start of BAR 0 (NVMe 1.4, section 3.1), by doublewords; 64-bit ones are two. Bytes and words of them can be
/// read and written too, as the function splits accesses.
/// </summary>
internal sealed class ControllerRegisters(NvmeController controller, ControllerCapabilities capabilities)
{
    private ControllerConfiguration _configuration;
    private uint _status;
    private uint _interruptMask;

    public ControllerConfiguration Configuration => _configuration;

    public uint AdminQueueAttributes { get; private set; }

    public ulong AdminSubmissionQueue { get; private set; }

    public ulong AdminCompletionQueue { get; private set; }

    /// <summary>CSTS.</summary>
    public uint Status
    {
        get => _status;
        set => _status = value;
    }

    private ControllerCapabilities Capabilities => controller.MemoryBuffer.IsHidden ? capabilities.WithoutMemoryBuffer : capabilities;

    public uint Read(int offset) => offset switch
    {
        NvmeRegister.Capabilities => (uint)Capabilities.Value,
        NvmeRegister.Capabilities + 4 => (uint)(Capabilities.Value >> 32),
        NvmeRegister.Version => NvmeRegister.Version14,
        NvmeRegister.InterruptMaskSet or NvmeRegister.InterruptMaskClear => _interruptMask,
        NvmeRegister.Configuration => _configuration.Value,
        NvmeRegister.Status => _status,
        NvmeRegister.AdminQueueAttributes => AdminQueueAttributes,
        NvmeRegister.AdminSubmissionQueue => (uint)AdminSubmissionQueue,
        NvmeRegister.AdminSubmissionQueue + 4 => (uint)(AdminSubmissionQueue >> 32),
        NvmeRegister.AdminCompletionQueue => (uint)AdminCompletionQueue,
        NvmeRegister.AdminCompletionQueue + 4 => (uint)(AdminCompletionQueue >> 32),
        NvmeRegister.MemoryBufferLocation => controller.MemoryBuffer.Location,
        NvmeRegister.MemoryBufferSize => controller.MemoryBuffer.Size,
        NvmeRegister.MemoryBufferControl => (uint)controller.MemoryBuffer.Control,
        NvmeRegister.MemoryBufferControl + 4 => (uint)(controller.MemoryBuffer.Control >> 32),
        NvmeRegister.MemoryBufferStatus => controller.MemoryBuffer.Status,
        _ => 0,
    };

    /// <summary>Writes the bits of one doubleword that <paramref name="writtenBits"/> names.</summary>
    public void Write(int offset, uint value, uint writtenBits, long now)
    {
        switch (offset)
        {
            case NvmeRegister.InterruptMaskSet:
                _interruptMask |= value & writtenBits;
                break;
            case NvmeRegister.InterruptMaskClear:
                _interruptMask &= ~(value & writtenBits);
                break;
            case NvmeRegister.Configuration:
                ControllerConfiguration old = _configuration;
                _configuration = new ControllerConfiguration((old.Value & ~writtenBits | value & writtenBits) & ControllerConfiguration.WritableBits);
                controller.State.OnConfigurationWritten(old, _configuration, now);
                break;
            case NvmeRegister.Status:
                // NSSRO is cleared by writing a one.
                _status &= ~(value & writtenBits & ControllerStatus.SubsystemResetOccurredBit);
                break;
            case NvmeRegister.SubsystemReset:
                if (writtenBits == uint.MaxValue && value == NvmeRegister.SubsystemResetSignature)
                {
                    controller.State.OnSubsystemReset(now);
                }

                break;
            case NvmeRegister.AdminQueueAttributes:
                AdminQueueAttributes = (AdminQueueAttributes & ~writtenBits | value & writtenBits) & 0x0FFF_0FFF;
                break;
            case NvmeRegister.AdminSubmissionQueue:
            case NvmeRegister.AdminSubmissionQueue + 4:
                AdminSubmissionQueue = Merge(AdminSubmissionQueue, offset, value, writtenBits) & ~0xFFFUL;
                break;
            case NvmeRegister.AdminCompletionQueue:
            case NvmeRegister.AdminCompletionQueue + 4:
                AdminCompletionQueue = Merge(AdminCompletionQueue, offset, value, writtenBits) & ~0xFFFUL;
                break;
            case NvmeRegister.MemoryBufferControl:
            case NvmeRegister.MemoryBufferControl + 4:
                controller.MemoryBuffer.Control = Merge(controller.MemoryBuffer.Control, offset, value, writtenBits);
                break;
        }
    }

    /// <summary>CC and CSTS as after a controller reset: admin queue registers and the memory buffer's control stay (section 7.3.2).</summary>
    public void ResetController()
    {
        _configuration = new ControllerConfiguration(_configuration.Value & ~1u);
        _status &= ControllerStatus.SubsystemResetOccurredBit;
        _interruptMask = 0;
    }

    /// <summary>All registers as after power-on.</summary>
    public void Reset()
    {
        _configuration = default;
        _status = 0;
        _interruptMask = 0;
        AdminQueueAttributes = 0;
        AdminSubmissionQueue = 0;
        AdminCompletionQueue = 0;
    }

    private static ulong Merge(ulong old, int offset, uint value, uint writtenBits)
    {
        int shift = offset % 8 * 8;
        return old & ~((ulong)writtenBits << shift) | (ulong)(value & writtenBits) << shift;
    }
}
