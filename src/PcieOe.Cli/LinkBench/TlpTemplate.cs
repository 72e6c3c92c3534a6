using System.Buffers.Binary;
using PcieOe.Protocol.Tlp;
using PcieOe.Transport.Interop;

namespace PcieOe.Cli.LinkBench;

/// <summary>A memory write TLP that lies ready, to be copied into frames: 16 bytes of header, then data that begins with a serial number.</summary>
internal sealed unsafe class TlpTemplate : IDisposable
{
    internal const int HeaderBytes = 16;
    internal const int MinimumBytes = HeaderBytes + sizeof(ulong);
    private const ulong Address = 0x2_0000_0000;

    private readonly NativeBuffer _memory;

    internal TlpTemplate(int bytes)
    {
        Bytes = bytes;
        _memory = new NativeBuffer(bytes);
        Span<byte> tlp = new(_memory.Pointer, bytes);
        MemoryRequestHeader.Write(Address, bytes - HeaderBytes, default).Write(tlp);
        new Random(1).NextBytes(tlp[HeaderBytes..]);
    }

    internal int Bytes { get; }

    internal void Write(Span<byte> destination, ulong serialNumber)
    {
        new ReadOnlySpan<byte>(_memory.Pointer, Bytes).CopyTo(destination);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[HeaderBytes..], serialNumber);
    }

    /// <summary>The serial number of a TLP written so.</summary>
    internal static ulong SerialNumberOf(ReadOnlySpan<byte> tlp) => BinaryPrimitives.ReadUInt64LittleEndian(tlp[HeaderBytes..]);

    public void Dispose() => _memory.Dispose();
}
