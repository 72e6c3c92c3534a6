using PcieOe.Host.FrontEnds.Nbd.Protocol;

namespace PcieOe.Host.FrontEnds.Nbd.Transmission;

/// <summary>A client's request that has not been answered yet.</summary>
internal struct Request
{
    public RequestHeader Header;

    /// <summary>The first thing that went wrong.</summary>
    public NbdError Error;

    /// <summary>Commands at the device.</summary>
    public int Commands;

    /// <summary>Bytes for which commands have been made; all of them once it is issued.</summary>
    public uint IssuedBytes;

    /// <summary>Bytes of a simple reply that are in the reply queue, for a READ of several pieces.</summary>
    public uint RepliedBytes;

    /// <summary>No more commands follow, except for the flush.</summary>
    public bool IsIssued;

    /// <summary>A flush is to follow its commands.</summary>
    public bool NeedsFlush;

    /// <summary>Its client is gone, or no longer heard: its commands come to their end, unanswered.</summary>
    public bool IsAbandoned;
}
