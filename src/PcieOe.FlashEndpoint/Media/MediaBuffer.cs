namespace PcieOe.FlashEndpoint.Media;

/// <summary>Page-aligned native memory of <see cref="IBlockMedia.MaximumTransferBytes"/> that a medium lends. A value; the default one is no buffer.</summary>
public readonly unsafe struct MediaBuffer
{
    private readonly byte* _memory;

    internal MediaBuffer(byte* memory, int index, int length)
    {
        _memory = memory;
        Index = index;
        Length = length;
    }

    /// <summary>Bytes, of which a request uses as many as its length says.</summary>
    public int Length { get; }

    public bool IsNone => _memory is null;

    public Span<byte> Span => new(_memory, Length);

    /// <summary>Its number in the pool.</summary>
    internal int Index { get; }

    internal byte* Memory => _memory;
}
