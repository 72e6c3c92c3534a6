namespace PcieOe.Protocol.Frames;

/// <summary>What a frame is for: the low four bits of its first byte. Codes not listed survive as such.</summary>
public enum FrameType : byte
{
    /// <summary>Asks a segment which targets there are.</summary>
    Discover = 1,

    /// <summary>Answers <see cref="Discover"/>.</summary>
    Offer = 2,

    /// <summary>A host asks for a session.</summary>
    Hello = 3,

    /// <summary>A target asks a host to show that it receives what is sent to its address.</summary>
    Challenge = 4,

    /// <summary>A target grants or refuses a session.</summary>
    Accept = 5,

    /// <summary>TLPs; the only type that consumes a sequence number.</summary>
    Data = 6,

    /// <summary>Nothing but the header's acknowledgement, and its bitmap's continuation.</summary>
    Ack = 7,

    /// <summary>One step of a four-timestamp exchange.</summary>
    Time = 8,

    /// <summary>What policies tell one another.</summary>
    Feedback = 9,

    /// <summary>The sender ends the session in order.</summary>
    Close = 10,
}
