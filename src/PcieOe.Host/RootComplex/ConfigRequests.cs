using System.Buffers.Binary;
using PcieOe.Protocol.Link;
using PcieOe.Protocol.Tlp;

namespace PcieOe.Host.RootComplex;

/// <summary>Makes configuration requests to the function: the only one on its bus.</summary>
internal sealed class ConfigRequests(PendingRequests pending, RootComplexCounters counters, RoutingId requesterId, RoutingId functionId, long timeoutNanoseconds)
{
    private const int DataBytes = 4;

    public RoutingId RequesterId => requesterId;

    public static int Bytes(bool isWrite) => ConfigRequestHeader.WrittenLength + (isWrite ? DataBytes : 0);

    /// <summary>Sends one request at once. False: no tag, or no room.</summary>
    public bool TrySend(ITlpTransmitter transmitter, bool isWrite, int offset, uint value, byte byteEnables, long now)
    {
        if (!pending.HasTag)
        {
            return false;
        }

        Span<byte> tlp = transmitter.Reserve(Bytes(isWrite));
        if (tlp.IsEmpty)
        {
            return false;
        }

        Write(tlp, isWrite, offset, value, byteEnables, now);
        transmitter.Commit(tlp.Length);
        return true;
    }

    /// <summary>Writes one request of <see cref="Bytes"/> bytes. The caller has seen that there is a tag.</summary>
    public void Write(Span<byte> tlp, bool isWrite, int offset, uint value, byte byteEnables, long now)
    {
        RequestKind kind = isWrite ? RequestKind.ConfigWrite : RequestKind.ConfigRead;
        if (!pending.TryBegin(kind, offset, address: 0, DataBytes, now + timeoutNanoseconds, out ushort tag))
        {
            throw new InvalidOperationException("No tag is free.");
        }

        new ConfigRequestHeader
        {
            IsWrite = isWrite,
            DestinationId = functionId,
            RegisterOffset = offset,
            RequesterId = requesterId,
            Tag = tag,
            ByteEnables = byteEnables,
        }.Write(tlp);
        if (isWrite)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(tlp[ConfigRequestHeader.WrittenLength..], value);
        }

        counters.ConfigRequests++;
    }

    public void AbandonAll() => pending.AbandonConfigRequests();
}
