using PcieOe.Protocol.Frames;

namespace PcieOe.Protocol.Link;

/// <summary>What is known of a data frame between its filling and its acknowledgement.</summary>
internal struct SendSlot
{
    /// <summary>Its last transmission.</summary>
    public ulong FrameNumber;
    public long SentAt;

    public SequenceNumber Sequence;
    public int ContentBytes;

    /// <summary>CRC-32C register that ran over the content alone from 0, so that a retransmission need not read it again.</summary>
    public uint ContentRegister;
    public bool HasContentRegister;

    /// <summary>The last name that <see cref="ITlpTransmitter.Mark"/> gave to this frame; 0 if it has none.</summary>
    public uint LastMark;

    public SendSlotState State;

    /// <summary>It was taken for lost once: if the peer had it nevertheless, too much was read into the order of frames.</summary>
    public bool JudgedLost;

    /// <summary>Neighbours in the list of <see cref="State"/>; -1 at its ends.</summary>
    public int Previous;
    public int Next;
}

/// <summary>Where a send slot is in its life.</summary>
internal enum SendSlotState : byte
{
    Free = 0,

    /// <summary>Being filled, or filled and waiting for its first transmission.</summary>
    Unsent,

    /// <summary>Under way.</summary>
    InFlight,

    /// <summary>Taken for lost, waiting for its retransmission.</summary>
    Lost,
}
