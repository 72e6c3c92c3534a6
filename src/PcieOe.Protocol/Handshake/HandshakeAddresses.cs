using PcieOe.Protocol.Ethernet;

namespace PcieOe.Protocol.Handshake;

/// <summary>Group addresses of the protocol, locally administered (IEEE 802-2014, 8.4).</summary>
public static class HandshakeAddresses
{
    /// <summary>All targets of a segment: for discover, and for a hello that names its target.</summary>
    public static MacAddress Targets => new(0x0350_4349_4501);
}
