using System.Buffers.Binary;
using PcieOe.Protocol.Tlp;

namespace PcieOe.Host.RootComplex;

/// <summary>
/// MSI-X in two halves: the far table holds an address of our choosing and the vector's number as data, so that a write to it
/// names the vector; the client reads and writes a table of its own, which only it looks at.
/// </summary>
internal sealed class MsixTable
{
    /// <summary>Where the function sends its interrupts: above everything that a client could map as memory.</summary>
    public const ulong MessageAddress = 0xFFFF_FFFF_FEE0_0000;

    /// <summary>Addresses kept free of memory.</summary>
    public const ulong ReservedFirst = MessageAddress;
    public const ulong ReservedLast = MessageAddress + 0xFFFFF;

    /// <summary>The table is written in quadwords, as the specification asks (PCIe base spec. 6.1.4).</summary>
    public const int WriteBytes = 8;

    private const uint VectorMasked = 1;

    private byte[] _client = [];
    private int _bar;
    private ulong _offset;

    public int Vectors { get; private set; }

    public int Bar => _bar;

    public int WriteCount => Vectors * (ConfigRegister.MsixEntryBytes / WriteBytes);

    public void Configure(FunctionLayout layout, BarDescription bar)
    {
        ulong end = layout.MsixTableOffset + (ulong)layout.MsixVectors * ConfigRegister.MsixEntryBytes;
        Vectors = end <= bar.Size ? layout.MsixVectors : 0;
        _bar = layout.MsixTableBar;
        _offset = layout.MsixTableOffset;
        _client = new byte[Vectors * ConfigRegister.MsixEntryBytes];
        Reset();
    }

    /// <summary>The client's table as after a reset: every vector masked.</summary>
    public void Reset()
    {
        Array.Clear(_client);
        for (int vector = 0; vector < Vectors; vector++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(_client.AsSpan(vector * ConfigRegister.MsixEntryBytes + 12), VectorMasked);
        }
    }

    /// <summary>The <paramref name="index"/>th of the writes that program the far table.</summary>
    public void GetWrite(int index, out ulong offset, Span<byte> data)
    {
        offset = _offset + (ulong)(index * WriteBytes);
        ulong value = (index & 1) == 0 ? MessageAddress : (ulong)(index >> 1);
        BinaryPrimitives.WriteUInt64LittleEndian(data, value);
    }

    /// <summary>True if a memory write of the function is one of its interrupts.</summary>
    public static bool IsMessage(ulong address) => address is >= ReservedFirst and <= ReservedLast;

    /// <summary>The vector that an interrupt names.</summary>
    public bool TryGetVector(in TlpView write, out int vector)
    {
        vector = 0;
        if (write.Address != MessageAddress || write.Payload.Length != 4 || write.ByteEnables != ByteEnables.OneDoubleword)
        {
            return false;
        }

        uint data = BinaryPrimitives.ReadUInt32LittleEndian(write.Payload);
        vector = (int)data;
        return data < (uint)Vectors;
    }

    /// <summary>Finds the part of an access that lies in the table.</summary>
    /// <param name="start">Where it starts, counted from the access.</param>
    public bool Overlaps(int bar, ulong offset, int length, out int start, out int count)
    {
        start = count = 0;
        ulong end = _offset + (ulong)_client.Length;
        if (bar != _bar || offset >= end || offset + (ulong)length <= _offset || _client.Length == 0)
        {
            return false;
        }

        ulong first = Math.Max(offset, _offset);
        start = (int)(first - offset);
        count = (int)(Math.Min(offset + (ulong)length, end) - first);
        return true;
    }

    /// <summary>The client's table from BAR offset <paramref name="offset"/> on.</summary>
    public Span<byte> ClientBytes(ulong offset, int count) => _client.AsSpan((int)(offset - _offset), count);
}
