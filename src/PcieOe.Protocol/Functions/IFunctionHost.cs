namespace PcieOe.Protocol.Functions;

/// <summary>
/// What a function may ask of whoever carries its requests: DMA reads, admission, and a place in the egress queue. DMA writes and
/// interrupts leave only through <see cref="IPcieFunction.Materialize"/>, so that a policy decides their order. Same thread as the function.
/// </summary>
public interface IFunctionHost
{
    /// <summary>
    /// Starts a DMA read of <paramref name="length"/> bytes (1 to 1 MiB; any alignment, it is split by the rules on the way).
    /// False: too many are outstanding; <see cref="IPcieFunction.OnReadRoom"/> says when to try again.
    /// Answers never arrive inside this call.
    /// </summary>
    bool TryRead(ulong address, int length, DmaReadId id);

    /// <summary>Hands a fetched command to admission control.</summary>
    Admission Submit(in AdmissionRequest request, long now);

    /// <summary>
    /// Puts a transaction into the egress queue. Materialize is called later, never inside this call.
    /// Also how a function sends an interrupt that belongs to no command (an unmasked pending vector): with a token of its own.
    /// </summary>
    void Ready(in ReadyTransaction transaction);

    /// <summary>
    /// Names what the host is delivering right now, so that what comes of it can be matched to it: not 0, and opaque to the function.
    /// </summary>
    ulong CurrentOrigin { get; }
}
