namespace PcieOe.Protocol.Link;

/// <summary>Why a data frame is sent.</summary>
internal enum TransmissionReason : byte
{
    First,

    /// <summary>Frames sent after it have been acknowledged.</summary>
    FastRetransmit,

    /// <summary>Nothing was acknowledged for a time-out.</summary>
    Probe,

    /// <summary>Nothing was acknowledged for several time-outs in succession.</summary>
    Timer,
}
