using System.Security.Cryptography;

namespace PcieOe.Protocol.Keys;

/// <summary>
/// A host's name and the keys that follow from its pre-shared key (docs/wire-format.md, "Keys"): one for each purpose, so that no message
/// can pass for another. The pre-shared key itself is not kept. Safe for several threads.
/// </summary>
public sealed class HostCredential
{
    public const int MinimumKeyBytes = 16;

    internal const int MacBytes = 32;

    private const int KeyBytes = 32;

    private readonly byte[] _helloKey;
    private readonly byte[] _acceptKey;
    private readonly byte[] _discoverKey;
    private readonly byte[] _offerKey;
    private readonly byte[] _sessionKey;

    /// <param name="hostName">Who the key belongs to: at most 63 bytes of UTF-8.</param>
    /// <param name="preSharedKey">At least 16 bytes, of full entropy: no passphrase.</param>
    public HostCredential(string hostName, ReadOnlySpan<byte> preSharedKey)
    {
        ArgumentException.ThrowIfNullOrEmpty(hostName);
        if (preSharedKey.Length < MinimumKeyBytes)
        {
            throw new ArgumentException($"A pre-shared key has at least {MinimumKeyBytes} bytes.", nameof(preSharedKey));
        }

        HostName = hostName;
        Span<byte> master = stackalloc byte[KeyBytes];
        HKDF.Extract(HashAlgorithmName.SHA256, preSharedKey, "pcieoe pre-shared key"u8, master);
        _helloKey = Expand(master, "pcieoe hello"u8);
        _acceptKey = Expand(master, "pcieoe accept"u8);
        _discoverKey = Expand(master, "pcieoe discover"u8);
        _offerKey = Expand(master, "pcieoe offer"u8);
        _sessionKey = Expand(master, "pcieoe session"u8);
        CryptographicOperations.ZeroMemory(master);
    }

    public string HostName { get; }

    /// <summary>The name alone; never a key.</summary>
    public override string ToString() => HostName;

    internal void ComputeHelloMac(ReadOnlySpan<byte> message, Span<byte> mac) => HMACSHA256.HashData(_helloKey, message, mac);

    internal void ComputeDiscoverMac(ReadOnlySpan<byte> message, Span<byte> mac) => HMACSHA256.HashData(_discoverKey, message, mac);

    internal void ComputeAcceptMac(ReadOnlySpan<byte> helloMac, ReadOnlySpan<byte> message, Span<byte> mac) =>
        ComputeAnswerMac(_acceptKey, helloMac, message, mac);

    internal void ComputeOfferMac(ReadOnlySpan<byte> discoverMac, ReadOnlySpan<byte> message, Span<byte> mac) =>
        ComputeAnswerMac(_offerKey, discoverMac, message, mac);

    /// <summary>The secrets of a new session's two directions, from the ECDH agreement, the pre-shared key, and all that was said.</summary>
    internal void DeriveSessionSecrets(
        ReadOnlySpan<byte> agreement, ReadOnlySpan<byte> hello, ReadOnlySpan<byte> accept, Span<byte> hostSecret, Span<byte> targetSecret)
    {
        Span<byte> transcript = stackalloc byte[hello.Length + accept.Length];
        hello.CopyTo(transcript);
        accept.CopyTo(transcript[hello.Length..]);
        Span<byte> transcriptHash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(transcript, transcriptHash);

        Span<byte> input = stackalloc byte[agreement.Length + KeyBytes];
        agreement.CopyTo(input);
        _sessionKey.CopyTo(input[agreement.Length..]);
        Span<byte> sessionMaster = stackalloc byte[KeyBytes];
        HKDF.Extract(HashAlgorithmName.SHA256, input, transcriptHash, sessionMaster);
        HKDF.Expand(HashAlgorithmName.SHA256, sessionMaster, hostSecret, "pcieoe host to target"u8);
        HKDF.Expand(HashAlgorithmName.SHA256, sessionMaster, targetSecret, "pcieoe target to host"u8);
        CryptographicOperations.ZeroMemory(input);
        CryptographicOperations.ZeroMemory(sessionMaster);
    }

    /// <summary>An answer is bound to what it answers by that one's MAC.</summary>
    private static void ComputeAnswerMac(byte[] key, ReadOnlySpan<byte> questionMac, ReadOnlySpan<byte> message, Span<byte> mac)
    {
        Span<byte> input = stackalloc byte[questionMac.Length + message.Length];
        questionMac.CopyTo(input);
        message.CopyTo(input[questionMac.Length..]);
        HMACSHA256.HashData(key, input, mac);
    }

    private static byte[] Expand(ReadOnlySpan<byte> master, ReadOnlySpan<byte> purpose)
    {
        byte[] key = new byte[KeyBytes];
        HKDF.Expand(HashAlgorithmName.SHA256, master, key, purpose);
        return key;
    }
}
