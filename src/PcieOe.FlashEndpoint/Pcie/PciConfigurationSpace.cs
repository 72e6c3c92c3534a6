using System.Buffers.Binary;

namespace PcieOe.FlashEndpoint.Pcie;

/// <summary>
/// 4 KiB of configuration space: the bytes, which of their bits can be written, and which are cleared by writing ones.
/// What a write means is for the function to see.
/// </summary>
internal sealed class PciConfigurationSpace
{
    public const int SizeBytes = 4096;

    private readonly byte[] _bytes = new byte[SizeBytes];
    private readonly byte[] _writable = new byte[SizeBytes];
    private readonly byte[] _clearedByOnes = new byte[SizeBytes];
    private readonly byte[] _survivesFunctionReset = new byte[SizeBytes];
    private readonly byte[] _initial = new byte[SizeBytes];

    public ReadOnlySpan<byte> Bytes => _bytes;

    public uint Read(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(_bytes.AsSpan(offset & (SizeBytes - 4)));

    public ushort Read16(int offset) => BinaryPrimitives.ReadUInt16LittleEndian(_bytes.AsSpan(offset));

    /// <summary>Writes as software does: only bits that can be written, in bytes that are enabled.</summary>
    public void Write(int offset, uint value, byte byteEnables)
    {
        offset &= SizeBytes - 4;
        for (int i = 0; i < 4; i++)
        {
            if ((byteEnables >> i & 1) != 0)
            {
                byte written = (byte)(value >> (8 * i));
                ref byte old = ref _bytes[offset + i];
                byte writable = _writable[offset + i];
                old = (byte)(old & ~writable & ~(written & _clearedByOnes[offset + i]) | written & writable);
            }
        }
    }

    // The rest is for whoever lays the space out.

    public Span<byte> Define(int offset, int length) => _bytes.AsSpan(offset, length);

    public void Define8(int offset, byte value) => _bytes[offset] = value;

    public void Define16(int offset, ushort value, ushort writable = 0, ushort clearedByOnes = 0)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(offset), value);
        BinaryPrimitives.WriteUInt16LittleEndian(_writable.AsSpan(offset), writable);
        BinaryPrimitives.WriteUInt16LittleEndian(_clearedByOnes.AsSpan(offset), clearedByOnes);
    }

    public void Define32(int offset, uint value, uint writable = 0, uint clearedByOnes = 0)
    {
        Define16(offset, (ushort)value, (ushort)writable, (ushort)clearedByOnes);
        Define16(offset + 2, (ushort)(value >> 16), (ushort)(writable >> 16), (ushort)(clearedByOnes >> 16));
    }

    /// <summary>Clears bits that a write left behind (those that trigger something and read as zero).</summary>
    public void ClearBits(int offset, ushort bits) =>
        BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(offset), (ushort)(Read16(offset) & ~bits));

    /// <summary>Bits that a function level reset leaves alone: sticky ones, and those of the link (PCIe base spec. 6.6.2).</summary>
    public void KeepOverFunctionReset(int offset, ReadOnlySpan<byte> bits) => bits.CopyTo(_survivesFunctionReset.AsSpan(offset));

    /// <summary>Takes the present content for the one after power-on.</summary>
    public void Seal() => _bytes.CopyTo(_initial, 0);

    public void Reset(bool functionLevel)
    {
        for (int i = 0; i < SizeBytes; i++)
        {
            byte kept = functionLevel ? _survivesFunctionReset[i] : (byte)0;
            _bytes[i] = (byte)(_bytes[i] & kept | _initial[i] & ~kept);
        }
    }
}
