using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace PcieOe.Host.FrontEnds.Nbd.Protocol;

/// <summary>
/// Writes what a server says in the handshake.
/// <code>
///   0     8        12     16       20
///   magic | option | type | length | content
/// </code>
/// </summary>
internal static class OptionReplies
{
    private const int HeaderBytes = 20;
    private const int ZeroesAfterExportName = 124;

    internal static void WriteGreeting(IBufferWriter<byte> output)
    {
        Span<byte> bytes = output.GetSpan(18);
        BinaryPrimitives.WriteUInt64BigEndian(bytes, NbdMagic.Greeting);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], NbdMagic.Option);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[16..], (ushort)(HandshakeFlags.FixedNewstyle | HandshakeFlags.NoZeroes));
        output.Advance(18);
    }

    /// <summary>Without content.</summary>
    internal static void Write(IBufferWriter<byte> output, NbdOption option, OptionReplyType type) => Write(output, option, type, []);

    /// <summary>An error with a text for people.</summary>
    internal static void WriteError(IBufferWriter<byte> output, NbdOption option, OptionReplyType type, string text) =>
        Write(output, option, type, Encoding.UTF8.GetBytes(text));

    /// <summary>The answer to EXPORT_NAME, which alone has no header.</summary>
    internal static void WriteExportName(IBufferWriter<byte> output, NbdExport export, bool isStructured, bool noZeroes)
    {
        int length = 10 + (noZeroes ? 0 : ZeroesAfterExportName);
        Span<byte> bytes = output.GetSpan(length)[..length];
        bytes.Clear();
        BinaryPrimitives.WriteUInt64BigEndian(bytes, export.SizeBytes);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[8..], (ushort)export.Flags(isStructured));
        output.Advance(length);
    }

    internal static void WriteServer(IBufferWriter<byte> output, NbdExport export)
    {
        byte[] name = Encoding.UTF8.GetBytes(export.Name);
        byte[] content = new byte[sizeof(uint) + name.Length];
        BinaryPrimitives.WriteUInt32BigEndian(content, (uint)name.Length);
        name.CopyTo(content.AsSpan(sizeof(uint)));
        Write(output, NbdOption.List, OptionReplyType.Server, content);
    }

    internal static void WriteExportInfo(IBufferWriter<byte> output, NbdOption option, NbdExport export, bool isStructured)
    {
        Span<byte> content = stackalloc byte[12];
        BinaryPrimitives.WriteUInt16BigEndian(content, (ushort)NbdInfo.Export);
        BinaryPrimitives.WriteUInt64BigEndian(content[2..], export.SizeBytes);
        BinaryPrimitives.WriteUInt16BigEndian(content[10..], (ushort)export.Flags(isStructured));
        Write(output, option, OptionReplyType.Info, content);
    }

    internal static void WriteBlockSizeInfo(IBufferWriter<byte> output, NbdOption option, NbdExport export)
    {
        Span<byte> content = stackalloc byte[14];
        BinaryPrimitives.WriteUInt16BigEndian(content, (ushort)NbdInfo.BlockSize);
        BinaryPrimitives.WriteUInt32BigEndian(content[2..], (uint)export.BlockBytes);
        BinaryPrimitives.WriteUInt32BigEndian(content[6..], export.PreferredBlockBytes);
        BinaryPrimitives.WriteUInt32BigEndian(content[10..], NbdExport.MaximumRequestBytes);
        Write(output, option, OptionReplyType.Info, content);
    }

    /// <summary>A name or a description.</summary>
    internal static void WriteTextInfo(IBufferWriter<byte> output, NbdOption option, NbdInfo info, string text)
    {
        byte[] content = new byte[sizeof(ushort) + Encoding.UTF8.GetByteCount(text)];
        BinaryPrimitives.WriteUInt16BigEndian(content, (ushort)info);
        Encoding.UTF8.GetBytes(text, content.AsSpan(sizeof(ushort)));
        Write(output, option, OptionReplyType.Info, content);
    }

    internal static void WriteMetaContext(IBufferWriter<byte> output, NbdOption option, uint id, string name)
    {
        byte[] content = new byte[sizeof(uint) + Encoding.UTF8.GetByteCount(name)];
        BinaryPrimitives.WriteUInt32BigEndian(content, id);
        Encoding.UTF8.GetBytes(name, content.AsSpan(sizeof(uint)));
        Write(output, option, OptionReplyType.MetaContext, content);
    }

    private static void Write(IBufferWriter<byte> output, NbdOption option, OptionReplyType type, ReadOnlySpan<byte> content)
    {
        Span<byte> bytes = output.GetSpan(HeaderBytes + content.Length);
        BinaryPrimitives.WriteUInt64BigEndian(bytes, NbdMagic.OptionReply);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[8..], (uint)option);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[12..], (uint)type);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[16..], (uint)content.Length);
        content.CopyTo(bytes[HeaderBytes..]);
        output.Advance(HeaderBytes + content.Length);
    }
}
