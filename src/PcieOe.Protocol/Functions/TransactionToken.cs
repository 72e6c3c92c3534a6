namespace PcieOe.Protocol.Functions;

/// <summary>
/// Names one transaction of a function (for NVMe: one fetched command) to whoever schedules it. Opaque outside the function that
/// made it; a function encodes a slot and a generation in it, so that a token from before a reset is recognised and ignored.
/// </summary>
public readonly record struct TransactionToken(ulong Value);
