namespace PcieOe.Host.FrontEnds.VfioUser;

/// <summary>How a function is served to vfio-user clients.</summary>
public sealed record VfioUserOptions
{
    /// <summary>The path of the UNIX socket.</summary>
    public required string SocketPath { get; init; }

    /// <summary>Gives clients memory in place of the doorbells, which the worker watches, instead of having a message sent for each.</summary>
    public bool MapsDoorbells { get; init; }

    /// <summary>
    /// Maps memory also from files that the client could cut short. A client that does so ends the daemon, so this is for clients that are
    /// trusted as much as the daemon itself.
    /// </summary>
    public bool TrustsUnsealedMemory { get; init; }
}
