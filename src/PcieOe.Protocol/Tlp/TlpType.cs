namespace PcieOe.Protocol.Tlp;

/// <summary>
/// The first byte of a TLP: Fmt in bits 7:5, Type in bits 4:0 (PCIe base spec. 2.2.1, table 2-3). Values not named here survive as they are.
/// </summary>
public enum TlpType : byte
{
    MemoryRead32 = 0x00,
    MemoryRead64 = 0x20,
    MemoryReadLocked32 = 0x01,
    MemoryReadLocked64 = 0x21,
    MemoryWrite32 = 0x40,
    MemoryWrite64 = 0x60,
    IoRead = 0x02,
    IoWrite = 0x42,
    ConfigRead0 = 0x04,
    ConfigWrite0 = 0x44,
    ConfigRead1 = 0x05,
    ConfigWrite1 = 0x45,
    DeferrableMemoryWrite32 = 0x5B,
    DeferrableMemoryWrite64 = 0x7B,
    Completion = 0x0A,
    CompletionWithData = 0x4A,
    CompletionLocked = 0x0B,
    CompletionLockedWithData = 0x4B,
    FetchAdd32 = 0x4C,
    FetchAdd64 = 0x6C,
    Swap32 = 0x4D,
    Swap64 = 0x6D,
    CompareAndSwap32 = 0x4E,
    CompareAndSwap64 = 0x6E,
    MessageToRootComplex = 0x30,
    MessageByAddress = 0x31,
    MessageById = 0x32,
    MessageBroadcast = 0x33,
    MessageLocal = 0x34,
    MessageGathered = 0x35,
    MessageWithDataToRootComplex = 0x70,
    MessageWithDataByAddress = 0x71,
    MessageWithDataById = 0x72,
    MessageWithDataBroadcast = 0x73,
    MessageWithDataLocal = 0x74,
    MessageWithDataGathered = 0x75,
}

/// <summary>What follows from a <see cref="TlpType"/> alone.</summary>
public static class TlpTypeExtensions
{
    private const byte FourDoublewords = 0x20;
    private const byte WithData = 0x40;
    private const byte AddressForms = unchecked((byte)~FourDoublewords);

    extension(TlpType type)
    {
        /// <summary>Fmt says that data follows the header.</summary>
        public bool HasData => ((byte)type & WithData) != 0;

        /// <summary>Bytes of the header without prefixes: 12 or 16.</summary>
        public int HeaderBytes => ((byte)type & FourDoublewords) != 0 ? 16 : 12;

        public bool IsMemoryRead => ((byte)type & AddressForms) == (byte)TlpType.MemoryRead32;

        public bool IsMemoryWrite => ((byte)type & AddressForms) == (byte)TlpType.MemoryWrite32;

        public bool IsConfig => (byte)type is 0x04 or 0x44 or 0x05 or 0x45;

        public bool IsIo => (byte)type is 0x02 or 0x42;

        public bool IsAtomic => ((byte)type & AddressForms) is >= 0x4C and <= 0x4E;

        /// <summary>Msg or MsgD, whatever its routing.</summary>
        public bool IsMessage => ((byte)type & 0xB8) == 0x30;

        /// <summary>Cpl, CplD and their locked forms.</summary>
        public bool IsCompletion => ((byte)type & 0xBE) == 0x0A;

        /// <summary>Memory writes and messages: nobody answers them (PCIe base spec. 2.4.1).</summary>
        public bool IsPosted => type.IsMemoryWrite || type.IsMessage;
    }
}

/// <summary>How a completion ended (PCIe base spec. 2.2.9.1, table 2-38). Values not named here survive, and count as UR.</summary>
public enum CompletionStatus : byte
{
    SuccessfulCompletion = 0,
    UnsupportedRequest = 1,
    ConfigurationRequestRetry = 2,
    CompleterAbort = 4,
}

/// <summary>Whether an address was translated already (AT, PCIe base spec. 10.2.1).</summary>
public enum AddressType : byte
{
    Untranslated = 0,
    TranslationRequest = 1,
    Translated = 2,
    Reserved = 3,
}

/// <summary>Codes of messages that this project sends or names (PCIe base spec. 2.2.8); others survive.</summary>
public enum MessageCode : byte
{
    AssertIntA = 0x20,
    DeassertIntA = 0x24,
    VendorDefinedType0 = 0x7E,

    /// <summary>A receiver that does not know the vendor drops it silently.</summary>
    VendorDefinedType1 = 0x7F,
}
