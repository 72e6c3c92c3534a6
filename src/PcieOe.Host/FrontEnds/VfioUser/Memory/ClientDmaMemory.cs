using System.Runtime.InteropServices;
using PcieOe.Host.FrontEnds.Rings;
using PcieOe.Host.FrontEnds.VfioUser.Rings;
using PcieOe.Host.RootComplex;

namespace PcieOe.Host.FrontEnds.VfioUser.Memory;

/// <summary>
/// Client memory that came without a descriptor: the client is asked by DMA_READ and DMA_WRITE. Requests go to the socket's thread in a
/// ring of their own, so that no answer to a region access ever stands behind one. Used on the worker's thread.
/// </summary>
internal sealed class ClientDmaMemory(RecordRing requests) : IDmaMemory
{
    /// <summary>Writes handed over since the client came; an interrupt must not overtake them.</summary>
    public long WritesRequested { get; private set; }

    /// <summary>Set by every request; the worker clears it when it has woken the socket's thread.</summary>
    public bool HasRequested { get; set; }

    /// <summary>Another client comes.</summary>
    public void Restart() => WritesRequested = 0;

    public bool TryStartRead(ulong address, int length, DmaReadTicket ticket, long now) =>
        TryRequest(new ClientMemoryRequest { Address = address, Length = (ulong)length, Ticket = ticket.Value }, default);

    public bool TryWrite(ulong address, ReadOnlySpan<byte> data, long now)
    {
        bool isTaken = TryRequest(new ClientMemoryRequest { Address = address, Length = (ulong)data.Length, IsWrite = 1 }, data);
        WritesRequested += isTaken ? 1 : 0;
        return isTaken;
    }

    private bool TryRequest(in ClientMemoryRequest request, ReadOnlySpan<byte> data)
    {
        if (!requests.TryReserve(ClientMemoryRequest.Bytes + data.Length, out Span<byte> record))
        {
            return false;
        }

        MemoryMarshal.Write(record, in request);
        data.CopyTo(record[ClientMemoryRequest.Bytes..]);
        requests.Commit();
        HasRequested = true;
        return true;
    }
}
