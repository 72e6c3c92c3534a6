using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace PcieOe.Protocol.Nvme;

/// <summary>The Identify Controller data structure, little-endian, 4096 bytes (NVMe 1.4, figure 247). Fields not used here are left out.</summary>
[StructLayout(LayoutKind.Explicit, Size = SizeBytes)]
public struct IdentifyController
{
    public const int SizeBytes = 4096;

    /// <summary>Offset of SUBNQN, 256 bytes of UTF-8 padded with NUL.</summary>
    public const int SubsystemNameOffset = 768;

    public const int SubsystemNameBytes = 256;

    [FieldOffset(0)] public ushort VendorId;
    [FieldOffset(2)] public ushort SubsystemVendorId;
    [FieldOffset(4)] public Ascii20 SerialNumber;
    [FieldOffset(24)] public Ascii40 ModelNumber;
    [FieldOffset(64)] public Ascii8 FirmwareRevision;

    /// <summary>RAB: recommended arbitration burst, a power of two.</summary>
    [FieldOffset(72)] public byte RecommendedArbitrationBurst;

    /// <summary>MDTS: the longest transfer is 2 ^ MDTS pages of CAP.MPSMIN; 0 for no limit.</summary>
    [FieldOffset(77)] public byte MaximumDataTransferSize;

    /// <summary>CNTLID.</summary>
    [FieldOffset(78)] public ushort ControllerId;

    [FieldOffset(80)] public uint Version;

    /// <summary>RTD3R, microseconds.</summary>
    [FieldOffset(84)] public uint Rtd3ResumeMicroseconds;

    /// <summary>RTD3E, microseconds: how long a shutdown may take.</summary>
    [FieldOffset(88)] public uint Rtd3EntryMicroseconds;

    /// <summary>OAES: optional asynchronous events (bit 8: namespace attributes).</summary>
    [FieldOffset(92)] public uint OptionalAsynchronousEvents;

    /// <summary>CTRATT (bit 0: host identifier of 128 bits).</summary>
    [FieldOffset(96)] public uint ControllerAttributes;

    /// <summary>CNTRLTYPE: 1 for an I/O controller.</summary>
    [FieldOffset(111)] public byte ControllerType;

    /// <summary>OACS: optional admin commands (bit 1 Format, bit 3 Namespace Management).</summary>
    [FieldOffset(256)] public ushort OptionalAdminCommands;

    /// <summary>ACL, zero-based.</summary>
    [FieldOffset(258)] public byte AbortCommandLimit;

    /// <summary>AERL, zero-based.</summary>
    [FieldOffset(259)] public byte AsynchronousEventRequestLimit;

    /// <summary>FRMW.</summary>
    [FieldOffset(260)] public byte FirmwareUpdates;

    /// <summary>LPA (bit 1: effects log, bit 2: extended data).</summary>
    [FieldOffset(261)] public byte LogPageAttributes;

    /// <summary>ELPE, zero-based.</summary>
    [FieldOffset(262)] public byte ErrorLogPageEntries;

    /// <summary>NPSS, zero-based.</summary>
    [FieldOffset(263)] public byte PowerStates;

    /// <summary>WCTEMP, Kelvin.</summary>
    [FieldOffset(266)] public ushort WarningTemperatureKelvin;

    /// <summary>CCTEMP, Kelvin.</summary>
    [FieldOffset(268)] public ushort CriticalTemperatureKelvin;

    /// <summary>HMPRE: 0 where no host memory buffer is wanted.</summary>
    [FieldOffset(272)] public uint HostMemoryBufferPreferredPages;

    /// <summary>TNVMCAP, lower half, bytes.</summary>
    [FieldOffset(280)] public ulong TotalCapacityBytes;

    /// <summary>UNVMCAP, lower half, bytes.</summary>
    [FieldOffset(296)] public ulong UnallocatedCapacityBytes;

    /// <summary>KAS, in units of 100 ms.</summary>
    [FieldOffset(320)] public ushort KeepAliveGranularity;

    /// <summary>SQES: required exponent 3:0, largest 7:4.</summary>
    [FieldOffset(512)] public byte SubmissionEntrySizes;

    /// <summary>CQES: required exponent 3:0, largest 7:4.</summary>
    [FieldOffset(513)] public byte CompletionEntrySizes;

    /// <summary>MAXCMD: the most commands outstanding in one queue that are processed at a time; 0 for not reported.</summary>
    [FieldOffset(514)] public ushort MaximumOutstandingCommands;

    /// <summary>NN: the highest namespace identifier.</summary>
    [FieldOffset(516)] public uint NumberOfNamespaces;

    /// <summary>ONCS (bit 0 Compare, 2 Dataset Management, 3 Write Zeroes, 4 Save and Select of features, 6 Timestamp, 7 Verify).</summary>
    [FieldOffset(520)] public ushort OptionalNvmCommands;

    /// <summary>FUSES.</summary>
    [FieldOffset(522)] public ushort FusedOperations;

    /// <summary>FNA.</summary>
    [FieldOffset(524)] public byte FormatAttributes;

    /// <summary>VWC (bit 0: a volatile write cache is present; bits 2:1: what a flush of all namespaces does).</summary>
    [FieldOffset(525)] public byte VolatileWriteCache;

    /// <summary>AWUN, zero-based, blocks.</summary>
    [FieldOffset(526)] public ushort AtomicWriteUnitNormal;

    /// <summary>AWUPF, zero-based, blocks.</summary>
    [FieldOffset(528)] public ushort AtomicWriteUnitPowerFail;

    /// <summary>SGLS (bits 1:0 supported, 16 bit bucket, 18 more length than data).</summary>
    [FieldOffset(536)] public uint SglSupport;

    /// <summary>MNAN.</summary>
    [FieldOffset(540)] public uint MaximumAllowedNamespaces;

    /// <summary>PSD0.MP, in units of 10 mW.</summary>
    [FieldOffset(2048)] public ushort PowerState0MaximumPower;

    [InlineArray(8)]
    public struct Ascii8
    {
        private byte _first;
    }

    [InlineArray(20)]
    public struct Ascii20
    {
        private byte _first;
    }

    [InlineArray(40)]
    public struct Ascii40
    {
        private byte _first;
    }
}
