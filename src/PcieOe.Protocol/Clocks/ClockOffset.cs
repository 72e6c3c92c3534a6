namespace PcieOe.Protocol.Clocks;

/// <summary>How a peer's monotonic clock relates to one's own at an instant: peer = own + offset.</summary>
/// <param name="ErrorNanoseconds">
/// The offset is off by no more than this, whatever share of the round trip either way took, as long as both clocks keep a steady pace.
/// </param>
/// <param name="DriftPartsPerBillion">How much faster the peer's clock runs; an estimate.</param>
/// <param name="MinimumRoundTripNanoseconds">The least of the exchanges that the estimate rests on, without the peer's own time.</param>
public readonly record struct ClockOffset(
    long OffsetNanoseconds, long ErrorNanoseconds, int DriftPartsPerBillion, long MinimumRoundTripNanoseconds);
