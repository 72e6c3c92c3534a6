namespace PcieOe.Host.FrontEnds.Nbd.Protocol;

/// <summary>What an export can do, as the client is told when it chooses it.</summary>
[Flags]
public enum TransmissionFlags : ushort
{
    None = 0,
    HasFlags = 1 << 0,
    ReadOnly = 1 << 1,
    SendFlush = 1 << 2,
    SendFua = 1 << 3,
    SendTrim = 1 << 5,
    SendWriteZeroes = 1 << 6,
    SendDontFragment = 1 << 7,
    CanMultiConnect = 1 << 8,
    SendCache = 1 << 10,
    SendFastZero = 1 << 11,
}

public enum NbdCommand : ushort
{
    Read = 0,
    Write = 1,
    Disconnect = 2,
    Flush = 3,
    Trim = 4,
    Cache = 5,
    WriteZeroes = 6,
    BlockStatus = 7,
}

[Flags]
public enum CommandFlags : ushort
{
    None = 0,

    /// <summary>Durable once answered.</summary>
    ForceUnitAccess = 1 << 0,

    /// <summary>WRITE_ZEROES: the blocks stay allocated.</summary>
    NoHole = 1 << 1,

    /// <summary>READ: the answer comes in one piece.</summary>
    DontFragment = 1 << 2,

    /// <summary>BLOCK_STATUS: one extent at most.</summary>
    RequestOne = 1 << 3,

    /// <summary>WRITE_ZEROES: fail rather than be slower than a write.</summary>
    FastZero = 1 << 4,
}

[Flags]
public enum ChunkFlags : ushort
{
    None = 0,

    /// <summary>The last chunk of its reply.</summary>
    Done = 1,
}

public enum ChunkType : ushort
{
    None = 0,
    OffsetData = 1,
    BlockStatus = 5,
    Error = 0x8001,
    ErrorOffset = 0x8002,
}

/// <summary>Error values of replies: numbers of the protocol, whatever errno the system has for them.</summary>
public enum NbdError : uint
{
    None = 0,
    NotPermitted = 1,
    InputOutput = 5,
    InvalidArgument = 22,
    NoSpace = 28,
    Overflow = 75,
    NotSupported = 95,
    ShuttingDown = 108,
}
