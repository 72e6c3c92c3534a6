using System.Buffers.Binary;

namespace PcieOe.Host.Tests.FrontEnds.Nbd.Harness;

/// <summary>A reply, or a chunk of one, as a client sees it.</summary>
internal sealed record Reply(bool IsChunk, ushort Flags, ushort Type, ulong Cookie, uint Error, byte[] Content)
{
    public bool IsDone => !IsChunk || (Flags & 1) != 0;

    /// <summary>Of an error chunk, its error; of a simple reply, its error.</summary>
    public uint ErrorValue => !IsChunk ? Error : (Type & 0x8000) != 0 ? BinaryPrimitives.ReadUInt32BigEndian(Content) : 0;
}

/// <summary>Takes the server's replies apart, strictly.</summary>
internal static class ReplyReader
{
    /// <param name="simpleDataBytes">Data behind a simple reply with this cookie that is no error.</param>
    public static List<Reply> ReadAll(ReadOnlySpan<byte> bytes, Func<ulong, int> simpleDataBytes)
    {
        List<Reply> replies = [];
        while (!bytes.IsEmpty)
        {
            uint magic = BinaryPrimitives.ReadUInt32BigEndian(bytes);
            if (magic == 0x67446698)
            {
                uint error = BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]);
                ulong cookie = BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]);
                int length = error == 0 ? simpleDataBytes(cookie) : 0;
                replies.Add(new Reply(false, 0, 0, cookie, error, bytes.Slice(16, length).ToArray()));
                bytes = bytes[(16 + length)..];
            }
            else if (magic == 0x668E33EF)
            {
                int length = (int)BinaryPrimitives.ReadUInt32BigEndian(bytes[16..]);
                replies.Add(new Reply(true, BinaryPrimitives.ReadUInt16BigEndian(bytes[4..]), BinaryPrimitives.ReadUInt16BigEndian(bytes[6..]),
                    BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]), 0, bytes.Slice(20, length).ToArray()));
                bytes = bytes[(20 + length)..];
            }
            else
            {
                throw new InvalidDataException($"No reply begins with {magic:x8}.");
            }
        }

        return replies;
    }
}
