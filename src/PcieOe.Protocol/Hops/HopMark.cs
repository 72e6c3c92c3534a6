using PcieOe.Protocol.Tlp;

namespace PcieOe.Protocol.Hops;

/// <summary>
/// Host to target: the memory write right behind this message is a doorbell whose commands are to be timed, under the name given
/// (docs/wire-format.md, "Hop stamps"). A vendor-defined message of type 1 without data, the name in its last doubleword: who does
/// not know it drops it (PCIe base spec. 2.2.8.6).
/// </summary>
public static class HopMark
{
    public const int WrittenLength = MessageHeader.WrittenLength;

    /// <summary>The project's own; no member of the PCI-SIG has it.</summary>
    public const ushort VendorId = 0xF1A5;

    /// <param name="name">Not 0.</param>
    public static void Write(Span<byte> destination, RoutingId requester, uint name) =>
        MessageHeader.VendorDefined(MessageRouting.Local, requester, default, VendorId, name, lengthDoublewords: 0).Write(destination);

    /// <summary>False: another message.</summary>
    public static bool TryParse(in TlpView message, out uint name)
    {
        name = IsOurs(message, payloadBytes: 0) ? message.MessageDoubleword3 : 0;
        return name != 0;
    }

    /// <summary>Whether it is one of the project's own messages with so much data: that tells them apart.</summary>
    internal static bool IsOurs(in TlpView message, int payloadBytes) =>
        message.MessageCode == MessageCode.VendorDefinedType1 && message.VendorId == VendorId && message.Payload.Length == payloadBytes;
}
