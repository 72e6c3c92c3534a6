namespace PcieOe.Host.RootComplex;

/// <summary>
/// Memory behind a range of the DMA window that this process cannot address: a client is asked for it by message, or a file read by
/// system calls. Called on the worker's thread; no call may block on the client.
/// </summary>
public interface IDmaMemory
{
    /// <summary>
    /// Starts a read of 1 to 4096 bytes. <see cref="IRemoteFunction.CompleteDmaRead"/> answers it, later or from within this call.
    /// False: it cannot be taken now; the device is answered with a completer abort.
    /// </summary>
    /// <param name="address">The bus address, within the mapped range.</param>
    bool TryStartRead(ulong address, int length, DmaReadTicket ticket, long now);

    /// <summary>
    /// Writes bytes; they are copied before the call returns. Writes, and interrupts that come after them, reach the client in the order
    /// of the calls. False: dropped, and counted by the caller.
    /// </summary>
    bool TryWrite(ulong address, ReadOnlySpan<byte> data, long now);
}

/// <summary>Names a read asked of an <see cref="IDmaMemory"/>. One whose range was unmapped meanwhile, or that was answered before, is ignored.</summary>
public readonly record struct DmaReadTicket(ulong Value);
