namespace PcieOe.Host.FrontEnds.Nbd.Protocol;

/// <summary>Numbers that open messages of the NBD protocol (doc/proto.md of the NetworkBlockDevice project); big-endian like everything there.</summary>
internal static class NbdMagic
{
    /// <summary>"NBDMAGIC"</summary>
    internal const ulong Greeting = 0x4E42_444D_4147_4943;

    /// <summary>"IHAVEOPT"</summary>
    internal const ulong Option = 0x4948_4156_454F_5054;

    internal const ulong OptionReply = 0x0003_E889_0455_65A9;
    internal const uint Request = 0x2560_9513;
    internal const uint SimpleReply = 0x6744_6698;
    internal const uint StructuredReply = 0x668E_33EF;
}

/// <summary>What server and client say of themselves before options; the same bits in both directions.</summary>
[Flags]
public enum HandshakeFlags : uint
{
    None = 0,
    FixedNewstyle = 1,

    /// <summary>The answer to EXPORT_NAME ends without 124 zeroes.</summary>
    NoZeroes = 2,
}

public enum NbdOption : uint
{
    ExportName = 1,
    Abort = 2,
    List = 3,
    StartTls = 5,
    Info = 6,
    Go = 7,
    StructuredReply = 8,
    ListMetaContext = 9,
    SetMetaContext = 10,
    ExtendedHeaders = 11,
}

public enum OptionReplyType : uint
{
    Acknowledged = 1,
    Server = 2,
    Info = 3,
    MetaContext = 4,
    ErrorUnsupported = 0x8000_0001,
    ErrorInvalid = 0x8000_0003,
    ErrorUnknown = 0x8000_0006,
    ErrorTooBig = 0x8000_0009,
}

public enum NbdInfo : ushort
{
    Export = 0,
    Name = 1,
    Description = 2,
    BlockSize = 3,
}
