namespace PcieOe.Protocol.Link;

/// <summary>
/// The sending end of an ordered, reliable lane of TLPs. TLPs lie back to back in frames and never span two of them.
/// Spans point into the lane's own memory, so that a TLP is written once, where it leaves from.
/// </summary>
public interface ITlpTransmitter
{
    /// <summary>
    /// Bytes left in the frame being filled, or a whole frame's room if none is being filled (or it is full) and the window lets one be
    /// opened; 0 if not.
    /// </summary>
    int RoomBytes { get; }

    /// <summary>The most that one TLP may have, header included: a whole frame's room.</summary>
    int MaximumTlpBytes { get; }

    /// <summary>
    /// Room for a TLP of exactly <paramref name="bytes"/> (a multiple of 4). Closes the frame being filled and opens the next when the
    /// TLP does not fit into it. Empty when the window allows no further frame: try again in a later round.
    /// </summary>
    Span<byte> Reserve(int bytes);

    /// <summary>Makes the last reservation part of the frame. <paramref name="bytes"/> is at most what was reserved, and a multiple of 4.</summary>
    void Commit(int bytes);

    /// <summary>The lane runs CRC-32C over what it carries, and takes the register of data from whoever has it already.</summary>
    bool ChecksContent => false;

    /// <summary>
    /// As <see cref="Commit(int)"/>. The last <paramref name="dataBytes"/> (a multiple of 4) have this CRC-32C register, started from 0. A
    /// wrong one makes the frame one that its receiver drops, however often it is sent.
    /// </summary>
    void Commit(int bytes, int dataBytes, uint dataRegister) => Commit(bytes);

    /// <summary>
    /// Asks for the moment at which the frame being filled leaves for the first time: whoever sends frames then hears the last of the
    /// names that have left. Names rise from 1 in the order of the calls. A lane whose frames nobody times ignores it.
    /// </summary>
    void Mark(uint name)
    {
    }
}
