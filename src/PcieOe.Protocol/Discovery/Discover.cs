using System.Security.Cryptography;
using PcieOe.Protocol.Handshake;
using PcieOe.Protocol.Keys;

namespace PcieOe.Protocol.Discovery;

/// <summary>
/// Somebody asks which targets there are, or a target what it has (docs/wire-format.md, "Discover"). 1408 bytes, as long as the longest
/// answer, big-endian:
/// <code>
///   0  version (8)   security (8)   page (8)   zeros (8)
///   4  zeros (32)
///   8  nonce (32 bytes)
///  40  host name, may be empty (64 bytes)
/// 104  cookie, or zeros (32 bytes)
/// 136  zeros
/// 1376 HMAC-SHA256 over all before it, or zeros (32 bytes)
/// </code>
/// </summary>
internal readonly ref struct Discover
{
    public const int Length = 1408;

    internal const int MacOffset = Length - HostCredential.MacBytes;

    private const int SecurityOffset = 1;
    private const int PageOffset = 2;
    private const int NonceOffset = 8;
    private const int HostNameOffset = 40;
    private const int CookieOffset = 104;

    private readonly ReadOnlySpan<byte> _message;

    private Discover(ReadOnlySpan<byte> message) => _message = message;

    /// <summary>Whether the asker shows a MAC.</summary>
    public SecurityMode Security => (SecurityMode)_message[SecurityOffset];

    public int Page => _message[PageOffset];

    public ReadOnlySpan<byte> Nonce => _message.Slice(NonceOffset, Hello.NonceBytes);

    public ReadOnlySpan<byte> HostName => NameField.Read(_message[HostNameOffset..]);

    public ReadOnlySpan<byte> Cookie => _message.Slice(CookieOffset, Hello.CookieBytes);

    public ReadOnlySpan<byte> Mac => _message[MacOffset..];

    public static bool TryParse(ReadOnlySpan<byte> message, out Discover discover)
    {
        bool isDiscover = message.Length == Length
            && message[0] == Hello.CurrentVersion
            && message[SecurityOffset] <= (byte)SecurityMode.PreSharedKey
            && NameField.IsValidField(message[HostNameOffset..]);
        discover = isDiscover ? new Discover(message) : default;
        return isDiscover;
    }

    /// <param name="credential">Null: anonymous.</param>
    public static void Write(
        Span<byte> message, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> hostName, int page, ReadOnlySpan<byte> cookie, HostCredential? credential)
    {
        message = message[..Length];
        message.Clear();
        message[0] = Hello.CurrentVersion;
        message[SecurityOffset] = (byte)(credential is null ? SecurityMode.Insecure : SecurityMode.PreSharedKey);
        message[PageOffset] = (byte)page;
        nonce.CopyTo(message[NonceOffset..]);
        NameField.Write(message[HostNameOffset..], hostName);
        cookie.CopyTo(message[CookieOffset..]);
        credential?.ComputeDiscoverMac(message[..MacOffset], message[MacOffset..]);
    }

    public bool IsAuthentic(HostCredential credential)
    {
        Span<byte> expected = stackalloc byte[HostCredential.MacBytes];
        credential.ComputeDiscoverMac(_message[..MacOffset], expected);
        return CryptographicOperations.FixedTimeEquals(expected, Mac);
    }
}
