namespace PcieOe.Protocol.Link;

/// <summary>What a link has counted since it began. Bytes count from the frame's header on, check included.</summary>
public struct LinkCounters
{
    public long FramesSent;
    public long BytesSent;
    public long DataFramesSent;
    public long AckFramesSent;
    public long ControlFramesSent;

    /// <summary>Frames the port did not take.</summary>
    public long SendFailures;

    /// <summary>Sent again since later frames were acknowledged.</summary>
    public long FastRetransmits;

    /// <summary>Sent again since nothing was acknowledged for the first time-out (tail-loss probe).</summary>
    public long ProbeRetransmits;

    /// <summary>Sent again since nothing was acknowledged for further time-outs.</summary>
    public long TimerRetransmits;

    /// <summary>Retransmissions that proved needless: the earlier frame had come.</summary>
    public long SpuriousRetransmits;

    /// <summary>Genuine and new frames.</summary>
    public long FramesReceived;
    public long BytesReceived;
    public long DataFramesReceived;

    /// <summary>Data frames delivered to the sink.</summary>
    public long DataFramesDelivered;

    /// <summary>Data frames whose content had come before.</summary>
    public long DuplicateData;

    /// <summary>Data frames kept since an earlier one was missing.</summary>
    public long ReorderedData;

    /// <summary>Frames dropped: not of a session, or of impossible length.</summary>
    public long Malformed;

    /// <summary>Frames dropped: wrong CRC-32C or wrong tag.</summary>
    public long CheckFailures;

    /// <summary>Frames dropped: their number had come before, or is too old to tell.</summary>
    public long Replays;

    /// <summary>Data dropped: beyond the window it was permitted.</summary>
    public long OutsideWindow;

    /// <summary>Statements of the peer that cannot be true and were ignored: acknowledgement of what was never sent, a limit that retreats, content that is not whole doublewords.</summary>
    public long FalseStatements;
}
