using System.Runtime.InteropServices;

namespace PcieOe.Host.FrontEnds.VfioUser.Wire;

/// <summary>DEVICE_GET_IRQ_INFO, both ways (struct vfio_irq_info).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct InterruptInfoMessage
{
    public const int Bytes = 16;
    public const uint EventDescriptorFlag = 1 << 0;
    public const uint MaskableFlag = 1 << 1;

    public uint ArgumentSize;
    public uint Flags;
    public uint Index;
    public uint Count;
}

/// <summary>DEVICE_SET_IRQS (struct vfio_irq_set): one kind of data, one action, for a run of vectors. With bool data a byte for each follows.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct InterruptSetMessage
{
    public const int Bytes = 20;
    public const uint NoDataFlag = 1 << 0;
    public const uint BoolDataFlag = 1 << 1;
    public const uint EventDescriptorDataFlag = 1 << 2;
    public const uint DataMask = NoDataFlag | BoolDataFlag | EventDescriptorDataFlag;
    public const uint MaskFlag = 1 << 3;
    public const uint UnmaskFlag = 1 << 4;
    public const uint TriggerFlag = 1 << 5;
    public const uint ActionMask = MaskFlag | UnmaskFlag | TriggerFlag;

    public uint ArgumentSize;
    public uint Flags;
    public uint Index;
    public uint Start;
    public uint Count;
}

/// <summary>The kinds of interrupt of a PCI device.</summary>
internal static class InterruptIndex
{
    public const int MessageSignalledExtended = 2;

    /// <summary>An uncorrectable error. Never raised: QEMU stops the guest for it.</summary>
    public const int Error = 3;

    /// <summary>The device is to be given back: it is going to be taken away.</summary>
    public const int Request = 4;
    public const int Count = 5;
}
