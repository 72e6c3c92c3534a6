using System.Buffers.Binary;
using System.Text;

namespace PcieOe.Host.FrontEnds.Nbd.Protocol;

/// <summary>Reads what an option carries, piece by piece; a read fails where too little is left or a text is too long.</summary>
internal ref struct OptionData(ReadOnlySpan<byte> data)
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: false);

    private ReadOnlySpan<byte> _rest = data;

    internal readonly bool IsAtEnd => _rest.IsEmpty;

    internal bool TryReadUInt16(out ushort value)
    {
        if (!BinaryPrimitives.TryReadUInt16BigEndian(_rest, out value))
        {
            return false;
        }

        _rest = _rest[sizeof(ushort)..];
        return true;
    }

    internal bool TryReadUInt32(out uint value)
    {
        if (!BinaryPrimitives.TryReadUInt32BigEndian(_rest, out value))
        {
            return false;
        }

        _rest = _rest[sizeof(uint)..];
        return true;
    }

    /// <summary>A text behind its length in 32 bits.</summary>
    internal bool TryReadText(out string text)
    {
        text = string.Empty;
        if (!TryReadUInt32(out uint length) || length > NbdExport.MaximumNameBytes || length > (uint)_rest.Length)
        {
            return false;
        }

        text = Utf8.GetString(_rest[..(int)length]);
        _rest = _rest[(int)length..];
        return true;
    }
}
