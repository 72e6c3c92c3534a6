using System.Numerics;
using System.Security.Cryptography;

namespace PcieOe.Protocol.Keys;

/// <summary>
/// Protects the frames of one session (docs/wire-format.md, "Keyed frames"): AES-256-GCM, one key for each direction, the nonce made of
/// the direction's salt and the frame number, the frame's header as additional data. Keys change every rekey interval: the epoch of a
/// frame is its number divided by the interval, and the lowest bit of the epoch shows in the header as the key phase.
/// <para>
/// AES-256 rather than AES-128: the call, not the rounds, makes the cost (both 1.0 us for 64 bytes and 2.1 us for 4 KiB, measured).
/// </para>
/// <para>
/// Nothing is allocated for a frame. A new epoch's key is made by <see cref="Prepare"/> ahead of time, or when its first frame comes.
/// One thread. A frame that does not open changes nothing.
/// </para>
/// </summary>
public sealed class FrameCipher : IDisposable
{
    public const int TagBytes = 16;

    /// <summary>Bytes of the secret from which the keys of one direction are derived.</summary>
    public const int SecretBytes = 32;

    public const ulong DefaultRekeyIntervalFrames = 1 << 24;

    /// <summary>
    /// How many frames in a row may be lost before the receiver cannot follow any more: far more than a link sends between two frames that
    /// arrive. Only intervals shorter than this let a forged frame make the receiver derive more than one key.
    /// </summary>
    private const ulong MaximumLeapFrames = 1 << 16;

    /// <summary>
    /// After a forgery so many frames are checked in the way that throws nothing: AesGcm reports a wrong tag by an exception alone, which
    /// costs 680 bytes, and a flood of forged frames must not wake the collector.
    /// </summary>
    private const int WaryFrames = 1024;

    private readonly int _epochShift;
    private readonly ulong _maximumEpochsAhead;
    private FrameKey _send;
    private FrameKey? _sendNext;
    private FrameKey? _receivePrevious;
    private FrameKey _receive;
    private FrameKey? _receiveNext;
    private byte[] _waryScratch = [];
    private int _waryFramesLeft;

    /// <param name="sendSecret">32 bytes, for the frames this side sends.</param>
    /// <param name="receiveSecret">32 bytes, for the frames the peer sends. Never equal to <paramref name="sendSecret"/>.</param>
    /// <param name="rekeyIntervalFrames">A power of two, the same on both sides.</param>
    public FrameCipher(
        ReadOnlySpan<byte> sendSecret, ReadOnlySpan<byte> receiveSecret, ulong rekeyIntervalFrames = DefaultRekeyIntervalFrames)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(sendSecret.Length, SecretBytes, nameof(sendSecret));
        ArgumentOutOfRangeException.ThrowIfNotEqual(receiveSecret.Length, SecretBytes, nameof(receiveSecret));
        if (!BitOperations.IsPow2(rekeyIntervalFrames))
        {
            throw new ArgumentOutOfRangeException(nameof(rekeyIntervalFrames), rekeyIntervalFrames, "The interval must be a power of two.");
        }

