using System.Buffers.Binary;
using System.Diagnostics;
using System.Security.Cryptography;

namespace PcieOe.Protocol.Keys;

/// <summary>
/// The key of one direction for one epoch (a run of rekey-interval frames): AES-256-GCM and the salt of its nonce, and the secret
/// from which the next epoch's follows. HKDF-Expand is one way, so a key that leaks opens no earlier frame.
/// </summary>
internal sealed class FrameKey : IDisposable
{
    private const int KeyBytes = 32;
    private const int SaltBytes = 4;
    private const int NonceBytes = SaltBytes + sizeof(ulong);

    private readonly AesGcm _aead;
    private readonly byte[] _secret;
    private readonly uint _salt;

    public FrameKey(ReadOnlySpan<byte> secret, ulong epoch)
    {
        Debug.Assert(secret.Length == FrameCipher.SecretBytes);
        Epoch = epoch;
        _secret = secret.ToArray();

        Span<byte> derived = stackalloc byte[KeyBytes + SaltBytes];
        HKDF.Expand(HashAlgorithmName.SHA256, secret, derived, "pcieoe frame key"u8);
        _aead = new AesGcm(derived[..KeyBytes], FrameCipher.TagBytes);
        _salt = BinaryPrimitives.ReadUInt32BigEndian(derived[KeyBytes..]);
        CryptographicOperations.ZeroMemory(derived);
    }

    public ulong Epoch { get; }

    public FrameKey Next()
    {
        Span<byte> next = stackalloc byte[FrameCipher.SecretBytes];
        HKDF.Expand(HashAlgorithmName.SHA256, _secret, next, "pcieoe next epoch"u8);
        var key = new FrameKey(next, Epoch + 1);
        CryptographicOperations.ZeroMemory(next);
        return key;
    }

    public void Encrypt(ulong frameNumber, ReadOnlySpan<byte> header, ReadOnlySpan<byte> plaintext, Span<byte> ciphertext, Span<byte> tag)
    {
        Span<byte> nonce = stackalloc byte[NonceBytes];
        WriteNonce(nonce, frameNumber);
        _aead.Encrypt(nonce, plaintext, ciphertext, tag, header);
    }

    /// <exception cref="AuthenticationTagMismatchException">The tag does not belong to this header and ciphertext.</exception>
    public void Decrypt(ulong frameNumber, ReadOnlySpan<byte> header, ReadOnlySpan<byte> ciphertext, ReadOnlySpan<byte> tag, Span<byte> plaintext)
    {
        Span<byte> nonce = stackalloc byte[NonceBytes];
        WriteNonce(nonce, frameNumber);
        _aead.Decrypt(nonce, ciphertext, tag, plaintext, header);
    }

    public void Dispose()
    {
        _aead.Dispose();
        CryptographicOperations.ZeroMemory(_secret);
    }

    private void WriteNonce(Span<byte> nonce, ulong frameNumber)
    {
        BinaryPrimitives.WriteUInt32BigEndian(nonce, _salt);
        BinaryPrimitives.WriteUInt64BigEndian(nonce[SaltBytes..], frameNumber);
    }
}
