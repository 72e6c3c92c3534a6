namespace PcieOe.Protocol.Tests.Tlp;

/// <summary>TLPs as people write them down: hexadecimal, spaces as they like.</summary>
internal static class TlpBytes
{
    public static byte[] FromHex(string words) => Convert.FromHexString(words.Replace(" ", string.Empty, StringComparison.Ordinal));

    public static string ToHex(ReadOnlySpan<byte> bytes)
    {
        List<string> words = [];
        for (int offset = 0; offset < bytes.Length; offset += 4)
        {
            words.Add(Convert.ToHexStringLower(bytes.Slice(offset, Math.Min(4, bytes.Length - offset))));
        }

        return string.Join(' ', words);
    }

    /// <summary>A buffer whose content nobody wrote, so that a byte left out shows.</summary>
    public static byte[] Dirty(int length)
    {
        byte[] buffer = new byte[length];
        Array.Fill(buffer, (byte)0xA5);
        return buffer;
    }

    /// <summary>The words, followed by as many data bytes 0, 1, 2, ... as the header's length field asks for.</summary>
    public static byte[] WithData(string header, int dataBytes)
    {
        byte[] head = FromHex(header);
        byte[] all = new byte[head.Length + dataBytes];
        head.CopyTo(all, 0);
        for (int index = 0; index < dataBytes; index++)
        {
            all[head.Length + index] = (byte)index;
        }

        return all;
    }
}
