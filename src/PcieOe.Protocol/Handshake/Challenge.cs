using System.Buffers.Binary;

namespace PcieOe.Protocol.Handshake;

/// <summary>
/// A target asks a host to repeat its hello with a cookie (docs/wire-format.md, "Challenge"). 72 bytes, big-endian:
/// <code>
///   0  version (8)   zeros (24)
///   4  host's session id (32)
///   8  the hello's nonce (32 bytes)
///  40  cookie (32 bytes)
/// </code>
/// </summary>
internal readonly ref struct Challenge
{
    public const int Length = 72;

    private const int HostSessionOffset = 4;
    private const int NonceOffset = 8;
    private const int CookieOffset = 40;

    private readonly ReadOnlySpan<byte> _message;

    private Challenge(ReadOnlySpan<byte> message) => _message = message;

    public uint HostSessionId => BinaryPrimitives.ReadUInt32BigEndian(_message[HostSessionOffset..]);

    public ReadOnlySpan<byte> Nonce => _message.Slice(NonceOffset, Hello.NonceBytes);

    public ReadOnlySpan<byte> Cookie => _message.Slice(CookieOffset, Hello.CookieBytes);

    public static bool TryParse(ReadOnlySpan<byte> message, out Challenge challenge)
    {
        challenge = message.Length == Length && message[0] == Hello.CurrentVersion ? new Challenge(message) : default;
        return !challenge._message.IsEmpty;
    }

    /// <summary>Writes the answer to <paramref name="hello"/> and returns where the cookie goes.</summary>
    public static Span<byte> Write(Span<byte> message, in Hello hello)
    {
        message = message[..Length];
        message.Clear();
        message[0] = Hello.CurrentVersion;
        BinaryPrimitives.WriteUInt32BigEndian(message[HostSessionOffset..], hello.HostSessionId);
        hello.Nonce.CopyTo(message[NonceOffset..]);
        return message.Slice(CookieOffset, Hello.CookieBytes);
    }
}
