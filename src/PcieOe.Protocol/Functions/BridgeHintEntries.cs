namespace PcieOe.Protocol.Functions;

/// <summary>
/// <paramref name="Count"/> registers that are only ever written, each whole: register i lies at offset + i x stride. A bridge may
/// give its client memory in their place and pass on what changes; only the last of several values in one register matters.
/// </summary>
/// <param name="OffsetBytes">From the start of the BAR.</param>
public readonly record struct WriteOnlyRegisters(byte Bar, uint OffsetBytes, ushort Count, byte StrideBytes, byte WidthBytes);

/// <summary>Plain memory in a BAR.</summary>
/// <param name="OffsetBytes">From the start of the BAR.</param>
public readonly record struct MappableMemory(byte Bar, uint OffsetBytes, uint LengthBytes);

/// <summary>What consecutive doublewords of a BAR answer, as little-endian values, while the function cannot be asked.</summary>
/// <param name="OffsetBytes">From the start of the BAR; a multiple of 4.</param>
public sealed record UnreachableAnswer(byte Bar, uint OffsetBytes, IReadOnlyList<uint> Values);
