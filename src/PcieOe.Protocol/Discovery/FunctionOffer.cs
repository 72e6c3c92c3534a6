namespace PcieOe.Protocol.Discovery;

/// <summary>A function that a target has.</summary>
/// <param name="SizeBytes">How large the device is, for people to recognise it; 0 if that has no meaning.</param>
public readonly record struct FunctionDescription(string Name, long SizeBytes);

/// <summary>A function in an offer.</summary>
public readonly record struct FunctionOffer(string Name, long SizeBytes, FunctionState State);

/// <summary>Who holds a function.</summary>
public enum FunctionState : byte
{
    Free = 0,
    HeldByYou = 1,
    HeldByAnother = 2,
}
