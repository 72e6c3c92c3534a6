using System.Net;

namespace PcieOe.Host.FrontEnds.Nbd;

/// <summary>Where a server listens: a UNIX socket's path, or an address and a port of TCP.</summary>
internal sealed record NbdAddress(string? UnixPath, IPEndPoint? EndPoint)
{
    private const string UnixPrefix = "unix:";
    private const string TcpPrefix = "tcp:";
    private const string LocalHost = "localhost:";

    /// <summary>Takes unix:PATH, and tcp:HOST:PORT with an IP address (IPv6 in brackets) or localhost.</summary>
    internal static bool TryParse(string text, out NbdAddress? address)
    {
        address = null;
        if (text.StartsWith(UnixPrefix, StringComparison.Ordinal) && text.Length > UnixPrefix.Length)
        {
            address = new NbdAddress(text[UnixPrefix.Length..], null);
        }
        else if (text.StartsWith(TcpPrefix, StringComparison.Ordinal))
        {
            string rest = text[TcpPrefix.Length..];
            rest = rest.StartsWith(LocalHost, StringComparison.Ordinal) ? $"{IPAddress.Loopback}:{rest[LocalHost.Length..]}" : rest;
            if (IPEndPoint.TryParse(rest, out IPEndPoint? endPoint) && endPoint.Port != 0)
            {
                address = new NbdAddress(null, endPoint);
            }
        }

        return address is not null;
    }

    public override string ToString() => UnixPath is null ? TcpPrefix + EndPoint : UnixPrefix + UnixPath;
}
