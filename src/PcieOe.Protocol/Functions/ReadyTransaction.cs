namespace PcieOe.Protocol.Functions;

/// <summary>
/// A transaction whose result is there: it waits at the egress queue until <see cref="IPcieFunction.Materialize"/> is called for it.
/// The times are the function's share of the hop stamps; all are nanoseconds, instants are monotonic.
/// </summary>
public struct ReadyTransaction
{
    public TransactionToken Token;

    /// <summary>As admission gave it; <see cref="long.MaxValue"/> where there is none.</summary>
    public long DeadlineNanoseconds;

    /// <summary>What <see cref="IFunctionHost.CurrentOrigin"/> was when the doorbell that announced the command came.</summary>
    public ulong Origin;

    /// <summary>Bytes that Materialize is going to write, interrupt and completion entry included (an estimate from above).</summary>
    public int BytesToWrite;

    /// <summary>Bytes of user data the command moved: a label of its histograms.</summary>
    public int DataBytes;

    /// <summary>The function's own operation code: a label of its histograms.</summary>
    public byte Opcode;

    /// <summary>False for housekeeping (admin commands, interrupts alone): these carry no hop stamps.</summary>
    public bool IsStamped;

    public long ArrivalNanoseconds;
    public long AdmittedNanoseconds;
    public long ReadyNanoseconds;

    /// <summary>Parts of the time between admitted and ready: waiting for die or bus, the cell itself, the transfer on the flash bus.</summary>
    public long FlashQueueNanoseconds;
    public long FlashCellNanoseconds;
    public long FlashTransferNanoseconds;
}
