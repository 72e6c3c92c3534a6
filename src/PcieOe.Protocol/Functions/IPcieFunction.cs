namespace PcieOe.Protocol.Functions;

/// <summary>
/// A PCIe function as software: configuration and memory requests go in, DMA and interrupts come out through <see cref="IFunctionHost"/>.
/// It has no thread and no clock of its own: every call is made on one worker's thread, and time is handed in (monotonic nanoseconds).
/// No call may block, and none may allocate in steady state.
/// </summary>
public interface IPcieFunction
{
    /// <summary>Binds the function to whoever carries its requests. Called once, before any other member.</summary>
    void Attach(IFunctionHost host);

    /// <summary>Reads one aligned doubleword of the 4 KiB configuration space, as a little-endian value (PCIe base spec. 7.2).</summary>
    /// <param name="offset">0 to 4092, a multiple of 4.</param>
    uint ReadConfig(int offset);

    /// <summary>Writes the enabled bytes of one doubleword of configuration space.</summary>
    /// <param name="byteEnables">Bit i enables byte i of <paramref name="value"/>.</param>
    void WriteConfig(int offset, uint value, byte byteEnables, long now);

    /// <summary>
    /// Reads device memory. The function decodes <paramref name="address"/> by its own BARs.
    /// False: nobody claims the address (or memory decoding is off), answer Unsupported Request.
    /// </summary>
    bool TryReadMemory(ulong address, Span<byte> destination, long now);

    /// <summary>Writes device memory: a posted request, so what nobody claims is dropped, and false lets the caller count it.</summary>
    bool TryWriteMemory(ulong address, ReadOnlySpan<byte> data, long now);

    /// <summary>Resets the function. Tokens and reads from before it are void; the host has dropped its own record of them.</summary>
    void Reset(FunctionResetKind kind, long now);

    /// <summary>A piece of a DMA read asked for by <see cref="IFunctionHost.TryRead"/>. Pieces of one read may come in any order, none twice.</summary>
    /// <param name="offset">Where the piece starts, counted from the read's own address.</param>
    void OnReadData(DmaReadId id, int offset, ReadOnlySpan<byte> data, long now);

    /// <summary>The end of a DMA read: all of its data came, or it failed. Called exactly once for each accepted read, unless a reset came between.</summary>
    void OnReadCompleted(DmaReadId id, DmaReadStatus status, long now);

    /// <summary>A read that <see cref="IFunctionHost.TryRead"/> turned down may be tried again.</summary>
    void OnReadRoom(long now);

    /// <summary>A deferred command may start now. False: it has gone (it was aborted, or a reset came between).</summary>
    bool OnAdmitted(TransactionToken token, long deadlineNanoseconds, long now);

    /// <summary>
    /// Writes a ready transaction: its data, its completion entry, its interrupt, in this order. Only now does the function take the
    /// completion queue's slot, phase and head pointer. Called again with the same token after <see cref="MaterializeResult.Partial"/>.
    /// A token the function no longer knows (a reset came between) is <see cref="MaterializeResult.Completed"/> without a write.
    /// </summary>
    MaterializeResult Materialize(TransactionToken token, IDmaWriter writer, long now);

    /// <summary>When <see cref="OnTimer"/> wants to be called next; <see cref="long.MaxValue"/> for never, <see cref="long.MinValue"/> for the next round.</summary>
    long NextDeadline { get; }

    /// <summary>
    /// Media have answered, so OnTimer has something to do. It changes without a call: look in every poll round (a look at memory), and
    /// before blocking add <see cref="WakeUpDescriptor"/> to what is waited for.
    /// </summary>
    bool NeedsPolling => false;

    /// <summary>A descriptor that poll(2) reports readable when <see cref="NeedsPolling"/> has become true; -1 where that never happens.</summary>
    int WakeUpDescriptor => -1;

    /// <summary>Called in a poll round whose time has reached <see cref="NextDeadline"/>, or while <see cref="NeedsPolling"/>. A bounded piece of work.</summary>
    void OnTimer(long now);
}