        _epochShift = BitOperations.Log2(rekeyIntervalFrames);
        _maximumEpochsAhead = 1 + (MaximumLeapFrames >> _epochShift);
        _send = new FrameKey(sendSecret, 0);
        _receive = new FrameKey(receiveSecret, 0);
    }

    /// <summary>How often a key was replaced by the next, both directions together.</summary>
    public long Rekeys { get; private set; }

    /// <summary>The key phase (0 or 1) to put into the header of a frame to send.</summary>
    public byte SendKeyPhase(ulong frameNumber) => (byte)(Epoch(frameNumber) & 1);

    /// <summary>
    /// Makes the keys of the next epochs if they are not there yet (about 10 us and some 2 KB each, once for each epoch). Called in quiet
    /// moments; without it the first frame of an epoch pays.
    /// </summary>
    public void Prepare()
    {
        _sendNext ??= _send.Next();
        _receiveNext ??= _receive.Next();
    }

    /// <summary>Encrypts and authenticates a frame. Frame numbers never repeat and never fall back behind an epoch left.</summary>
    /// <param name="ciphertext">As long as <paramref name="plaintext"/>; may be the same memory.</param>
    public void Seal(ulong frameNumber, ReadOnlySpan<byte> header, ReadOnlySpan<byte> plaintext, Span<byte> ciphertext, Span<byte> tag)
    {
        ulong epoch = Epoch(frameNumber);
        if (epoch != _send.Epoch)
        {
            AdvanceSend(epoch);
        }

        _send.Encrypt(frameNumber, header, plaintext, ciphertext, tag);
    }

    /// <summary>
    /// Checks and decrypts a frame. False: it is not the peer's, or of an epoch too far from the present one; then
    /// <paramref name="plaintext"/> holds nothing of use.
    /// </summary>
    /// <param name="plaintext">As long as <paramref name="ciphertext"/>, and other memory.</param>
    public bool TryOpen(
        ulong frameNumber,
        byte keyPhase,
        ReadOnlySpan<byte> header,
        ReadOnlySpan<byte> ciphertext,
        ReadOnlySpan<byte> tag,
        Span<byte> plaintext)
    {
        ulong epoch = Epoch(frameNumber);
        if ((epoch & 1) != keyPhase || tag.Length != TagBytes || plaintext.Length != ciphertext.Length)
        {
            return false;
        }

        if (epoch == _receive.Epoch)
        {
            return TryDecrypt(_receive, frameNumber, header, ciphertext, tag, plaintext);
        }

        if (epoch < _receive.Epoch)
        {
            return _receivePrevious is { } previous && previous.Epoch == epoch
                && TryDecrypt(previous, frameNumber, header, ciphertext, tag, plaintext);
        }

        return epoch - _receive.Epoch <= _maximumEpochsAhead
            && TryOpenAhead(epoch, frameNumber, header, ciphertext, tag, plaintext);
    }

    public void Dispose()
    {
        _send.Dispose();
        _sendNext?.Dispose();
        _receivePrevious?.Dispose();
        _receive.Dispose();
        _receiveNext?.Dispose();
    }

    private ulong Epoch(ulong frameNumber) => frameNumber >> _epochShift;

    private void AdvanceSend(ulong epoch)
    {
        if (epoch < _send.Epoch)
        {
            throw new InvalidOperationException("A frame number of an epoch already left was used for sending.");
        }

        while (_send.Epoch < epoch)
        {
            FrameKey next = _sendNext ?? _send.Next();
            _sendNext = null;
            _send.Dispose();
            _send = next;
            Rekeys++;
        }
    }

    /// <summary>A frame of an epoch to come: the keys move on only if it opens.</summary>
    private bool TryOpenAhead(
        ulong epoch,
        ulong frameNumber,
        ReadOnlySpan<byte> header,
        ReadOnlySpan<byte> ciphertext,
        ReadOnlySpan<byte> tag,
        Span<byte> plaintext)
    {
        _receiveNext ??= _receive.Next();
        FrameKey previous = _receive;
        FrameKey key = _receiveNext;
        while (key.Epoch < epoch)
        {
            FrameKey following = key.Next();
            Discard(previous);
            previous = key;
            key = following;
        }

        if (!TryDecrypt(key, frameNumber, header, ciphertext, tag, plaintext))
        {
            Discard(previous);
            Discard(key);
            return false;
        }

        Rekeys += (long)(epoch - _receive.Epoch);
        _receivePrevious?.Dispose();
        if (previous != _receive)
        {
            _receive.Dispose();
        }

        if (key != _receiveNext && previous != _receiveNext)
        {
            _receiveNext.Dispose();
        }

        _receivePrevious = previous;
        _receive = key;
        _receiveNext = null;
        return true;

        // Keys on the way to a far epoch are ours to drop; those that the cipher holds are not.
        void Discard(FrameKey candidate)
        {
            if (candidate != _receive && candidate != _receiveNext)
            {
                candidate.Dispose();
            }
        }
    }

    private bool TryDecrypt(
        FrameKey key,
        ulong frameNumber,
        ReadOnlySpan<byte> header,
        ReadOnlySpan<byte> ciphertext,
        ReadOnlySpan<byte> tag,
        Span<byte> plaintext)
    {
        if (_waryFramesLeft > 0)
        {
            return TryDecryptWarily(key, frameNumber, header, ciphertext, tag, plaintext);
        }

        try
        {
            key.Decrypt(frameNumber, header, ciphertext, tag, plaintext);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            _waryFramesLeft = WaryFrames;
            return false;
        }
    }

    /// <summary>
    /// Decrypts without an exception for a wrong tag. GCM's cipher is its own inverse, so encrypting the ciphertext gives the plaintext,
    /// and encrypting that gives the tag to compare with. Twice the work: a cost for the time of an attack alone. What comes out of the
    /// first step is cleared unless the tag is right.
    /// </summary>
    private bool TryDecryptWarily(
        FrameKey key,
        ulong frameNumber,
        ReadOnlySpan<byte> header,
        ReadOnlySpan<byte> ciphertext,
        ReadOnlySpan<byte> tag,
        Span<byte> plaintext)
    {
        if (_waryScratch.Length < ciphertext.Length)
        {
            _waryScratch = new byte[Math.Max(16384, ciphertext.Length)];
        }

        Span<byte> expected = stackalloc byte[TagBytes];
        key.Encrypt(frameNumber, header, ciphertext, plaintext, expected);
        key.Encrypt(frameNumber, header, plaintext, _waryScratch.AsSpan(0, ciphertext.Length), expected);
        if (CryptographicOperations.FixedTimeEquals(expected, tag))
        {
            _waryFramesLeft--;
            return true;
        }

        _waryFramesLeft = WaryFrames;
        plaintext.Clear();
        return false;
    }
}
