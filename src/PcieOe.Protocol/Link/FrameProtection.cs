using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Keys;

namespace PcieOe.Protocol.Link;

/// <summary>
/// What ends a session's frames: CRC-32C in the clear, AES-GCM's tag where there are keys. In the clear the check is written behind the
/// content where that lies; sealed content needs other memory.
/// </summary>
/// <param name="cipher">Null for a link in the clear. It stays its owner's to dispose of.</param>
/// <param name="acceptsAnyCheck">For tests of what would go unnoticed without the check.</param>
internal sealed class FrameProtection(FrameCipher? cipher, int maximumContentBytes, bool acceptsAnyCheck) : IDisposable
{
    private readonly SlotPool _opened = new(slots: 1, maximumContentBytes);
    private readonly int _trailerBytes = TrailerBytesOf(cipher);

    /// <summary>Frames end in a check that reads all of their content, so that whoever has read it before can save that.</summary>
    public bool ChecksContent => cipher is null;

    public static int TrailerBytesOf(FrameCipher? cipher) => cipher is null ? FrameCheck.Length : FrameCipher.TagBytes;

    /// <summary>What a frame's header says of the key that it will be sealed with.</summary>
    public FrameFlags FlagsOf(ulong frameNumber) =>
        cipher is not null && cipher.SendKeyPhase(frameNumber) != 0 ? FrameFlags.KeyPhase : FrameFlags.None;

    /// <summary>Returns what follows the header: content and trailer.</summary>
    /// <param name="memory">Begins with the content, and has room for a trailer behind it.</param>
    public ReadOnlySpan<byte> Protect(ulong frameNumber, ReadOnlySpan<byte> header, Span<byte> memory, int contentBytes, Span<byte> sealScratch)
    {
        if (cipher is not null)
        {
            return Seal(cipher, frameNumber, header, memory[..contentBytes], sealScratch);
        }

        FrameCheck.Write(header, memory[..contentBytes], memory[contentBytes..]);
        return memory[..(contentBytes + _trailerBytes)];
    }

    /// <summary>As the other, for a frame of the lane: the check over its content is kept in <paramref name="slot"/> for when it is sent again.</summary>
    public ReadOnlySpan<byte> Protect(
        ulong frameNumber, ReadOnlySpan<byte> header, Span<byte> memory, ref SendSlot slot, Span<byte> sealScratch)
    {
        int contentBytes = slot.ContentBytes;
        if (cipher is not null)
        {
            return Seal(cipher, frameNumber, header, memory[..contentBytes], sealScratch);
        }

        slot.CheckUpTo(contentBytes, memory);
        FrameCheck.Write(header, slot.ContentRegister, contentBytes, memory[contentBytes..]);
        return memory[..(contentBytes + _trailerBytes)];
    }

    /// <summary>
    /// The content of a frame, where it lies or deciphered; the latter stays until the next call. False: the frame is damaged or forged.
    /// Its body must be no shorter than the trailer, nor longer than the largest content and the trailer.
    /// </summary>
    public bool TryOpen(in FrameView view, out ReadOnlySpan<byte> content)
    {
        ReadOnlySpan<byte> body = view.Body[..^_trailerBytes];
        ReadOnlySpan<byte> trailer = view.Body[^_trailerBytes..];
        if (cipher is null)
        {
            content = body;
            return FrameCheck.Matches(view.HeaderBytes, body, trailer) || acceptsAnyCheck;
        }

        Span<byte> plaintext = _opened[0][..body.Length];
        content = plaintext;
        byte keyPhase = (byte)(view.Header.Flags & FrameFlags.KeyPhase);
        return cipher.TryOpen(view.Header.FrameNumber, keyPhase, view.HeaderBytes, body, trailer, plaintext);
    }

    public void Dispose() => _opened.Dispose();

    private ReadOnlySpan<byte> Seal(
        FrameCipher key, ulong frameNumber, ReadOnlySpan<byte> header, ReadOnlySpan<byte> content, Span<byte> sealScratch)
    {
        key.Seal(frameNumber, header, content, sealScratch[..content.Length], sealScratch.Slice(content.Length, _trailerBytes));
        return sealScratch[..(content.Length + _trailerBytes)];
    }
}
