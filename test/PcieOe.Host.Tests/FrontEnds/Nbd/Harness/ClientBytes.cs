using System.Buffers.Binary;
using System.Text;
using PcieOe.Host.FrontEnds.Nbd.Protocol;

namespace PcieOe.Host.Tests.FrontEnds.Nbd.Harness;

/// <summary>Writes what a client sends, independently of the server's code.</summary>
internal sealed class ClientBytes
{
    private readonly List<byte> _bytes = [];

    public byte[] ToArray() => [.. _bytes];

    public ClientBytes UInt16(ushort value) => Add(2, bytes => BinaryPrimitives.WriteUInt16BigEndian(bytes, value));

    public ClientBytes UInt32(uint value) => Add(4, bytes => BinaryPrimitives.WriteUInt32BigEndian(bytes, value));

    public ClientBytes UInt64(ulong value) => Add(8, bytes => BinaryPrimitives.WriteUInt64BigEndian(bytes, value));

    public ClientBytes Raw(ReadOnlySpan<byte> bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    public ClientBytes Text(string text) => UInt32((uint)Encoding.UTF8.GetByteCount(text)).Raw(Encoding.UTF8.GetBytes(text));

    public ClientBytes Option(NbdOption option, params ReadOnlySpan<byte> data) =>
        UInt64(0x49484156454F5054).UInt32((uint)option).UInt32((uint)data.Length).Raw(data);

    public ClientBytes Go(string export, NbdOption option = NbdOption.Go) => Option(option, new ClientBytes().Text(export).UInt16(0).ToArray());

    public ClientBytes Request(NbdCommand command, ulong offset, uint length, ulong cookie, CommandFlags flags = CommandFlags.None, ReadOnlySpan<byte> data = default) =>
        UInt32(0x25609513).UInt16((ushort)flags).UInt16((ushort)command).UInt64(cookie).UInt64(offset).UInt32(length).Raw(data);

    private ClientBytes Add(int length, Action<byte[]> write)
    {
        byte[] bytes = new byte[length];
        write(bytes);
        return Raw(bytes);
    }
}
