using System.Runtime.InteropServices;

namespace PcieOe.Host.FrontEnds.VfioUser.Wire;

/// <summary>
/// What every message starts with, in host byte order (QEMU's docs/interop/vfio-user.rst, "Header"):
/// <code>
///  0  u16 message id, the sender's own        4  u32 size, header included
///  2  u16 command                             8  u32 flags: type 3:0 (0 command, 1 reply), no reply 4, error 5
///                                            12  u32 error number, in replies with the error flag
/// </code>
/// A reply has the id and command of its command; one with the error flag is the header alone.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal struct MessageHeader
{
    public const int Bytes = 16;
    public const uint TypeMask = 0xF;
    public const uint CommandType = 0;
    public const uint ReplyType = 1;
    public const uint NoReplyFlag = 1 << 4;
    public const uint ErrorFlag = 1 << 5;

    public ushort Id;
    public Command Command;
    public uint Size;
    public uint Flags;
    public int Error;

    public readonly uint Type => Flags & TypeMask;

    public readonly bool WantsReply => (Flags & NoReplyFlag) == 0;
}

/// <summary>The commands of protocol version 0.0; all go from the client to the server but the two for DMA.</summary>
internal enum Command : ushort
{
    Version = 1,
    DmaMap = 2,
    DmaUnmap = 3,
    DeviceGetInfo = 4,
    DeviceGetRegionInfo = 5,
    DeviceGetRegionIoDescriptors = 6,
    DeviceGetInterruptInfo = 7,
    DeviceSetInterrupts = 8,
    RegionRead = 9,
    RegionWrite = 10,
    DmaRead = 11,
    DmaWrite = 12,
    DeviceReset = 13,
    RegionWriteMulti = 15,
    DeviceFeature = 16,
    MigrationDataRead = 17,
    MigrationDataWrite = 18,
}
