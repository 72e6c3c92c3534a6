namespace PcieOe.Host.FrontEnds.Nbd;

/// <summary>What a server has counted. Written by its thread alone; any thread may look.</summary>
public sealed class NbdCounters
{
    /// <summary>Connections open now.</summary>
    public int Connections { get; internal set; }

    public long ConnectionsAccepted { get; internal set; }

    /// <summary>Clients for which no memory was left, that broke the protocol, or took too long over the handshake or over their leave.</summary>
    public long ConnectionsCut { get; internal set; }

    /// <summary>Of connections that have ended.</summary>
    public long Requests { get; internal set; }

    /// <summary>Answered with an error; of connections that have ended.</summary>
    public long RequestsFailed { get; internal set; }
}
