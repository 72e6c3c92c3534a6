namespace PcieOe.FlashEndpoint.Dma;

/// <summary>A piece of a command's data buffer. Native memory of a command's slot holds an array of them.</summary>
internal struct TransferSegment
{
    /// <summary>A bus address, or an offset into the controller memory buffer.</summary>
    public ulong Address;

    public int LengthBytes;
    public SegmentKind Kind;
}

internal enum SegmentKind : byte
{
    Host,
    MemoryBuffer,

    /// <summary>Read data that nobody wants (an SGL bit bucket).</summary>
    Discard,
}

/// <summary>Which way a command's data goes.</summary>
internal enum TransferDirection : byte
{
    None,
    FromHost,
    ToHost,
}
