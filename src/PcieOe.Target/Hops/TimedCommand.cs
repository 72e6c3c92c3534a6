using PcieOe.Protocol.Hops;

namespace PcieOe.Target.Hops;

/// <summary>The stamps of one command at the target; instants are monotonic nanoseconds.</summary>
internal struct TimedCommand
{
    public bool IsUsed;

    /// <summary>Under which the host asked; 0: it did not.</summary>
    public uint Name;
    public ulong FrameNumber;

    public long ArrivedAt;
    public long RequestedAt;
    public long AdmittedAt;
    public long ReadyAt;
    public long WritingAt;
    public long FlashCell;
    public long FlashTransfer;
    public int DataBytes;
    public byte Opcode;
    public byte Class;

    /// <summary>How long before <see cref="ArrivedAt"/> the kernel had the frame; negative: unknown.</summary>
    public long RingWait;

    /// <summary>The session's count of lost frames at its arrival.</summary>
    public long LostBefore;

    public readonly long FlashQueue => ReadyAt - AdmittedAt - FlashCell - FlashTransfer;

    public readonly HopReport ToReport() => new()
    {
        Name = Name,
        ArrivedAt = ArrivedAt,
        TargetReceive = Saturate(RequestedAt - ArrivedAt),
        PolicyWait = Saturate(AdmittedAt - RequestedAt),
        FlashQueue = Saturate(FlashQueue),
        FlashCell = Saturate(FlashCell),
        FlashTransfer = Saturate(FlashTransfer),
        TargetQueue = Saturate(WritingAt - ReadyAt),
        Opcode = Opcode,
        Class = Class,
        IsRingWaitKnown = RingWait >= 0,
        RingWait = Saturate(RingWait),
        DataBytes = (uint)DataBytes,
        FrameNumber = FrameNumber,
    };

    /// <summary>One value for each hop from <see cref="Hop.TargetReceive"/> to <see cref="Hop.TargetTransmit"/>.</summary>
    public readonly void CopyHops(Span<long> hops, long leftAt)
    {
        hops[0] = RequestedAt - ArrivedAt;
        hops[1] = AdmittedAt - RequestedAt;
        hops[2] = FlashQueue;
        hops[3] = FlashCell;
        hops[4] = FlashTransfer;
        hops[5] = WritingAt - ReadyAt;
        hops[6] = leftAt - WritingAt;
    }

    private static uint Saturate(long nanoseconds) => (uint)Math.Clamp(nanoseconds, 0, uint.MaxValue);
}
