using PcieOe.Protocol.Tlp;

namespace PcieOe.Host.RootComplex;

/// <summary>The client's writes to BARs: posted to the function, but for the MSI-X table, which is the root complex's own.</summary>
internal sealed class RegionWriter(RequestLane lane, ConfigShadow shadow, MsixTable msix, RootComplexCounters counters, RoutingId requesterId)
{
    /// <summary>MPS of the function's device control register.</summary>
    public int MaximumPayloadBytes { get; set; } = TlpLimits.SmallestMaximumPayloadBytes;

    /// <summary>Takes a write that lies within its BAR. False: there is no room for it now.</summary>
    public bool TryWrite(int bar, ulong offset, ReadOnlySpan<byte> data)
    {
        if (msix.Overlaps(bar, offset, data.Length, out int start, out int count))
        {
            data.Slice(start, count).CopyTo(msix.ClientBytes(offset + (ulong)start, count));
            return (start == 0 || TryPost(bar, offset, data[..start]))
                && (start + count == data.Length || TryPost(bar, offset + (ulong)(start + count), data[(start + count)..]));
        }

        return TryPost(bar, offset, data);
    }

    private bool TryPost(int bar, ulong offset, ReadOnlySpan<byte> data)
    {
        ulong address = shadow.Bars.Address(bar) + offset;
        if (data.Length > MaximumPayloadBytes - TlpLimits.DoublewordBytes)
        {
            // In several pieces, or none at all: what does not leave at once must fit into the ring.
            int needed = data.Length + (data.Length / MaximumPayloadBytes + 2) * (TlpLimits.LongHeaderBytes + 3 * TlpLimits.DoublewordBytes);
            if (lane.FreeBytes(MaximumPayloadBytes + TlpLimits.LongHeaderBytes) < needed)
            {
                counters.RegionWritesDropped++;
                return false;
            }
        }

        for (int done = 0; done < data.Length;)
        {
            int bytes = RequestSplitter.PieceBytes(address, data.Length - done, MaximumPayloadBytes);
            if (!TryPostOne(address, data.Slice(done, bytes)))
            {
                counters.RegionWritesDropped++;
                return false;
            }

            address += (uint)bytes;
            done += bytes;
        }

        counters.RegionWrites++;
        return true;
    }

    private bool TryPostOne(ulong address, ReadOnlySpan<byte> data)
    {
        MemoryRequestHeader header = MemoryRequestHeader.Write(address, data.Length, requesterId);
        int payloadBytes = header.LengthDoublewords * TlpLimits.DoublewordBytes;
        Span<byte> tlp = lane.Reserve(header.WrittenLength + payloadBytes);
        if (tlp.IsEmpty)
        {
            return false;
        }

        header.Write(tlp);
        Span<byte> payload = tlp[header.WrittenLength..];
        int padding = (int)(address & 3);
        payload[..padding].Clear();
        data.CopyTo(payload[padding..]);
        payload[(padding + data.Length)..].Clear();
        lane.Commit();
        return true;
    }
}
