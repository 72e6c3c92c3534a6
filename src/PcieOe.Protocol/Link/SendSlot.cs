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

    /// <summary>CRC-32C register that ran over the first <see cref="CheckedBytes"/> of the content from 0, so that they need not be read again.</summary>
    public uint ContentRegister;
    public int CheckedBytes;

    /// <summary>The last name that <see cref="ITlpTransmitter.Mark"/> gave to this frame; 0 if it has none.</summary>
    public uint LastMark;

    public SendSlotState State;

    /// <summary>It was taken for lost once: if the peer had it nevertheless, too much was read into the order of frames.</summary>
    public bool JudgedLost;

    /// <summary>Neighbours in the list of <see cref="State"/>; -1 at its ends.</summary>
    public int Previous;
    public int Next;

    /// <summary>Runs the register over what it has not seen of the first <paramref name="bytes"/> of the content.</summary>
    public void CheckUpTo(int bytes, ReadOnlySpan<byte> content)
    {
        if (CheckedBytes < bytes)
        {
            ContentRegister = Crc32C.Append(ContentRegister, content[CheckedBytes..bytes]);
            CheckedBytes = bytes;
        }
    }

    /// <summary>The next bytes of the content have this register, which started from 0.</summary>
    public void AddChecked(int bytes, uint register)
    {
        ContentRegister = Crc32C.Join(ContentRegister, register, bytes);
        CheckedBytes += bytes;
    }
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
