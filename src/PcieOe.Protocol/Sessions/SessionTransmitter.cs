using PcieOe.Protocol.Link;

namespace PcieOe.Protocol.Sessions;

/// <summary>
/// The sending end that a session's user holds: it stays the same while the link under it is replaced, has no room while there is none,
/// and says when there is something to send.
/// </summary>
internal sealed class SessionTransmitter(ReadySet? ready, int index) : ITlpTransmitter
{
    /// <summary>Null while there is no link.</summary>
    public LinkEngine? Link { get; set; }

    public int RoomBytes => Link?.RoomBytes ?? 0;

    public int MaximumTlpBytes => Link?.MaximumTlpBytes ?? 0;

    public Span<byte> Reserve(int bytes) => Link is { } link ? link.Reserve(bytes) : default;

    public void Commit(int bytes)
    {
        if (Link is { } link)
        {
            link.Commit(bytes);
            ready?.Add(index);
        }
    }

    public bool ChecksContent => Link is { ChecksContent: true };

    public void Commit(int bytes, int dataBytes, uint dataRegister)
    {
        if (Link is { } link)
        {
            link.Commit(bytes, dataBytes, dataRegister);
            ready?.Add(index);
        }
    }

    public void Mark(uint name) => Link?.Mark(name);
}
